"""The visitors' log over its store: a door that takes events, and what is done behind it while the service runs."""

import asyncio
import contextlib
import logging
from collections import deque

from consent.config import Config
from consent.db import Database
from consent.errors import StoreError
from consent.records.intake import milliseconds
from consent.telemetry.buffer import UNTOLD, Buffer
from consent.telemetry.event import MAX_EVENTS
from consent.telemetry.forget import Forgetting
from consent.telemetry.hit import Anonymous, Hit
from consent.telemetry.leaving import NAME, Leaver, Leaving
from consent.telemetry.log import Log
from consent.telemetry.store import open_telemetry
from consent.visitors.cookies import digest

WITHDRAWALS = 10_000
"""Visitors who wait in memory to be forgotten; further ones are known as withdrawn, and read from the file later."""

RETRY = 5.0
"""Seconds until a store that failed is tried again."""

_log = logging.getLogger(__name__)


class Opened:
    """A `Door` over a store."""

    def __init__(self, db: Database, leaving: Leaving) -> None:
        self.db = db
        self._noted = leaving
        self.log = Log(db)
        self.buffer = Buffer(self.log)
        self.forgetting = Forgetting(self.log, self.buffer, milliseconds)
        self._leaving: deque[Leaver] = deque()
        self._more = False
        """Whether the file has some who do not wait in memory."""
        self._wanted = asyncio.Event()

    def put(self, hit: Hit) -> bool:
        """Take a hit; False when it was dropped, and counted as that."""
        return self.buffer.put(hit)

    def has_room(self, size: int) -> bool:
        """Whether a hit of so many events would be taken."""
        return self.buffer.has_room(size)

    def is_swamped(self) -> bool:
        """Whether so much was dropped that not even that is stored yet."""
        return self.buffer.untold + MAX_EVENTS > UNTOLD

    def count(self, counted: Anonymous) -> bool:
        """Add one anonymous event up; False when it was dropped, and counted as that."""
        return self.buffer.count(counted)

    def drop(self, site_id: int, time: int, reason: str, number: int = 1) -> None:
        """Count events that were not taken, by one of the program's own words."""
        self.buffer.drop(site_id, time, reason, number)

    def is_forgotten(self, site_id: int, digest: bytes) -> bool:
        """Whether a visitor of this digest withdrew."""
        return self.forgetting.is_forgotten(site_id, digest)

    def forget(self, site_id: int, visitor: str, until: int, *, rows: bool) -> None:
        """A visitor withdrew: nothing more is taken from now on; the store hears of it from `run`, or the next one."""
        one = Leaver(site_id, visitor, until, rows)
        try:
            self._noted.note(one)
        except OSError as error:
            _log.error("who withdrew could not be noted, and is forgotten if the service is not killed: %s", error)
        self._leave(one)

    def recall(self) -> None:
        """Go on with those who were waiting when the service ended. Raises OSError."""
        for one in self._noted.noted():
            self._leave(one)

    def _leave(self, one: Leaver) -> None:
        site_id, visitor, _, rows = one
        self.log.forgotten.add(site_id, digest(bytes.fromhex(visitor)))
        if rows:
            self.buffer.forget(site_id, visitor)
        if len(self._leaving) < WITHDRAWALS:
            self._leaving.append(one)
        else:
            self._more = True
        self._wanted.set()

    async def run(self) -> None:
        """Write what comes, and forget who withdrew, until cancelled; then write what is left."""
        writing = asyncio.create_task(self.buffer.run())
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                await self._forget_all()
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
            with contextlib.suppress(StoreError):
                while self._leaving:
                    await self._forget_one()

    async def _forget_all(self) -> None:
        said = False
        while self._leaving:
            try:
                await self._forget_one()
                said = False
            except StoreError as error:
                if not said:
                    _log.error("a visitor who withdrew could not be deleted, and will be: %s", error)
                said = True
                await asyncio.sleep(RETRY)

    async def _forget_one(self) -> None:
        """Forget the first of those who wait. Raises StoreError; then it goes on waiting."""
        site_id, visitor, until, rows = self._leaving[0]
        await self.forgetting.forget(site_id, visitor, until, rows=rows)
        self._leaving.popleft()
        if not self._leaving:
            try:
                self._go_on()
            except OSError as error:
                _log.error("the list of who withdrew could not be read or emptied: %s", error)

    def _go_on(self) -> None:
        """Nobody waits in memory: take up all whom the file has besides, or empty it. Raises OSError."""
        if self._more:
            self._leaving.extend(self._noted.noted())
            self._more = False
        else:
            self._noted.clear()


async def open_door(config: Config) -> Opened:
    """Open the store, and know again who withdrew. Raises StoreError."""
    db = await open_telemetry(config)
    opened = Opened(db, Leaving(config.data / NAME))
    try:
        await opened.forgetting.load()
        opened.recall()
    except BaseException:
        await db.close()
        raise
    return opened
