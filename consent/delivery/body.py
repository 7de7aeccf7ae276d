"""A body ready to send in each coding, and a shelf of them that never grows beyond its bound."""

import asyncio
import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable

import brotli  # type: ignore[import-untyped]
import msgspec

from consent.delivery.negotiate import Coding

#: Memory for bodies, all sites together; a site with eight languages takes about 0.6 MB when each was asked for.
SHELF_BYTES = 64_000_000


class Body(msgspec.Struct, frozen=True):
    """The same content in every coding. `hash` is SHA-256 hex of the content itself."""

    identity: bytes
    gzip: bytes
    br: bytes
    hash: str

    def coded(self, coding: Coding) -> bytes:
        """The bytes in one coding."""
        content: bytes = getattr(self, coding)
        return content

    def etag(self, coding: Coding) -> str:
        """A strong entity tag: another for each coding, the same for every visitor (SC-03)."""
        suffix = "" if coding == "identity" else f"-{coding}"
        return f'"{self.hash[:32]}{suffix}"'

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return len(self.identity) + len(self.gzip) + len(self.br)


def content_hash(text: str) -> str:
    """SHA-256 hex of a text as sent."""
    return hashlib.sha256(text.encode()).hexdigest()


def compress(text: str) -> Body:
    """Compress once, as well as it goes: takes tens of milliseconds, so not on the event loop."""
    content = text.encode()
    return Body(
        identity=content,
        gzip=gzip.compress(content, 9, mtime=0),
        br=brotli.compress(content, mode=brotli.MODE_TEXT, quality=11),
        hash=content_hash(text),
    )


class Shelf:
    """Bodies by key, the least lately used dropped first. Each is made once, however many ask for it at a time."""

    def __init__(self, limit: int = SHELF_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._bodies: OrderedDict[Hashable, Body] = OrderedDict()
        self._making = asyncio.Lock()

    async def get(self, key: Hashable, make: Callable[[], str]) -> Body:
        """The body of this key; `make` writes its text when it is not there. Both run in a thread."""
        if key in self._bodies:
            self._bodies.move_to_end(key)
            return self._bodies[key]
        async with self._making:
            if key not in self._bodies:
                body = await asyncio.to_thread(lambda: compress(make()))
                self._put(key, body)
                return body
        return self._bodies[key]

    def _put(self, key: Hashable, body: Body) -> None:
        self._bodies[key] = body
        self._size += body.size
        while self._size > self._limit and len(self._bodies) > 1:
            _, dropped = self._bodies.popitem(last=False)
            self._size -= dropped.size
