"""What is deleted is gone from every byte of the store's files, and what is not deleted is not touched."""

import asyncio
import os
import random
import re
import sqlite3
import time
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from consent.db import Database, Statement, residue, scrub
from consent.db.residue import cleaned
from consent.db.sqlite import open_sqlite
from consent.errors import StoreError

ROWS = 8_000
SITES = "insert into site (site_id, key, created) values (:site_id, :key, 1)"
TOKENS = "insert into log_token (site_id, hash, created) values (1, :hash, 1)"


def files(folder: Path) -> bytes:
    """Every byte of every file in a folder, one after the other."""
    return b"\0".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def found(texts: Iterable[str], data: bytes) -> set[str]:
    """Those texts of which the first 16 characters are somewhere in the bytes."""
    starts = {text[:16].encode(): text for text in texts}
    return {starts[piece] for piece in re.findall(rb"(?=([0-9a-f]{16}))", data) if piece in starts}


async def filled(folder: Path, chance: random.Random) -> tuple[Database, list[str]]:
    """A store with thousands of random texts in it, put in bit by bit so that its trees are rebuilt over and over."""
    db = await open_sqlite(folder / "consent.sqlite")
    await db.execute(SITES, site_id=1, key="shop")
    texts = [chance.randbytes(chance.randrange(16, 200)).hex() for _ in range(ROWS)]
    for first in range(0, ROWS, 200):
        await db.batch([Statement(TOKENS, [{"hash": text} for text in texts[first : first + 200]])])
    return db, texts


async def test_deleted_rows_leave_no_byte(tmp_path: Path) -> None:
    """Of 4,000 rows deleted here and there no text is left in any file; without the scrub some are (the test sees)."""
    chance = random.Random(7)
    db, texts = await filled(tmp_path, chance)
    gone = chance.sample(texts, 4_000)
    for first in range(0, len(gone), 50):
        rows = [{"hash": text} for text in gone[first : first + 50]]
        await db.batch([Statement("delete from log_token where site_id = 1 and hash = :hash", rows)])
    with sqlite3.connect(tmp_path / "consent.sqlite") as other:
        other.execute("pragma wal_checkpoint(truncate)")
    other.close()
    before = files(tmp_path)
    assert found(gone, before)

    assert await db.scrub(30)
    after = files(tmp_path)
    assert not found(gone, after)
    kept = {row["hash"] for row in await db.fetch("select hash from log_token where site_id = 1")}
    assert kept == set(texts) - set(gone)
    await db.execute(TOKENS, hash=gone[0])  # the writer has forgotten the old pages, and writes none of them back
    await db.execute("delete from log_token where site_id = 1 and hash = :hash", hash=gone[0])
    assert await db.scrub(30)
    assert not found(gone, files(tmp_path))
    await db.close()
    with sqlite3.connect(tmp_path / "consent.sqlite") as other:
        assert other.execute("pragma integrity_check").fetchone() == ("ok",)
    other.close()


async def test_nobody_writes_old_pages_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program reads everything just before pages are cleaned, and writes just after: nothing comes back."""
    chance = random.Random(9)
    db, texts = await filled(tmp_path, chance)
    gone = chance.sample(texts, ROWS // 2)
    rows = [{"hash": text} for text in gone]
    await db.batch([Statement("delete from log_token where site_id = 1 and hash = :hash", rows)])
    other = sqlite3.connect(tmp_path / "consent.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("pragma cache_size = -100000")
    clean = residue._clean

    def read_before(file: int, numbers: Sequence[int], again: Collection[int]) -> None:
        other.execute("select count(*) from log_token where hash > '' and created = 1").fetchall()
        other.execute("select sum(length(hash)) from log_token not indexed").fetchall()
        clean(file, numbers, again)

    monkeypatch.setattr(residue, "_clean", read_before)
    monkeypatch.setattr(scrub, "PATCHED", 1_000_000)
    assert await db.scrub(30)
    kept = [row["hash"] for row in await db.fetch("select hash from log_token where site_id = 1")]
    other.execute("begin")
    for text in kept:
        other.execute("update log_token set created = 2 where site_id = 1 and hash = ?", (text,))
    other.execute("commit")
    other.execute("pragma wal_checkpoint(truncate)")
    other.close()
    assert not found(gone, files(tmp_path))
    await db.close()


async def test_a_write_in_between_puts_it_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody writes between the emptying of the log and the lock: no page is touched, it may not be the newest."""
    db = await open_sqlite(tmp_path / "consent.sqlite")
    other = sqlite3.connect(tmp_path / "consent.sqlite", isolation_level=None)
    touched: list[Sequence[int]] = []
    monkeypatch.setattr(residue, "_clean", lambda _, numbers, __: touched.append(numbers))

    class Slow(sqlite3.Connection):
        """Somebody else is faster than its lock."""

        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if sql == "begin immediate":
                other.execute("insert into site (site_id, key, created) values (7, 'other', 1)")
            return super().execute(sql, *values)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **how: connect(path, factory=Slow, **how))
    assert not residue.overwrite(tmp_path / "consent.sqlite", [3])
    assert touched == []
    other.close()
    await db.close()


async def test_scrubbing_beside_writers(tmp_path: Path) -> None:
    """While two writers insert and delete, scrubs run again and again: no row is lost, no page is harmed."""
    chance = random.Random(8)
    db, texts = await filled(tmp_path, chance)
    second = await open_sqlite(tmp_path / "consent.sqlite")
    stop = time.monotonic() + 2

    async def write(store: Database, mine: list[str], fresh: list[str]) -> None:
        while time.monotonic() < stop and mine:
            fresh.append(chance.randbytes(16).hex())
            await store.execute(TOKENS, hash=fresh[-1])
            await store.execute("delete from log_token where site_id = 1 and hash = :hash", hash=mine.pop())

    added: list[list[str]] = [[], []]
    halves = [texts[: ROWS // 2], texts[ROWS // 2 :]]
    writers = [asyncio.create_task(write(*each)) for each in zip((db, second), halves, added, strict=True)]
    done = [await db.scrub(5) for _ in range(10)]
    await asyncio.gather(*writers)

    assert any(done)
    kept = {row["hash"] for row in await db.fetch("select hash from log_token where site_id = 1")}
    assert kept == {*halves[0], *halves[1], *added[0], *added[1]}
    assert await db.scrub(30)
    gone = set(texts) - kept
    bytes_left = files(tmp_path)
    assert not found(gone, bytes_left)
    await second.close()
    await db.close()
    with sqlite3.connect(tmp_path / "consent.sqlite") as other:
        assert other.execute("pragma integrity_check").fetchone() == ("ok",)
    other.close()


async def test_a_reader_is_waited_for(tmp_path: Path) -> None:
    """While someone reads an old state, nothing is called gone; once they are done, it is."""
    db = await open_sqlite(tmp_path / "consent.sqlite")
    await db.execute(SITES, site_id=1, key="shop")
    reader = sqlite3.connect(tmp_path / "consent.sqlite", isolation_level=None)
    reader.execute("begin")
    reader.execute("select * from site").fetchall()
    await db.execute("delete from site where site_id = 1")

    assert not await db.scrub(0.2)
    reader.execute("rollback")
    assert await db.scrub(5)
    reader.close()
    await db.close()


async def test_a_reader_makes_no_writer_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While someone reads an old state, the writer is never held for the scrub, and tries come ever more rarely."""
    db = await open_sqlite(tmp_path / "consent.sqlite")
    await db.execute(SITES, site_id=1, key="shop")
    reader = sqlite3.connect(tmp_path / "consent.sqlite", isolation_level=None)
    reader.execute("begin")
    reader.execute("select * from site").fetchall()
    await db.execute("delete from site where site_id = 1")
    held: list[Sequence[int]] = []
    tried: list[float] = []
    written_back = residue.written_back

    def look(path: Path) -> bool:
        tried.append(time.monotonic())
        return written_back(path)

    def hold(_: Path, numbers: Sequence[int], __: Collection[int]) -> bool:
        held.append(numbers)
        return False

    monkeypatch.setattr(scrub, "written_back", look)
    monkeypatch.setattr(scrub, "overwrite", hold)
    assert not await db.scrub(2)
    assert held == []
    assert 3 <= len(tried) <= 8  # 50 ms, 100, 200, 400, 800
    reader.close()
    await db.close()


async def test_a_sync_that_failed_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be synced looks clean afterwards; it is written and synced again before that is believed."""
    db, texts = await filled(tmp_path, random.Random(11))
    rows = [{"hash": text} for text in texts[::2]]
    await db.batch([Statement("delete from log_token where site_id = 1 and hash = :hash", rows)])
    failing, written, synced = True, set[int](), list[set[int]]()
    pwrite, fsync = os.pwrite, os.fsync

    def write(file: int, data: bytes, at: int) -> int:
        written.add(at)
        return pwrite(file, data, at)

    def sync(file: int) -> None:
        if failing:
            raise OSError(5, "Input/output error")
        synced.append(set(written))
        fsync(file)

    monkeypatch.setattr(os, "pwrite", write)
    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(scrub, "PATCHED", 1_000_000)
    for _ in range(2):
        with pytest.raises(StoreError):
            await db.scrub(30)
    failed = set(written)
    assert failed
    written.clear()
    failing = False
    assert await db.scrub(30)
    assert failed <= synced[-1]
    written.clear()
    assert await db.scrub(30)
    assert written == set()
    await db.close()


@pytest.mark.parametrize("first", [0, 1, 5, 13])
def test_pages_that_do_not_add_up_are_left_alone(first: int) -> None:
    """What is no page of a tree, or has offsets that lead out of it, is not written to."""
    page = bytes([first]) + b"\xff" * 4095

    assert cleaned(page) is None
