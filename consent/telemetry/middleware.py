"""`LogMiddleware`: tells the service of a Python site's own page requests (Starlette, FastAPI, Django under ASGI).

    app = LogMiddleware(app, site="shop", service="https://consent.example.com", token=TOKEN)

What may be kept of each is for the service to say, by the visitor's choice: the same gate as for pages. The site waits
for none of it; what cannot be told in time is dropped and counted, and no fault here reaches a visitor.
"""

import logging
import secrets
import time
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Protocol
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from consent.telemetry import told
from consent.telemetry.sender import Sender
from consent.telemetry.told import Told
from consent.telemetry.watch import Watch
from consent.visitors.address import truncated
from consent.web.address import client

_WANTED = frozenset(name.encode() for name in told.HEADERS)
_log = logging.getLogger(__name__)


class Sink(Protocol):
    """Where requests go."""

    def put(self, request: Told) -> None:
        """Take one without waiting."""

    def close(self) -> None:
        """Tell what waits, for a short while."""


class LogMiddleware:
    """Wraps an ASGI application.

    Args:
        app: the site.
        site: its key in the service.
        service: the service's address.
        token: the site's token (`tokens/SITE` in the service's data folder).
        origin: scheme and host of the pages, where a proxy hides them from the application.
        trusted: networks of the site's own proxies, whose X-Forwarded-For is believed.
        cookie: name of the cookie that holds the choice, as in the policy.
        sink: where requests go instead of over HTTP.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        site: str,
        service: str = "",
        token: str = "",
        origin: str = "",
        trusted: Sequence[str] = (),
        cookie: str = "consent",
        sink: Sink | None = None,
    ) -> None:
        if sink is None and not (service and token):
            raise ValueError("LogMiddleware needs the service's address and the site's token")
        self._app = app
        self.sink = sink or Sender(f"{service.rstrip('/')}/v1/{site}/requests", token)
        self._origin = origin.rstrip("/")
        self._trusted = tuple(ip_network(text) for text in trusted)
        self._cookie = cookie
        self._failed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, self._closing(send))
            return
        if scope["type"] != "http" or scope["method"] in ("HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        watch = Watch(send)
        try:
            await self._app(scope, receive, watch.send)
        finally:
            self._note(scope, watch)

    def _closing(self, send: Send) -> Send:
        async def closing(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                self.sink.close()
            await send(message)

        return closing

    def _note(self, scope: Scope, watch: Watch) -> None:
        """Tell of a page; whatever fails is said once, and the site goes on."""
        try:
            if watch.is_page(scope["path"]):
                request = self._told(scope, watch.status, watch.took())
                if request is not None:
                    self.sink.put(request)
        except Exception:
            if not self._failed:
                _log.exception("a page request could not be told to the consent service")
            self._failed = True

    def _told(self, scope: Scope, status: int, took: int) -> Told | None:
        """What is told; None of what a browser fetched ahead."""
        found: dict[str, str] = {}
        forwarded, host, referrer, cookies = [], "", "", ""
        for name, value in scope["headers"]:
            text = value.decode("latin-1")
            if name in _WANTED:
                found[name.decode()] = text[: told.MAX_HEADER]
            elif name == b"cookie":
                cookies = f"{cookies}; {text}" if cookies else text
            elif name == b"host":
                host = text
            elif name == b"referer":
                referrer = text[: told.MAX_URL]
            elif name == b"x-forwarded-for":
                forwarded.append(text)
            elif name == b"sec-purpose" and text.startswith("prefetch"):
                return None
        kept = told.ours(cookies, self._cookie)
        address = client(scope["client"][0] if scope.get("client") else "", forwarded, self._trusted)
        return Told(
            id=secrets.token_hex(16),
            time=time.time_ns() // 1_000_000,
            method=scope["method"][:64],
            url=self._url(scope, host),
            status=status,
            took=took,
            referrer=referrer,
            address=address if "consent-visitor=" in kept else truncated(address),
            headers=found,
            cookies=kept,
        )

    def _url(self, scope: Scope, host: str) -> str:
        raw = scope.get("raw_path")
        path = raw.decode("latin-1") if raw else quote(scope["path"])
        query = scope["query_string"].decode("latin-1")
        origin = self._origin or f"{scope['scheme']}://{host}"
        return f"{origin}{path}{'?' if query else ''}{query}"[: told.MAX_URL]
