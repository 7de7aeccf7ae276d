"""Counts are kept with the records, in one transaction with them: whatever happens, they say the same."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from consent.db import Database
from consent.errors import Unavailable
from consent.records import rollup
from consent.records.recount import catch_up
from consent.records.rollup import HOUR, Cell, Seen
from tests.records import tally
from tests.records.shop import OPTIONAL, new_key, refusal
from tests.records.taking import Shop, taking

ROW: dict[str, Any] = {
    "time": 100 * 24 * HOUR + 5 * HOUR + 1,
    "action": "partly",
    "control": "save",
    "layer": 2,
    "language": "de",
    "notice": "ab",
    "version": 3,
    "purposes": '{"marketing":"denied","statistics":"granted"}',
    "services": '{"youtube":"granted"}',
    "regime": "eu",
    "region": "DE-BY",
    "gpc": 1,
    "widget": "0.1.0",
}


@pytest.fixture
async def shop(db: Database, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop whose intake runs."""
    async with taking(db, tmp_path) as made:
        yield made


async def some(shop: Shop) -> None:
    """Choices of all kinds over three hours of two days."""
    for day in (0, 1):
        shop.now += day * 86_400_000
        first = await shop.say(regime="uk", widget="0.2.0")
        for hour in range(3):
            shop.now += hour * 3_600_000
            await shop.post(json.dumps(refusal(shop.version, gpc=True)).encode())
            await shop.say(control="save", layer=2, purposes={"statistics": "g", "marketing": "d"}, language="de")
            await shop.say(control="save", services={"youtube": "d"}, purposes=dict.fromkeys(OPTIONAL, "g"))
        later = {"receipt": first.receipt, "write_key": first.write_key}
        await shop.say(control="save", purposes={"statistics": "g", "marketing": "d"}, **later)
        await shop.post(json.dumps(refusal(shop.version, control="withdraw", **later)).encode())


def test_a_record_is_in_a_cell_of_each_dimension() -> None:
    """One record is counted once under each thing it says, by day, and by hour where hours are kept."""
    found = rollup.cells(rollup.shares([(ROW, Seen("Chrome", "phone"))]))
    assert {counts["partly"] for counts in found.values()} == {1}
    days = {(cell.dim, cell.val, cell.also) for cell in found if cell.grain == "day"}
    assert {cell.bucket for cell in found} == {100, 2_405}
    assert days == {
        ("total", "", ""), ("country", "DE", ""), ("region", "DE-BY", ""), ("language", "de", ""), ("regime", "eu", ""),
        ("version", "3", ""), ("notice", "ab", ""), ("control", "save", ""), ("layer", "2", ""), ("gpc", "yes", ""),
        ("widget", "0.1.0", ""), ("browser", "Chrome", ""), ("device", "phone", ""), ("purpose", "marketing", "denied"),
        ("purpose", "statistics", "granted"), ("service", "youtube", "granted"), ("version*country", "3", "DE"),
        ("version*control", "3", "save"), ("regime*control", "eu", "save"), ("language*country", "de", "DE"),
        ("version*device", "3", "phone"),
    }  # fmt: skip
    assert {cell.dim for cell in found if cell.grain == "hour"} == {*tally.BY_HOUR, "device"}


def test_what_nobody_knows_any_more_is_not_guessed() -> None:
    """Of a record alone nothing is counted by browser or device."""
    dims = {cell.dim for cell in rollup.cells(rollup.shares([(ROW, None)]))}
    assert not dims & {"browser", "device", "version*device"}


def test_alike_are_added_up() -> None:
    """Many records that say the same are one number in one cell."""
    found = rollup.cells(rollup.shares([(ROW, None), (ROW, None), ({**ROW, "action": "given"}, None)]))
    assert found[Cell("total", "day", 100, "", "")] == {"partly": 2, "given": 1}


async def test_counts_say_what_records_say(shop: Shop) -> None:
    """After choices of every kind, each count is that of the records."""
    await some(shop)
    right = await tally.of_records(shop.db)
    assert {key[-1] for key in right} == {"given", "partly", "refused", "changed", "withdrawn"}
    assert await tally.of_counts(shop.db) == right


async def test_a_crowd_is_counted_in_a_few_rows(shop: Shop) -> None:
    """300 at the same time, a third of them sent twice, are each counted once."""
    bodies = [shop.say(key=new_key()) for _ in range(200)]
    twice = new_key()
    await asyncio.gather(*bodies, *(shop.say(key=twice) for _ in range(100)))
    assert len(await shop.db.fetch("select id from consent_uncounted")) < 10
    assert await tally.of_counts(shop.db) == await tally.of_records(shop.db)
    [total] = await shop.db.fetch("select given from consent_rollup where dim = 'total' and grain = 'day'")
    assert total["given"] == 201


async def test_what_was_not_recorded_is_not_counted(shop: Shop) -> None:
    """Where the store fails no count grows; once it works again they agree with what is there."""
    await shop.say()
    shop.db.broken = True
    with pytest.raises(Unavailable):
        await shop.say()
    shop.db.broken = False
    await shop.recovered()
    await shop.say()
    assert await tally.of_counts(shop.db) == await tally.of_records(shop.db)


async def test_another_process_that_appends_is_no_matter(shop: Shop, tmp_path: Path) -> None:
    """Two intakes that write to one store in turns: each retried group is counted once."""
    other = Shop(shop.db, shop.site, shop.version, tmp_path)
    await other.published.refresh()
    running = asyncio.create_task(other.intake.committer.run())
    for _ in range(3):
        await shop.say()
        await asyncio.gather(*(other.say() for _ in range(5)))
        await asyncio.gather(*(shop.say() for _ in range(5)))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert len(await shop.records()) == 33
    assert await tally.of_counts(shop.db) == await tally.of_records(shop.db)


async def test_records_of_before_are_counted_once(shop: Shop) -> None:
    """A store of before there were counts is counted in slices, each once, also beside new choices and erasures."""
    await some(shop)
    last = (await shop.db.fetch("select max(id) as id, max(leaf) as leaf from consent_record"))[0]
    await shop.db.execute("delete from consent_uncounted")
    await shop.db.execute(
        "insert into consent_backlog (site_id, epoch, leaf, last, mark) values (:site_id, 1, :leaf, :last, '')",
        site_id=shop.site.site_id, leaf=last["leaf"], last=last["id"],
    )  # fmt: skip
    shop.now -= 7_200_000  # a clock that was set back: new records sort among those of before
    await shop.say()
    await catch_up(shop.db, slice_=4)
    assert await tally.of_counts(shop.db) == await tally.of_records(shop.db)
    assert await shop.db.fetch("select * from consent_backlog") == []
    await catch_up(shop.db)
    assert await tally.of_counts(shop.db) == await tally.of_records(shop.db)
