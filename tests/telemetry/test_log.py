"""Rows and rollups: one truth, whatever comes in whatever order, however often."""

import asyncio
import random
import shutil
import tempfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consent.config import Config
from consent.db import Database
from consent.errors import StoreError
from consent.telemetry import log as logs
from consent.telemetry import queries, rebuild, rollup
from consent.telemetry.hit import Cell, EventRow, Hit, Measures
from consent.telemetry.log import Log
from consent.telemetry.store import open_telemetry
from consent.visitors.cookies import digest
from tests.telemetry.made import DAY, FACTS, HOUR, NOW, event, from_rows, hit, stored


async def test_a_visit_is_stored_and_added_up(log: Log, store: Database) -> None:
    """Two views and an engagement are one session with entry and exit, no bounce, in its hour and day."""
    first, second = event(1, path="/a", load_time=500), event(2, NOW + HOUR, path="/b")
    assert await log.write([hit(7, first, source="search.example")], {}) == 1
    [session] = await store.fetch("select * from session")
    assert (session["entry"], session["exit"], session["views"]) == ("shop.example/a", "shop.example/a", 1)
    assert (await stored(store))[Cell("total", "day", NOW // DAY, "")].bounces == 1
    assert await log.write([hit(7, second, event(3, NOW + HOUR, "engagement", path="/b", engaged=9))], {}) == 2
    [session] = await store.fetch("select * from session")
    assert (session["entry"], session["exit"]) == ("shop.example/a", "shop.example/b")
    cells = await stored(store)
    assert cells[Cell("total", "day", NOW // DAY, "")] == Measures(
        views=2, sessions=1, visitors=1, newcomers=1, engaged=9, loaded=1, load_time=500
    )
    assert cells[Cell("total", "hour", NOW // HOUR + 1, "")] == Measures(views=1)
    assert Cell("exit", "day", NOW // DAY, "shop.example/a") not in cells
    assert cells[Cell("page*source", "day", NOW // DAY, "shop.example/b", "search.example")].engaged == 9
    [visitor] = await store.fetch("select * from visitor")
    assert (visitor["views"], visitor["visits"], visitor["last"]) == (2, 1, NOW + HOUR)
    assert cells == await from_rows(store)


async def test_a_repetition_counts_once(log: Log, store: Database) -> None:
    """The same event counts once: within a hit, a chunk, later, and after the service was started again."""
    twice = hit(7, event(1), event(1))
    assert await log.write([twice, twice], {}) == 1
    assert await log.write([twice], {}) == 0
    assert await Log(store).write([twice, hit(7, event(2))], {}) == 1
    [session] = await store.fetch("select * from session")
    [visitor] = await store.fetch("select * from visitor")
    assert (session["views"], visitor["views"]) == (2, 2)
    assert await stored(store) == await from_rows(store)


async def test_what_is_tried_again_later_counts_once(log: Log, store: Database) -> None:
    """An event that comes again after its session is over, or without the cookies of a lost answer, counts once."""
    await log.write([hit(7, event(1), event(2))], {})
    assert await log.write([hit(8, event(1))], {}) == 0  # another visitor, as far as anybody can tell
    assert await log.write([hit(7, event(2), session=70, began=NOW + HOUR, visit=2)], {}) == 0
    assert await Log(store).write([hit(7, event(1), event(3), session=71, began=NOW + 2 * HOUR, visit=3)], {}) == 1
    assert [row["id"] for row in await store.fetch("select id from event order by id")] == [
        f"{number:032x}" for number in (1, 2, 3)
    ]
    assert [row["visit"] for row in await store.fetch("select visit from session order by id")] == [1, 3]
    assert await stored(store) == await from_rows(store)


async def test_what_is_remembered_is_bounded(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither sessions nor ids in memory grow without end."""
    monkeypatch.setattr(logs, "LIVE", 5)
    monkeypatch.setattr(logs, "RECENT", 7)
    for number in range(1, 30):
        await log.write([hit(number, event(number))], {})
        assert len(log._live) <= 5 and 1 <= len(log._recent) <= 7 and len(log._earlier) <= 7
    assert (len(log._live), len(log._earlier)) == (5, 7)


async def test_a_day_is_opened_once(log: Log, store: Database) -> None:
    """Of several sessions of a visitor on one day one opens it, also when they come together or after a restart."""
    await log.write([hit(7, event(1)), hit(7, event(2), session=8, visit=2)], {})
    await Log(store).write([hit(7, event(3), session=9, visit=3)], {})
    await Log(store).write([hit(7, event(4, NOW + DAY), session=10, visit=4, began=NOW + DAY)], {})
    cells = await stored(store)
    assert [cells[Cell("total", "day", NOW // DAY + day, "")].visitors for day in (0, 1)] == [1, 1]
    assert cells[Cell("frequency", "day", NOW // DAY, "2-3")].sessions == 2


async def test_who_withdrew_is_not_written(store: Database) -> None:
    """A hit that still waited when its visitor withdrew leaves nothing."""
    log = Log(store)
    log.forgotten.add(1, digest(bytes.fromhex(f"{7:032x}")))
    assert await log.write([hit(7, event(1)), hit(8, event(2))], {}) == 1
    assert [row["visitor"] for row in await store.fetch("select visitor from session")] == [f"{8:032x}"]


async def test_what_failed_is_written_again(log: Log, store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a write whose end is not known, the same hits are written again and count once."""
    write = store.batch

    async def torn(statements: object) -> None:
        await write(statements)  # type: ignore[arg-type]
        raise StoreError("store_failed", "The cable.", "")

    await log.write([hit(7, event(1))], {})
    monkeypatch.setattr(store, "batch", torn)
    with pytest.raises(StoreError):
        await log.write([hit(7, event(2))], {})
    monkeypatch.undo()
    assert await log.write([hit(7, event(2), event(3))], {}) == 1
    assert await stored(store) == await from_rows(store)


async def test_a_bot_is_found_out_later(log: Log, store: Database) -> None:
    """What turns out to be a bot counts as one from its beginning, and once."""
    await log.write([hit(7, event(1))], {})
    await log.write([hit(7, event(2), facts=type(FACTS)(bot="too-fast"))], {})
    [session] = await store.fetch("select * from session")
    assert (session["bot"], session["browser"]) == ("too-fast", "Firefox")
    cells = await stored(store)
    assert cells[Cell("bot", "day", NOW // DAY, "too-fast")].sessions == 1
    assert cells == await from_rows(store)


@st.composite
def histories(draw: st.DrawFn) -> list[list[Hit]]:
    """Chunks of hits of a few visitors over some days, with repetitions, in the order in which they came or not."""
    chance = random.Random(draw(st.integers(0, 2**32)))
    made: list[Hit] = []
    for number in range(chance.randint(1, 25)):
        visitor, visit = chance.randint(1, 4), chance.randint(1, 4)
        began = NOW + (visit - 1) * 9 * HOUR + visitor
        events = tuple(_event(chance, number * 10 + at, began) for at in range(chance.randint(0, 5)))
        more = {"source": "a.example", "campaign": '{"utm_campaign":"spring"}'} if visitor == 2 else {}
        made.append(hit(visitor, *events, session=visitor * 10 + visit, began=began, visit=visit, **more))
    made += [one for one in made if chance.random() < 0.3]
    chance.shuffle(made)
    cuts = sorted(chance.randint(0, len(made)) for _ in range(4))
    return [made[start:end] for start, end in zip([0, *cuts], [*cuts, len(made)], strict=True)]


def _event(chance: random.Random, number: int, began: int) -> EventRow:
    name = chance.choice(["view", "view", "engagement", "outbound", "blocked", "basket"])
    more = {"engaged": chance.randint(0, 40), "scrolled": chance.randint(0, 4)} if name == "engagement" else {}
    target = {"target": "t.example", "service": "maps"} if name in ("blocked", "outbound") else {}
    time = began + chance.randint(0, 3 * HOUR)
    return event(
        number, time, name, chance.choice(["/", "/a", "/b"]), load_time=chance.choice([0, 300]), **more, **target
    )


@pytest.mark.parametrize(("held", "recent"), [(128, 65_536), (128, 1), (2, 1), (0, 1)])
async def test_a_repetition_counts_once_however_little_is_remembered(
    log: Log, store: Database, monkeypatch: pytest.MonkeyPatch, held: int, recent: int
) -> None:
    """Whether the ids of a session are in memory, were, or are in the store alone."""
    monkeypatch.setattr(logs, "HELD", held)
    monkeypatch.setattr(logs, "RECENT", recent)
    for number in (1, 2, 3, 4):
        assert await log.write([hit(7, event(number)), hit(8, event(10 + number))], {}) == 2
    for number in (1, 2, 3, 4):
        assert await log.write([hit(7, event(number)), hit(8, event(10 + number))], {}) == 0
    assert await stored(store) == await from_rows(store)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories(), st.sampled_from([(128, 65_536, 8_192, 4_096), (1, 3, 2, 5), (3, 1, 1, 1)]))
def test_rollups_are_the_sum_of_rows(chunks: list[list[Hit]], bounds: tuple[int, int, int, int]) -> None:
    """Whatever came in whatever chunks, with restarts between them, however little is remembered: what was added up is
    what the rows say.
    """
    held, recent, live, untold = bounds

    async def go() -> None:
        folder = Path(tempfile.mkdtemp())
        store = await open_telemetry(Config(data=folder))
        try:
            log = Log(store)
            for number, chunk in enumerate(chunks):
                await log.write(chunk, {})
                log = Log(store) if number % 2 else log
            assert await stored(store) == await from_rows(store)
            days = await store.fetch(
                "select visitor, count(*) as n from session where opens_day group by visitor, began / 86400000"
            )
            assert all(row["n"] == 1 for row in days)
        finally:
            await store.close()
            shutil.rmtree(folder)

    with (
        mock.patch.multiple(logs, HELD=held, RECENT=recent, LIVE=live),
        mock.patch.object(rollup, "UNTOLD", untold),
        asyncio.Runner() as runner,
    ):
        runner.run(go())


async def test_what_many_add_up_to_is_folded_once(log: Log, store: Database) -> None:
    """A chunk of many events costs one row until it is folded into the rollups, by whoever comes first, once."""
    await log.write([hit(n, event(n), event(1_000 + n)) for n in range(1, 100)], {})
    assert await store.fetch("select * from rollup") == []
    assert await stored(store) == await from_rows(store)
    await asyncio.gather(log.fold(), Log(store).fold(), log.fold())
    assert await store.fetch("select * from uncounted") == []
    assert await stored(store) == await from_rows(store)
    await log.write([hit(n, event(2_000 + n)) for n in range(1, 100)], {})
    assert await rebuild.differences(store, 1) == []


async def test_who_is_here(log: Log, store: Database) -> None:
    """The sessions heard of lately, the latest first, however long ago they began within a day."""
    long_one = hit(1, event(1), event(4, NOW + 3 * HOUR))
    await log.write([long_one, hit(2, event(2)), hit(3, event(3, NOW + 3 * HOUR), began=NOW + 3 * HOUR)], {})
    here = await queries.live(store, 1, NOW + 3 * HOUR - 60_000, 10)
    assert [int(session.visitor, 16) for session in here] == [3, 1]
    assert len(await queries.live(store, 1, NOW, 2)) == 2
