"""A store that fails when it is told to, over a real one."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager

from consent.db import Database, Row, Statement, Value
from consent.errors import StoreError


class Failing:
    """Passes everything on. `broken` makes writes fail, `unreadable` reads; while `held` is not set, batches wait.

    `batches` are the numbers of records that each batch brought.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self.broken = False
        self.lost = False
        self.unreadable = False
        self.held = asyncio.Event()
        self.held.set()
        self.batches: list[int] = []

    async def fetch(self, sql: str, /, **params: Value) -> list[Row]:
        if self.unreadable:
            raise StoreError("store_failed", "The disk failed.", "Look at it.")
        return await self._db.fetch(sql, **params)

    async def fetch_one(self, sql: str, /, **params: Value) -> Row | None:
        return await self._db.fetch_one(sql, **params)

    async def execute(self, sql: str, /, **params: Value) -> int:
        return (await self.batch([Statement(sql, [params])]))[0]

    async def execute_many(self, sql: str, rows: Sequence[Mapping[str, Value]], /) -> int:
        return (await self.batch([Statement(sql, rows)]))[0]

    async def batch(self, statements: Sequence[Statement], /) -> list[int]:
        await self.held.wait()
        if self.broken:
            raise StoreError("store_failed", "The disk failed.", "Look at it.")
        if records := sum(len(one.rows) for one in statements if "into consent_record" in one.sql):
            self.batches.append(records)
        changed = await self._db.batch(statements)
        if self.lost:
            raise StoreError("store_failed", "The answer was lost.", "Look at it.")
        return changed

    def transaction(self) -> AbstractAsyncContextManager[Database]:
        return self._db.transaction()

    def snapshot(self) -> AbstractAsyncContextManager[Database]:
        return self._db.snapshot()

    async def scrub(self, seconds: float) -> bool:
        return await self._db.scrub(seconds)

    async def close(self) -> None:
        await self._db.close()
