"""What is erased is counted as gone: counts less what is gone are the records that are there."""

import random
from pathlib import Path

from consent.db import Database
from consent.db.sqlite import open_sqlite
from consent.records.recount import add_up, catch_up
from consent.rights import erased, queries
from consent.rights.erasure import Erasure
from tests.records import tally
from tests.records.taking import Shop
from tests.rights.test_restore import Old


def erasure_of(shop: Shop) -> Erasure:
    return Erasure(shop.db, shop.sequencer, shop.folder, lambda: shop.now)


async def said(db: Database) -> int:
    """Choices counted as they came."""
    await add_up(db)
    rows = await db.fetch("select given from consent_rollup where dim = 'total' and grain = 'day' and kind = 'said'")
    return sum(row["given"] for row in rows)


async def test_erased_and_retained_chains_are_counted_as_gone(shop: Shop) -> None:
    """Of 40 chains on several days 15 are destroyed, one by one and in slices: the rest is what counts say is left."""
    chance = random.Random(5)
    taken = []
    for _ in range(40):
        shop.now += chance.randrange(0, 20_000_000)
        taken.append(await shop.say())
        if chance.random() < 0.3:
            await shop.say(receipt=taken[-1].receipt, write_key=taken[-1].write_key)
    gone = chance.sample(taken, 15)
    await erasure_of(shop).erase(shop.site, gone[0].receipt)
    await erasure_of(shop).destroy(shop.site, [one.receipt for one in gone[1:]], "retention", "eu 1")

    assert len(await shop.records()) > 25
    assert await tally.of_counts(shop.db) == await tally.of_records(shop.db)
    assert await said(shop.db) == 40  # what was counted stays counted: it names nobody


async def test_what_was_not_counted_yet_is_counted_before_it_goes(shop: Shop) -> None:
    """An erasure while records of before wait to be counted: no count is less than nothing, none is missing."""
    taken = []
    for _ in range(6):
        shop.now += 1_000
        taken.append(await shop.say())
    await shop.db.execute("delete from consent_uncounted")
    await shop.db.execute(
        "insert into consent_backlog (site_id, epoch, leaf, last, mark) values (:site_id, 1, 5, :last, '')",
        site_id=shop.site.site_id, last=taken[-1].id,
    )  # fmt: skip
    await erasure_of(shop).erase(shop.site, taken[3].receipt)
    await catch_up(shop.db)

    assert await tally.of_counts(shop.db) == await tally.of_records(shop.db)
    assert await said(shop.db) == 6


async def test_a_restored_store_counts_what_it_holds(tmp_path: Path) -> None:
    """What a list of erased leaves deletes from a restored backup is counted as gone there, too."""
    old = Old(tmp_path)
    await old.work(1)
    listed = tmp_path / "listed"
    [name] = (await names(old)).values()
    erased.note(listed, [erased.Line(1, 1, name, "1,3")])
    done = await old.restore(listed)
    db = await old.opened()
    assert done.erased == 2
    assert len(await db.fetch("select id from consent_record")) == 3
    assert await tally.of_counts(db) == await tally.of_records(db)
    await db.close()


async def names(old: Old) -> dict[tuple[int, int], str]:
    """What lists of erased leaves call the logs of the old store."""
    db = await open_sqlite(old.config.store)
    try:
        return await queries.log_names(db)
    finally:
        await db.close()
