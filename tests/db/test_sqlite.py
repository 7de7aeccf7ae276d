"""The storage port over SQLite: durable, one writer, readers apart, and said clearly when it fails."""

import asyncio
import resource
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from consent.db import Database, Statement
from consent.db import sqlite as adapter
from consent.db.sqlite import SqliteDatabase, open_sqlite
from consent.errors import ContradictionError, StoreError

ADD = "insert into site (site_id, key, created) values (:id, :key, 1)"


async def keys(db: Database) -> list[str]:
    return [row["key"] for row in await db.fetch("select key from site order by site_id")]


async def test_every_connection_holds_its_settings(db: Database) -> None:
    """WAL, synchronous=FULL, secure_delete, foreign keys and a busy timeout are in force on writer and readers."""
    assert isinstance(db, SqliteDatabase)
    wanted = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1, "busy_timeout": 5000}

    for connection in (db._writer, *db._readers):
        for name, value in wanted.items():
            cursor = await connection.execute(f"pragma {name}")
            row = await cursor.fetchone()
            assert row is not None
            assert next(iter(dict(row).values())) == value


async def test_a_setting_that_does_not_hold_refuses_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that reads back otherwise than it was written is an error at start, not a surprise later."""
    monkeypatch.setattr(adapter, "PRAGMAS", (("journal_mode", "wal2"),))

    with pytest.raises(StoreError, match="journal_mode"):
        await open_sqlite(tmp_path / "consent.sqlite")


async def test_what_is_written_is_read(db: Database) -> None:
    """A write is visible to readers when its call returns, and says how many rows it changed."""
    assert await db.execute(ADD, id=1, key="a") == 1
    assert await db.execute_many(ADD, [{"id": 2, "key": "b"}, {"id": 3, "key": "c"}]) == 2
    assert await db.execute("update site set key = 'z' where key = :key", key="none") == 0
    assert await db.fetch_one("select key from site where site_id = :id", id=2) == {"key": "b"}
    assert await db.fetch_one("select key from site where site_id = 9") is None


async def test_a_transaction_is_all_or_nothing(db: Database) -> None:
    """What a block writes is seen by others only when it ends, and not at all when it raises."""

    async def halfway() -> None:
        async with db.transaction() as held:
            await held.execute(ADD, id=1, key="a")
            assert await held.fetch_one("select key from site") == {"key": "a"}
            assert await keys(db) == []
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        await halfway()
    async with db.transaction() as held:
        await held.execute(ADD, id=2, key="b")

    assert await keys(db) == ["b"]


async def test_a_batch_is_all_or_nothing(db: Database) -> None:
    """A statement that fails takes the batch with it, and the writer goes on with the next one."""
    with pytest.raises(ContradictionError):
        await db.batch([Statement(ADD, [{"id": 1, "key": "a"}]), Statement(ADD, [{"id": 1, "key": "b"}])])

    assert await db.batch([Statement(ADD, [{"id": 1, "key": "c"}])]) == [1]
    assert await keys(db) == ["c"]


async def test_others_never_fall_into_a_transaction(db: Database) -> None:
    """A write that comes while a transaction is open waits for its end and survives its failure."""
    entered = asyncio.Event()

    async def failing() -> None:
        async with db.transaction() as held:
            await held.execute(ADD, id=1, key="gone")
            entered.set()
            await asyncio.sleep(0.02)
            raise RuntimeError

    first = asyncio.create_task(failing())
    await entered.wait()
    await db.execute(ADD, id=2, key="stays")

    with pytest.raises(RuntimeError):
        await first
    assert await keys(db) == ["stays"]


async def test_a_cancelled_transaction_is_rolled_back(db: Database) -> None:
    """A task that is cancelled inside its transaction leaves nothing behind and frees the writer."""
    entered = asyncio.Event()

    async def waiting() -> None:
        async with db.transaction() as held:
            await held.execute(ADD, id=1, key="gone")
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(waiting())
    await entered.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert await db.execute(ADD, id=1, key="next") == 1
    assert await keys(db) == ["next"]


async def test_compare_and_swap(db: Database) -> None:
    """Of 20 concurrent swaps from the same old value exactly one changes a row."""
    await db.execute(ADD, id=1, key="old")
    swap = "update site set key = :new where site_id = 1 and key = 'old'"

    changed = await asyncio.gather(*(db.execute(swap, new=f"new{n}") for n in range(20)))

    assert sorted(changed) == [0] * 19 + [1]


async def test_readers_cannot_write(db: Database) -> None:
    """A write through the reading side is refused by the database itself."""
    with pytest.raises(StoreError, match="readonly"):
        await db.fetch("delete from site returning site_id")


async def test_a_long_query_is_cut_off(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query that does not end in time is interrupted, and its reader serves the next one."""
    monkeypatch.setattr(adapter, "READ_SECONDS", 0.1)
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) as i from n"

    for _ in range(3):
        with pytest.raises(StoreError, match="in time"):
            await db.fetch(endless)
    monkeypatch.setattr(adapter, "READ_SECONDS", 5.0)
    assert await db.fetch_one("select 1 as one") == {"one": 1}


async def test_another_writer_is_waited_for(db: Database, tmp_path: Path) -> None:
    """A write waits for another process's transaction to end."""
    other = sqlite3.connect(tmp_path / "consent.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    asyncio.get_running_loop().call_later(0.1, other.execute, "commit")

    assert await db.execute(ADD, id=1, key="a") == 1
    other.close()


async def test_two_processes_write(tmp_path: Path) -> None:
    """300 writes of each of two processes are all there, and the file is sound."""
    program = (
        "import asyncio, sys; from pathlib import Path; from consent.db.sqlite import open_sqlite\n"
        "async def main():\n"
        "    db = await open_sqlite(Path(sys.argv[1]))\n"
        "    for n in range(int(sys.argv[2]), int(sys.argv[2]) + 300):\n"
        "        await db.execute('insert into site values (:n, :k, 1)', n=n, k=str(n))\n"
        "    await db.close()\n"
        "asyncio.run(main())\n"
    )
    path = tmp_path / "consent.sqlite"
    started = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(path), start) for start in ("0", "1000")
    ]

    assert [await process.wait() for process in started] == [0, 0]
    connection = sqlite3.connect(path)
    assert connection.execute("select count(*) from site").fetchone() == (600,)
    assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    connection.close()


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """Let no file of this process grow beyond `limit` bytes, as on a disk that is full."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


async def test_a_full_disk_loses_nothing_that_was_acknowledged(db: Database, tmp_path: Path) -> None:
    """On a full disk writes are refused; room made, they go on; only what was acknowledged is there."""
    acknowledged = []
    size = (tmp_path / "consent.sqlite-wal").stat().st_size
    with full_disk(size + 40_000):
        for number in range(200):
            try:
                await db.execute(ADD, id=number, key=f"{number}:" + "x" * 1_000)
            except StoreError:
                continue
            acknowledged.append(number)
    await db.execute(ADD, id=1_000, key="after")

    stored = [row["site_id"] for row in await db.fetch("select site_id from site order by site_id")]
    assert 0 < len(acknowledged) < 200
    assert stored == [*acknowledged, 1_000]


async def test_the_writer_is_reopened_after_a_failure_of_the_disk(db: Database, tmp_path: Path) -> None:
    """A connection whose write failed is not used again."""
    assert isinstance(db, SqliteDatabase)
    before = db._writer
    with full_disk((tmp_path / "consent.sqlite-wal").stat().st_size), pytest.raises(StoreError):
        await db.execute(ADD, id=1, key="x" * 100_000)

    await db.execute(ADD, id=2, key="b")

    assert db._writer is not before
    assert await keys(db) == ["b"]


async def test_closing_empties_the_log(tmp_path: Path) -> None:
    """After a clean stop everything is in the one file; closing twice is once; a closed store says so."""
    db = await open_sqlite(tmp_path / "consent.sqlite")
    await db.execute(ADD, id=1, key="a")
    await db.close()
    await db.close()

    assert not (tmp_path / "consent.sqlite-wal").exists()
    with pytest.raises(StoreError, match="closed"):
        await db.execute(ADD, id=2, key="b")


async def test_erased_rows_leave_no_bytes(tmp_path: Path) -> None:
    """What was deleted is in neither file once the log is emptied."""
    db = await open_sqlite(tmp_path / "consent.sqlite")
    await db.execute(ADD, id=1, key="a-visitor-to-forget")
    await db.execute("delete from site where site_id = 1")
    await db.close()

    assert b"a-visitor-to-forget" not in (tmp_path / "consent.sqlite").read_bytes()


async def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    """Neither a foreign database nor rubbish is migrated."""
    foreign = sqlite3.connect(tmp_path / "foreign.sqlite")
    foreign.execute("create table theirs (id integer)")
    foreign.close()
    (tmp_path / "rubbish.sqlite").write_bytes(b"rubbish" * 1_000)

    with pytest.raises(StoreError, match="another program"):
        await open_sqlite(tmp_path / "foreign.sqlite")
    with pytest.raises(StoreError, match="not a database"):
        await open_sqlite(tmp_path / "rubbish.sqlite")


def modes_in(folder: Path) -> dict[str, str]:
    return {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()}


async def test_the_store_is_its_owners_alone(db: Database, tmp_path: Path) -> None:
    """Store and write-ahead log are readable by their owner only."""
    await db.execute(ADD, id=1, key="a")

    modes = modes_in(tmp_path)
    assert modes.keys() >= {"consent.sqlite", "consent.sqlite-wal"}
    assert set(modes.values()) == {"0o600"}


async def test_a_sync_that_failed_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After it nothing is written by this process; who opened the store is told, once; readers go on."""
    told: list[str] = []
    opened = await open_sqlite(tmp_path / "consent.sqlite", on_fault=lambda: told.append("fault"))
    await opened.execute(ADD, id=1, key="a")

    def unsynced(*_: object) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
        raise error

    with monkeypatch.context() as patched:
        patched.setattr("consent.db.writing.commit", unsynced)
        with pytest.raises(StoreError):
            await opened.execute(ADD, id=2, key="b")
    for _ in range(2):
        with pytest.raises(StoreError, match="disk failed"):
            await opened.execute(ADD, id=3, key="c")

    assert told == ["fault"]
    assert len(await opened.fetch("select * from site")) == 1
    await opened.close()


async def test_the_log_is_written_back_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without SQLite's own checkpoints the write-ahead log stays small; when writing back fails, the write held."""
    monkeypatch.setattr("consent.db.sqlite.CHECKPOINT_WRITES", 10)
    opened = await open_sqlite(tmp_path / "consent.sqlite")
    sizes = []
    for number in range(100):
        await opened.execute(ADD, id=number, key=f"{number}:" + "x" * 4_000)
        sizes.append((tmp_path / "consent.sqlite-wal").stat().st_size)
    assert max(sizes[50:]) == max(sizes[:50]) < 1_000_000

    def failing(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("full")

    monkeypatch.setattr("consent.db.sqlite._write_back", failing)
    for number in range(100, 120):
        await opened.execute(ADD, id=number, key=str(number))
    assert len(await opened.fetch("select * from site")) == 120
    await opened.close()
