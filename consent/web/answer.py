"""Answers of a few bytes, sent whole: one write where our own server takes it, two messages under any other."""

from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus

from starlette.types import Scope, Send

Header = tuple[bytes, bytes]
Headers = tuple[Header, ...]

WHOLE = "consent.whole"
"""The member of the scope by which our protocol offers to take head and body at once, as bytes."""

Take = Callable[[bytes, bytes], None]

LONGER = "consent.longer"
"""The member of the scope by which our protocol lets an answer go on: called now and then, it renews its time."""


async def send_whole(scope: Scope, send: Send, status: int, headers: Headers, body: bytes) -> None:
    """Send an answer. Names are in small letters; values hold no control characters, whoever they came from.

    Content-Length is added, and Date by the server.
    """
    take: Take | None = scope.get(WHOLE)
    if take is not None:
        take(head(status, headers) + (b"" if status == 204 else b"content-length: %d\r\n" % len(body)), body)
        return
    length = () if status == 204 else ((b"content-length", b"%d" % len(body)),)
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body})


@lru_cache(maxsize=1_024)
def head(status: int, headers: Headers) -> bytes:
    """Status line and headers; equal ones are written once."""
    lines = [b"HTTP/1.1 %d %b" % (status, HTTPStatus(status).phrase.encode())]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b""])
