"""A visitor who withdraws: rows, what waits, and every byte of them go; an old cookie is known again, and is none."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from consent.db import Row
from consent.errors import StoreError
from consent.records.intake import milliseconds
from consent.telemetry import queries
from consent.telemetry.buffer import Buffer
from consent.telemetry.log import Log
from consent.telemetry.removal import remove
from consent.visitors.cookies import digest

SESSIONS = 100
"""Sessions of a visitor that are looked for at once."""

SCRUB = 3_000.0
"""Seconds that one look through the file may take."""

PAGE = 500
"""Digests read at once."""


class Forgetting:
    """Forgets visitors of one log. `now` is in ms."""

    def __init__(self, log: Log, buffer: Buffer, now: Callable[[], int] = milliseconds) -> None:
        self._log = log
        self._db = log.db
        self._buffer = buffer
        self._now = now

    def is_forgotten(self, site_id: int, visitor: bytes) -> bool:
        """Whether a visitor with this digest withdrew; for `visitors.cookies.Standing`."""
        return self._log.forgotten.has(site_id, visitor)

    async def load(self) -> None:
        """Know again who withdrew; before the first request."""
        known: dict[int, list[bytes]] = {}
        async for rows in self._pages():
            for row in rows:
                known.setdefault(row["site_id"], []).append(bytes.fromhex(row["digest"]))
        for site_id, digests in known.items():
            self._log.forgotten.load(site_id, digests)

    async def expire(self) -> None:
        """Delete digests of visitors whose cookies cannot live any more. They are in memory until the next start."""
        async for rows in self._pages():
            over = [row for row in rows if row["until"] < self._now()]
            if over:
                await queries.remember_no_more(self._db, over)

    async def _pages(self) -> AsyncIterator[list[Row]]:
        after = (-1, "")
        while rows := await queries.forgotten(self._db, after, PAGE):
            after = (rows[-1]["site_id"], rows[-1]["digest"])
            yield rows

    async def forget(self, site_id: int, visitor: str, until: int, *, rows: bool = True) -> None:
        """Delete all of a visitor: when this returns no row is left, and soon no byte (`scrub`).

        Args:
            site_id: the site.
            visitor: its id, 32 hex digits.
            until: for how long an old cookie of it is known again, ms since 1970: as long as one can live.
            rows: False where the policy lets the rows stay: then only an old cookie is none any more.

        Raises StoreError; then nothing more is written of the visitor, and `finish` deletes what is left.
        """
        known = digest(bytes.fromhex(visitor))
        if not rows:
            with contextlib.suppress(StoreError):  # what waits is lost then, and the visitor known all the same
                await self._buffer.flush()
            self._log.forgotten.add(site_id, known)
            await self._db.batch(queries.leaving(site_id, visitor, known.hex(), until, rows=False))
            return
        self._log.forgotten.add(site_id, known)  # from here on nothing of it is taken, and what waits is not written
        self._buffer.forget(site_id, visitor)
        async with self._log.turn:
            await self._db.batch(queries.leaving(site_id, visitor, known.hex(), until))
        await self._delete(site_id, visitor)

    async def finish(self) -> None:
        """Delete what a crash, or a store that failed, left of visitors who withdrew."""
        while rows := await queries.all_leaving(self._db):
            for row in rows:
                await self._delete(row["site_id"], row["id"])

    async def scrub(self, seconds: float = SCRUB) -> bool:
        """Overwrite what deleted rows left in the file, if any may be; True when nothing is left."""
        row = await self._db.fetch_one("select n from unscrubbed where site_id = 0")
        if row is None:
            return True
        if not await self._db.scrub(seconds):
            return False
        await self._db.execute("delete from unscrubbed where site_id = 0 and n = :n", n=row["n"])
        return True

    async def _delete(self, site_id: int, visitor: str) -> None:
        while sessions := await queries.sessions_of(self._db, site_id, visitor, limit=SESSIONS):
            await remove(self._log, site_id, [session.id for session in sessions])
            await asyncio.sleep(0)
        async with self._log.turn:
            await self._db.batch(queries.removing_visitors(site_id, [visitor]))
