"""Readers of their own for questions that may take long: they wait for no writer, nobody who writes waits for them, and
whoever asks for too much is cut off.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol

import aiosqlite

from consent.db import Row, Value
from consent.db.sqlite import connect, fetch_rows, run, too_slow

SECONDS = 2.0
"""A question is cut off after this, unless it was given more time. Waiting for a free reader counts."""


class Reader(Protocol):
    """Reads at one moment: what is written meanwhile is not seen."""

    async def fetch(self, sql: str, /, **params: Value) -> list[Row]:
        """All rows of a query. Raises StoreError when its time is over."""
        ...


class Readers:
    """A few connections to one store that only read."""

    def __init__(self, connections: list[aiosqlite.Connection]) -> None:
        self._connections = connections
        self._idle: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        for connection in connections:
            self._idle.put_nowait(connection)

    @asynccontextmanager
    async def snapshot(self, seconds: float = SECONDS) -> AsyncIterator[Reader]:
        """One moment of the store. Raises StoreError (`store_slow`) where a query is not done after so many seconds."""
        end = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(end):
                connection = await self._idle.get()
        except TimeoutError:
            raise too_slow() from None
        try:
            await run(connection, fetch_rows, "begin", {})
            yield _Reader(connection, end)
        finally:
            await run(connection, fetch_rows, "rollback", {})  # waits for what was interrupted
            self._idle.put_nowait(connection)

    async def close(self) -> None:
        """Let go of the store."""
        for connection in self._connections:
            await connection.close()


class _Reader:
    def __init__(self, connection: aiosqlite.Connection, end: float) -> None:
        self._connection = connection
        self._end = end

    async def fetch(self, sql: str, /, **params: Value) -> list[Row]:
        try:
            async with asyncio.timeout_at(self._end):
                return await run(self._connection, fetch_rows, sql, params)
        except TimeoutError:
            await self._connection.interrupt()
            raise too_slow() from None
        except asyncio.CancelledError:  # whoever asked has gone
            await self._connection.interrupt()
            raise


async def open_readers(path: Path, readers: int = 2) -> Readers:
    """Readers of a store that is open or was: it is neither made nor migrated here."""
    async with AsyncExitStack() as opened:
        connections = []
        for _ in range(readers):
            connection = await connect(path, query_only=True, synchronous=None)
            opened.push_async_callback(connection.close)
            connections.append(connection)
        opened.pop_all()
    return Readers(connections)
