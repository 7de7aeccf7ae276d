"""Headers that every answer carries unless the route says otherwise. Pure ASGI: it costs one call a message."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from consent.web.answer import Headers

EVERYWHERE: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
)
"""What is no page runs, loads and is framed by nothing (OWASP ASVS 5.0, 3.4.3 to 3.4.6); pages bring their policy."""


class SecurityHeaders:
    """Adds `EVERYWHERE` to answers that lack them. Answers of consent posts are no pages: they bring their own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["path"].startswith("/v1/") and scope["path"].endswith("/consent")):
            return await self._app(scope, receive, send)

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                names = {name.lower() for name, _ in headers}
                message["headers"] = headers + [header for header in EVERYWHERE if header[0] not in names]
            await send(message)

        return await self._app(scope, receive, complete)
