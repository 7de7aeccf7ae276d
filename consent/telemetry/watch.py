"""What an application answers, looked at while it is sent. Plain ASGI, and light: other people's sites import it."""

import time

from starlette.types import Message, Send

from consent.telemetry.asset import is_asset

PAGES = (b"text/html", b"application/xhtml+xml")


class Watch:
    """One answer on its way to `send`. An application that fails before it begins has a page for that."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._began = time.monotonic()
        self._sent = 0.0
        self.status = 500
        self._kind = PAGES[0]

    async def send(self, message: Message) -> None:
        """Send a message on."""
        if message["type"] == "http.response.start":
            self.status, self._kind = message["status"], _kind(message)
        await self._send(message)
        self._sent = time.monotonic()

    def took(self) -> int:
        """Ms until the answer was whole; where none came, until now."""
        return round(((self._sent or time.monotonic()) - self._began) * 1_000)

    def is_page(self, path: str) -> bool:
        """Whether it is a page: no file, no data, no redirection. What is unmodified is told by its path."""
        shown = self._kind.startswith(PAGES) if self.status != 304 else not is_asset(path)
        return shown and not (300 <= self.status < 304 or 304 < self.status < 400)


def _kind(message: Message) -> bytes:
    return next((value for name, value in message.get("headers", ()) if name.lower() == b"content-type"), b"")
