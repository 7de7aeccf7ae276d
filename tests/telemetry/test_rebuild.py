"""Rollups compared with rows, and mended."""

import random
from pathlib import Path

from click.testing import CliRunner

from consent.cli import main
from consent.config import Config
from consent.db import Database
from consent.telemetry import rebuild
from consent.telemetry.hit import Cell
from consent.telemetry.log import Log
from consent.telemetry.removal import remove
from consent.telemetry.store import open_telemetry
from tests.records.shop import shop_in
from tests.telemetry.made import DAY, HOUR, NOW, event, from_rows, hit, less, stored


async def busy(log: Log, days: int = 70) -> list[str]:
    """Visits over many days; the ids of their sessions."""
    chance = random.Random(5)
    hits = []
    for number in range(1, 160):
        began = NOW + chance.randrange(days * 24) * HOUR
        events = [event(number * 10 + at, began + at * HOUR, path=f"/{chance.randrange(4)}") for at in range(3)]
        hits.append(hit(number % 40 + 1, *events, session=number, began=began, visit=number // 40 + 1))
    await log.write(hits, {})
    while await log.fold():
        pass
    return [one.session for one in hits]


async def test_what_is_right_is_left_alone(log: Log, store: Database) -> None:
    """Nothing differs after writing and deleting over many windows."""
    ids = await busy(log)
    assert await rebuild.differences(store, 1) == []
    await remove(log, 1, ids[::3])
    assert await rebuild.differences(store, 1) == []
    assert await rebuild.differences(store, 2) == []


async def test_what_is_wrong_is_found_and_mended(log: Log, store: Database) -> None:
    """A cell that was lost, one that is too much and one that is made up are told and mended, with rows deleted."""
    ids = await busy(log)
    await remove(log, 1, ids[:20])
    await store.execute("update rollup set views = views + 3 where dim = 'total' and kind = 'full' and grain = 'day'")
    await store.execute("delete from rollup where dim = 'page' and kind = 'full' and val = 'shop.example/1'")
    await store.execute("update rollup set val = 'Nonesuch' where dim = 'browser' and grain = 'hour'")
    found = await rebuild.differences(store, 1)
    assert {one.cell.dim for one in found} == {"total", "page", "browser"}
    assert Cell("browser", "hour", NOW // HOUR, "Nonesuch") in {one.cell for one in found} or len(found) > 3
    await rebuild.mend(store, 1, found)
    assert await rebuild.differences(store, 1) == []
    assert less(await stored(store), await stored(store, "gone")) == await from_rows(store)


async def test_what_comes_meanwhile_counts(log: Log, store: Database) -> None:
    """What is written between finding and mending stays added."""
    await busy(log)
    await store.execute("update rollup set sessions = sessions + 3 where dim = 'total' and grain = 'day'")
    found = await rebuild.differences(store, 1)
    await log.write([hit(99, event(9_999, NOW + DAY), began=NOW + DAY)], {})
    await rebuild.mend(store, 1, found)
    assert await rebuild.differences(store, 1) == []


async def test_a_snapshot_sees_one_state(log: Log, store: Database) -> None:
    """Whoever compares sees neither half a write nor one that came later."""
    await log.write([hit(1, event(1))], {})
    async with store.snapshot() as held:
        await log.write([hit(2, event(2))], {})
        assert len(await held.fetch("select * from session")) == 1
    assert len(await store.fetch("select * from session")) == 2


async def test_the_command(tmp_path: Path) -> None:
    """`--check` says what differs, changes nothing and exits with 1; without it the same is mended."""
    import asyncio

    config = Config(data=tmp_path)
    await shop_in(config)
    store = await open_telemetry(config)
    log = Log(store)
    await log.write([hit(1, event(1)), hit(2, event(2))], {})
    await store.execute("update rollup set views = 9 where dim = 'total' and grain = 'day'")
    await store.close()

    def said(*more: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["rollup", "rebuild", "shop", "--data", str(tmp_path), *more])
        return done.exit_code, done.output

    code, told = await asyncio.to_thread(said, "--check")
    assert (code, "views=9\tviews=2" in told, "1 cells differ." in told) == (1, True, True), told
    assert (await asyncio.to_thread(said))[1].endswith("1 cells differed, and are mended.\n")
    assert await asyncio.to_thread(said, "--check") == (0, "What is added up is what the rows say.\n")
