"""Counts that differ from the records are found, named and mended, while choices go on being recorded."""

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consent.db import Database
from consent.db.migration import shipped
from consent.db.sqlite import open_sqlite
from consent.records import rollup_queries
from consent.records.recount import Difference, add_up, catch_up, differences, mend
from consent.records.rollup import Cell
from tests.records import tally
from tests.records.shop import publish_shop
from tests.records.taking import Shop, taking
from tests.reports import world


@pytest.fixture
async def shop(db: Database, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop with choices of two days."""
    async with taking(db, tmp_path) as made:
        for number in range(6):
            made.now += number % 3 * 40_000_000
            await made.say(language=("en", "de")[number % 2])
        yield made


async def test_counts_that_are_right_do_not_differ(shop: Shop) -> None:
    """Nothing is found where nothing is wrong, whether choices are added up yet or not."""
    assert await differences(shop.db, shop.site.site_id) == []
    await add_up(shop.db)
    assert await differences(shop.db, shop.site.site_id) == []


async def test_a_wrong_count_is_named_and_mended(shop: Shop) -> None:
    """A number too large, a cell that is gone and one that never was are found with both numbers, and put right."""
    await add_up(shop.db)
    day = shop.now // 86_400_000
    change = "update consent_rollup set given = given + 7 where dim = 'language' and val = 'de' and bucket = :day"
    await shop.db.execute(change, day=day)
    await shop.db.execute(
        "delete from consent_rollup where dim = 'regime' and grain = 'day' and bucket = :day", day=day
    )
    await shop.db.execute(
        "update consent_rollup set val = 'xx' where dim = 'total' and grain = 'day' and bucket = :day", day=day
    )
    found = await differences(shop.db, shop.site.site_id)
    assert {(one.cell.dim, one.cell.val) for one in found} == {
        ("language", "de"),
        ("regime", "eu"),
        ("total", "xx"),
        ("total", ""),
    }
    [wrong] = [one for one in found if one.cell.dim == "language"]
    assert wrong == Difference(Cell("language", "day", day, "de", ""), (8, 0, 0, 0, 0), (1, 0, 0, 0, 0))
    await mend(shop.db, shop.site.site_id, found)
    assert await differences(shop.db, shop.site.site_id) == []
    assert await tally.of_counts(shop.db) == await tally.of_records(shop.db)


async def test_choices_go_on_while_it_is_mended(shop: Shop) -> None:
    """What is recorded between finding and mending is neither lost nor counted twice."""
    await add_up(shop.db)
    await shop.db.execute("update consent_rollup set given = given + 1 where dim = 'total'")
    found = await differences(shop.db, shop.site.site_id)
    await asyncio.gather(*(shop.say() for _ in range(5)))
    await add_up(shop.db)
    await mend(shop.db, shop.site.site_id, found)
    assert await differences(shop.db, shop.site.site_id) == []


async def test_what_waits_to_be_counted_does_not_differ(shop: Shop) -> None:
    """Records of before there were counts are no difference until somebody is to have counted them."""
    await shop.db.execute("delete from consent_uncounted")
    assert len(await differences(shop.db, shop.site.site_id)) > 10
    last = (await shop.db.fetch("select max(id) as id, max(leaf) as leaf from consent_record"))[0]
    await shop.db.execute(
        "insert into consent_backlog (site_id, epoch, leaf, last, mark) values (:site_id, 1, :leaf, :last, '')",
        site_id=shop.site.site_id, leaf=last["leaf"], last=last["id"],
    )  # fmt: skip
    assert await differences(shop.db, shop.site.site_id) == []


async def test_a_store_of_before_is_counted_after_its_upgrade(tmp_path: Path) -> None:
    """A store made without counts, with records of two sites and of before there was a log: upgraded and caught up, its
    counts are those of its records, beside choices that came meanwhile.
    """
    path = tmp_path / "consent.sqlite"
    old = await open_sqlite(path, migrations=shipped()[:8])
    assert shipped()[8].name == "0009_consent_rollup.sql"
    chance = random.Random(4)
    for key in ("shop", "other"):
        site, version = await publish_shop(old, key=key)
        rows = [world.record(chance, site.site_id, version.version, one) for one in range(60)]
        for one, row in enumerate(rows):
            del row["seen"]
            row.update({"epoch": 0, "leaf": -1} if one < 10 else {"epoch": 1, "leaf": one - 10})
        await old.batch(world.storing(rows))
    await old.close()

    db = await open_sqlite(path)
    backlogs = await rollup_queries.backlogs(db)
    assert [(one["epoch"], one["leaf"], one["mark"]) for one in backlogs] == [(1, 49, "")] * 2
    for behind in backlogs:
        assert await rollup_queries.take_up(db, behind, 25)
    newcomer = world.record(chance, 1, 1, 99)
    noted = rollup_queries.noting(1, [(newcomer, newcomer.pop("seen"))])
    await db.batch([*world.storing([newcomer | {"epoch": 1, "leaf": 50}]), noted])
    await catch_up(db, 25)
    assert await rollup_queries.backlogs(db) == []
    assert await tally.of_counts(db) == await tally.of_records(db)
    assert sum((await tally.of_records(db)).values()) > 121
    await db.close()
