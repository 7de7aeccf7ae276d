"""The storage port over SQLite: one writer, a few readers, each on a thread of its own (aiosqlite)."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from consent.db import Database, Row, Statement, Value, upgrade, writing
from consent.db.migration import Migration
from consent.db.scrub import Scrubber
from consent.errors import ContradictionError, StoreError

T = TypeVar("T")

_log = logging.getLogger(__name__)

READ_SECONDS = 5.0
"""A query is cut off after this: a reader that stays keeps the write-ahead log from being emptied."""

BUSY_SECONDS = 5
"""How long to wait for another process that is writing."""

PRAGMAS: tuple[tuple[str, int | str], ...] = (
    ("busy_timeout", BUSY_SECONDS * 1_000),  # first, so that the next ones wait for another process
    ("journal_mode", "wal"),
    ("synchronous", 2),  # FULL: NORMAL loses acknowledged commits when the power goes
    ("fullfsync", 1),  # macOS alone needs to be told
    ("secure_delete", 1),  # what is erased is overwritten
    ("foreign_keys", 1),
    ("wal_autocheckpoint", 0),  # SQLite keeps the errors of its own checkpoints to itself: ours are looked at
    ("journal_size_limit", 64 * 1024 * 1024),
)

_BROKEN = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL, sqlite3.SQLITE_NOTADB)
"""After these the writer's connection is not trusted again."""

_UNSYNCED = (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)
"""A sync failed: what the kernel held for the disk may be gone, and counts as saved (PostgreSQL's fsyncgate, 2018)."""

CHECKPOINT_ROWS = 4_000
CHECKPOINT_WRITES = 200
"""The write-ahead log is written back after so many rows or so many transactions: some 4 MB of it."""


async def open_sqlite(
    path: Path,
    *,
    readers: int = 2,
    on_fault: Callable[[], None] | None = None,
    migrations: tuple[Migration, ...] | None = None,
    synchronous: int | None = None,
) -> Database:
    """Open the store in a file, made and migrated where needed. The folder must exist.

    Args:
        path: the file.
        readers: connections that only read.
        on_fault: called when the disk has failed: nothing is written any more until another process opens the store.
        migrations: of a store that is not the one of records.
        synchronous: SQLite's setting; 1 (NORMAL) where commits may be lost when the power goes.

    Raises StoreError when the file is not ours, is newer than this software, or does not take a setting.
    """
    await asyncio.to_thread(path.touch, mode=0o600)
    opened: list[aiosqlite.Connection] = []
    try:
        opened.append(await connect(path, query_only=False, synchronous=synchronous))
        await run(opened[0], upgrade.migrate, migrations)
        for _ in range(readers):
            opened.append(await connect(path, query_only=True, synchronous=synchronous))
    except BaseException:
        for connection in opened:
            await connection.close()  # its thread would keep the process from ending
        raise
    return SqliteDatabase(path, opened[0], opened[1:], on_fault, synchronous)


class SqliteDatabase:
    """See `Database`. Writes wait in a row for the one writer; reads see what is committed and wait for no write."""

    def __init__(
        self,
        path: Path,
        writer: aiosqlite.Connection,
        readers: Sequence[aiosqlite.Connection],
        on_fault: Callable[[], None] | None = None,
        synchronous: int | None = None,
    ) -> None:
        self._path = path
        self._synchronous = synchronous
        self._on_fault = on_fault
        self._fault = False
        self._rows = self._writes = 0
        self._writer = writer
        self._writing = asyncio.Lock()
        self._scrubber = Scrubber(path, self._writing)
        self._broken = False
        self._closed = False
        self._readers = tuple(readers)
        self._idle: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        for reader in readers:
            self._idle.put_nowait(reader)

    async def fetch(self, sql: str, /, **params: Value) -> list[Row]:
        try:
            async with asyncio.timeout(READ_SECONDS):
                reader = await self._idle.get()
        except TimeoutError:
            raise too_slow() from None
        try:
            async with asyncio.timeout(READ_SECONDS):
                return await run(reader, fetch_rows, sql, params)
        except TimeoutError:
            await reader.interrupt()
            raise too_slow() from None
        finally:
            self._idle.put_nowait(reader)  # its thread works in order: the next query waits for the interrupted one

    async def fetch_one(self, sql: str, /, **params: Value) -> Row | None:
        rows = await self.fetch(sql, **params)
        return rows[0] if rows else None

    async def execute(self, sql: str, /, **params: Value) -> int:
        return (await self.batch([Statement(sql, [params])]))[0]

    async def execute_many(self, sql: str, rows: Sequence[Mapping[str, Value]], /) -> int:
        return (await self.batch([Statement(sql, rows)]))[0]

    async def batch(self, statements: Sequence[Statement], /) -> list[int]:
        async with self._writing:
            counts = await self._write(writing.batch, statements)
            await self._checkpoint(sum(counts))
            return counts

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Database]:
        async with self._writing:
            try:
                await self._write(
                    writing.begin
                )  # inside: whoever is cancelled meanwhile leaves a transaction that was begun
                yield _Held(self._writer)
                await self._write(writing.commit)
                await self._checkpoint(CHECKPOINT_ROWS // CHECKPOINT_WRITES)
            except BaseException:
                await run(self._writer, writing.rollback)
                raise

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Database]:
        reader = await connect(self._path, query_only=True, synchronous=self._synchronous)
        try:
            await run(reader, _see)
            yield _Held(reader)
        finally:
            await reader.close()

    async def scrub(self, seconds: float) -> bool:
        try:
            return await self._scrubber.run(seconds)
        except sqlite3.Error as error:
            self._note_fault(error)
            raise _store_error(error) from error

    async def close(self) -> None:
        if self._closed:
            return
        self._scrubber.stop()
        async with self._writing:
            self._closed = True
            for reader in self._readers:
                await reader.close()
            try:
                await run(self._writer, _empty_log)
            finally:
                await self._writer.close()  # its thread would keep the process from ending

    async def _write(self, function: Callable[..., T], *args: Any) -> T:
        """Run on the writer's thread; after a failure of the disk on a fresh connection."""
        if self._closed:
            raise StoreError("store_closed", "The store is closed.", "Start the service again.")
        if self._fault:
            raise StoreError("store_fault", "The disk failed while the store was written.", "Look at the disk.")
        if self._broken:
            await self._writer.close()
            self._writer = await connect(self._path, query_only=False, synchronous=self._synchronous)
            self._broken = False
        try:
            return await run(self._writer, function, *args)
        except StoreError as error:
            self._broken = _code(error.__cause__) in _BROKEN
            self._note_fault(error.__cause__)
            raise

    async def _checkpoint(self, rows: int) -> None:
        """Write the log back now and then. What fails here was durable before: the log has it, and is kept."""
        self._rows += rows
        self._writes += 1
        if self._rows < CHECKPOINT_ROWS and self._writes < CHECKPOINT_WRITES:
            return
        self._rows = self._writes = 0
        try:
            await self._write(_write_back)
        except StoreError as error:
            _log.error("the write-ahead log could not be written back: %s", error.message)

    def _note_fault(self, cause: BaseException | None) -> None:
        """A sync that failed is not tried again: the pages it was for count as clean, and a checkpoint that had written
        some of them would leave them out. Only who reads the log from its start writes them again: another process.
        """
        if getattr(cause, "sqlite_errorcode", 0) in _UNSYNCED and not self._fault:
            self._fault = True
            _log.critical("The disk failed while the store was written (%s).", cause)
            if self._on_fault:
                self._on_fault()


class _Held:
    """A connection inside a transaction: the writer's, or one that only reads."""

    def __init__(self, writer: aiosqlite.Connection) -> None:
        self._writer = writer

    async def fetch(self, sql: str, /, **params: Value) -> list[Row]:
        return await run(self._writer, fetch_rows, sql, params)

    async def fetch_one(self, sql: str, /, **params: Value) -> Row | None:
        rows = await self.fetch(sql, **params)
        return rows[0] if rows else None

    async def execute(self, sql: str, /, **params: Value) -> int:
        return await self.execute_many(sql, [params])

    async def execute_many(self, sql: str, rows: Sequence[Mapping[str, Value]], /) -> int:
        return (await self.batch([Statement(sql, rows)]))[0]

    async def batch(self, statements: Sequence[Statement], /) -> list[int]:
        return await run(self._writer, writing.part, statements)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Database]:
        """Inside a transaction there is no other: the block belongs to the one that is open."""
        yield self

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Database]:
        """A transaction sees one state of the store as it is."""
        yield self

    async def scrub(self, seconds: float) -> bool:
        raise AssertionError("what a transaction deleted is not gone before its end")

    async def close(self) -> None:
        raise AssertionError("a transaction does not close the store")


async def connect(path: Path, *, query_only: bool, synchronous: int | None) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(path, isolation_level=None, cached_statements=256)
    try:
        await run(connection, _settle, query_only, synchronous)
    except BaseException:
        await connection.close()
        raise
    return connection


async def run(connection: aiosqlite.Connection, function: Callable[..., T], *args: Any) -> T:
    """Call `function(sqlite3 connection, *args)` on the connection's thread: one hand-over for many statements.

    `_execute` is private to aiosqlite, whose public calls hand over one statement each; its version is pinned.
    """
    if connection._connection is None:
        raise StoreError("store_closed", "The store is closed.", "Start the service again.")
    try:
        result: T = await connection._execute(function, connection._connection, *args)  # type: ignore[no-untyped-call]
    except sqlite3.ProgrammingError:
        raise  # a fault of the program, not of the store
    except sqlite3.Error as error:
        raise _store_error(error) from error
    return result


def _set(connection: sqlite3.Connection, pragma: str) -> None:
    """Set a pragma. Two processes that make a store at the same moment are told busy at once, whatever the timeout."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(pragma)
            return
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)


def _settle(connection: sqlite3.Connection, query_only: bool, synchronous: int | None) -> None:
    """Set every pragma and read it back: a setting that does not hold is a promise that does not."""
    connection.row_factory = _row
    for name, usual in PRAGMAS:
        value = usual if synchronous is None or name != "synchronous" else synchronous
        _set(connection, f"pragma {name} = {value}")
        held = next(iter(connection.execute(f"pragma {name}").fetchone().values()))
        if held != value:
            raise StoreError(
                "store_setting",
                f"The store does not take the setting {name} = {value} (it says {held}).",
                "Use an unaltered SQLite of 3.35 or newer, and a disk of this machine.",
            )
    connection.execute(f"pragma query_only = {int(query_only)}")


def _row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}


def fetch_rows(connection: sqlite3.Connection, sql: str, params: Mapping[str, Value]) -> list[Row]:
    return connection.execute(sql, params).fetchall()


def _see(connection: sqlite3.Connection) -> None:
    """Hold on to the store as it is: a deferred transaction begins with its first read."""
    connection.execute("begin")
    connection.execute("select count(*) from migration").fetchall()


def _write_back(connection: sqlite3.Connection) -> None:
    connection.execute("pragma wal_checkpoint(passive)").fetchall()


def _empty_log(connection: sqlite3.Connection) -> None:
    connection.execute("pragma wal_checkpoint(truncate)")


def _code(error: BaseException | None) -> int:
    """SQLite's primary result code; the extended ones hold it in their lower byte."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _store_error(error: sqlite3.Error) -> StoreError:
    code = _code(error)
    if code == sqlite3.SQLITE_CONSTRAINT:
        return ContradictionError(f"The store refused a row: {error}.")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError("store_busy", "Another program is writing to the store.", "Wait for it and try again.")
    if code == sqlite3.SQLITE_FULL:
        return StoreError("store_full", "The disk is full.", "Make room on it; the service goes on by itself.")
    if code == sqlite3.SQLITE_INTERRUPT:
        return too_slow()
    return StoreError("store_failed", f"The store failed: {error}.", "Look at the disk and the service's messages.")


def too_slow() -> StoreError:
    return StoreError("store_slow", "The store did not answer in time.", "Ask for less, or try again later.")
