"""Readers of their own: one moment each, cut off in time, and in nobody's way."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consent.db import Database
from consent.db.reading import Readers, open_readers
from consent.errors import StoreError

ENDLESS = "with recursive n (i) as (select 1 union all select i + 1 from n) select count(*) as n from n"
PUT = "insert into probe (site_id, time) values (:site_id, 1)"


@pytest.fixture
async def readers(db: Database, tmp_path: Path) -> AsyncIterator[Readers]:
    made = await open_readers(tmp_path / "consent.sqlite", 2)
    yield made
    await made.close()


async def test_a_snapshot_is_one_moment(db: Database, readers: Readers) -> None:
    """What is written while it lasts is not seen in it, and seen in the next."""
    async with readers.snapshot() as reader:
        assert await reader.fetch("select * from probe") == []
        await db.execute(PUT, site_id=1)
        assert await reader.fetch("select * from probe") == []
    async with readers.snapshot() as reader:
        assert len(await reader.fetch("select * from probe")) == 1


async def test_what_takes_too_long_is_cut_off(readers: Readers) -> None:
    """A query without end ends after its time, and its connection answers the next question."""
    for _ in range(3):
        with pytest.raises(StoreError, match="in time"):
            async with readers.snapshot(0.1) as reader:
                await reader.fetch(ENDLESS)
    async with readers.snapshot() as reader:
        assert await reader.fetch("select 1 as n") == [{"n": 1}]


async def test_who_goes_away_leaves_no_query_behind(readers: Readers) -> None:
    """Cancelled in the middle, the query is interrupted: both readers are free at once."""

    async def ask() -> None:
        async with readers.snapshot(60) as reader:
            await reader.fetch(ENDLESS)

    tasks = [asyncio.create_task(ask()) for _ in range(2)]
    await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(5), readers.snapshot() as reader:
        assert await reader.fetch("select 1 as n") == [{"n": 1}]


async def test_waiting_for_a_reader_is_part_of_the_time(readers: Readers) -> None:
    """Where all readers are busy, whoever waits is told in time."""
    async with readers.snapshot(), readers.snapshot():
        with pytest.raises(StoreError, match="in time"):
            async with readers.snapshot(0.05):
                pass


async def test_writers_wait_for_no_reader(db: Database, readers: Readers) -> None:
    """While two endless queries run, writes and the store's own reads go on."""

    async def ask() -> None:
        async with readers.snapshot(1.0) as reader:
            await reader.fetch(ENDLESS)

    tasks = [asyncio.create_task(ask()) for _ in range(2)]
    async with asyncio.timeout(5):
        for number in range(2, 22):
            await db.execute(PUT, site_id=number)
    assert len(await db.fetch("select * from probe")) == 20
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [StoreError, StoreError]


async def test_readers_do_not_write(readers: Readers) -> None:
    """A statement that would change something is refused."""
    with pytest.raises(StoreError):
        async with readers.snapshot() as reader:
            await reader.fetch("insert into probe (site_id, time) values (9, 9)")
