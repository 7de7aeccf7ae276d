"""The buffer: bounded, counted, patient."""

import asyncio
import contextlib
from typing import Any

import pytest

from consent.db import Database
from consent.errors import StoreError
from consent.telemetry import buffer
from consent.telemetry.buffer import Buffer
from consent.telemetry.hit import Anonymous, Cell, Measures
from consent.telemetry.log import Log
from tests.telemetry.made import DAY, HOUR, NOW, event, hit, stored


async def dropped(store: Database) -> dict[str, int]:
    """Events that were not taken, by reason."""
    return {row["reason"]: row["n"] for row in await store.fetch("select * from dropped")}


async def test_what_is_too_much_is_counted(log: Log, store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its bound the buffer takes nothing, and says how much that was."""
    monkeypatch.setattr(buffer, "MOST", 3)
    waiting = Buffer(log)
    taken = [waiting.put(hit(number, event(number), event(number + 100))) for number in range(1, 4)]
    assert (taken, waiting.waiting) == ([True, False, False], 2)
    waiting.drop(1, NOW, "too-old")
    await waiting.flush()
    assert (await dropped(store), waiting.waiting) == ({"buffer-full": 4, "too-old": 1}, 0)
    assert waiting.put(hit(9, event(9)))


async def test_it_is_written_soon(log: Log, store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chunk that is full is written at once, and what waits when the service stops is written then."""
    waiting = Buffer(log)
    written = asyncio.Event()
    write = log.write

    async def told(*args: Any) -> int:
        number = await write(*args)
        written.set()
        return number

    monkeypatch.setattr(log, "write", told)
    monkeypatch.setattr(buffer, "EVERY", 60.0)
    going = asyncio.create_task(waiting.run())
    for number in range(buffer.ENOUGH):
        waiting.put(hit(number, event(number)))
    await asyncio.wait_for(written.wait(), 20)
    waiting.put(hit(9_999, event(9_999)))
    going.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await going
    assert (await store.fetch("select count(*) as n from event"))[0]["n"] == buffer.ENOUGH + 1


async def test_a_store_that_fails_is_waited_for(log: Log, store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be stored waits, in its order; what the store refuses for good is dropped and counted."""
    waiting = Buffer(log)

    async def full(*_: object) -> None:
        raise StoreError("store_full", "The disk is full.", "Make room.")

    monkeypatch.setattr(store, "batch", full)
    waiting.put(hit(1, event(1)))
    with pytest.raises(StoreError):
        await waiting.flush()
    assert waiting.waiting == 1
    monkeypatch.undo()
    await waiting.flush()
    assert [row["id"] for row in await store.fetch("select id from event")] == [f"{1:032x}"]
    waiting.put(hit(2, event(2, load_time=2**80)))
    waiting.put(hit(3, event(3)))
    await waiting.flush()
    assert await dropped(store) == {"store-refused": 2}


async def test_counts_that_are_lost_are_told(log: Log, store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums that may be stored or not are not tried again, and how many events they had is known, by day."""
    waiting = Buffer(log)

    async def busy(*_: object) -> None:
        raise StoreError("store_busy", "Another program writes.", "Wait.")

    monkeypatch.setattr(store, "batch", busy)
    for _ in range(3):
        waiting.count(Anonymous(site_id=1, time=NOW, event="view", host="shop.example", path="/a"))
    with pytest.raises(StoreError):
        await waiting.flush()
    monkeypatch.undo()
    await waiting.flush()
    assert await stored(store, "count") == {}
    rows = await store.fetch("select hour, reason, n from dropped")
    assert [tuple(row.values()) for row in rows] == [(NOW // DAY * 24, "store-refused", 3)]
    assert waiting.untold == 0


async def test_who_withdraws_leaves_the_buffer(log: Log, store: Database) -> None:
    """What waits of a visitor who withdrew is never written."""
    waiting = Buffer(log)
    waiting.put(hit(1, event(1)))
    waiting.put(hit(2, event(2), event(3)))
    waiting.forget(1, f"{1:032x}")
    assert waiting.waiting == 2
    await waiting.flush()
    assert [row["visitor"] for row in await store.fetch("select visitor from session")] == [f"{2:032x}"]


async def test_anonymous_counts_are_cells_alone(log: Log, store: Database) -> None:
    """A count adds to the listed cells of its day, by the hour only to its page's load time, and to no row."""
    waiting = Buffer(log)
    one = Anonymous(
        site_id=1, time=NOW, event="view", host="shop.example", path="/a", source="s.example", device="phone",
        browser="Firefox", screen="small", country="FR", load_time=400, entered=1,
    )  # fmt: skip
    waiting.count(one)
    waiting.count(one)
    await waiting.flush()
    cells = await stored(store, "count")
    assert {(cell.dim, cell.grain) for cell in cells} == {
        ("total", "day"), ("page", "day"), ("country", "day"), ("page", "hour"), ("page*source", "day"),
        ("page*device", "day"), ("page*browser", "day"), ("page*screen", "day"),
    }  # fmt: skip
    assert cells[Cell("page", "hour", NOW // HOUR, "shop.example/a")] == Measures(loaded=2, load_time=800)
    assert cells[Cell("total", "day", NOW // DAY, "")] == Measures(views=2, sessions=2, loaded=2, load_time=800)
    assert await store.fetch("select * from session") == await store.fetch("select * from event") == []


async def test_what_is_not_counted_yet_is_bounded(log: Log, store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drops whose number is in memory alone swamp the door, and no more than so many are lost when it is killed."""
    monkeypatch.setattr(buffer, "MOST", 3)
    waiting = Buffer(log)
    assert waiting.put(hit(1, event(1), event(2)))
    assert not waiting.put(hit(2, event(3), event(4)))
    assert (waiting.waiting, waiting.untold) == (2, 2)
    await waiting.flush()
    assert (waiting.waiting, waiting.untold) == (0, 0)
    assert [row["n"] for row in await store.fetch("select n from dropped")] == [2]


async def test_what_is_being_written_waits_yet(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """Room is there again when events are stored, or dropped for good, and not before."""
    waiting = Buffer(log)
    write, seen = log.write, []

    async def watched(*args: Any) -> int:
        seen.append(waiting.waiting)
        if len(seen) == 1:
            raise StoreError("store_busy", "Busy.", "")
        return await write(*args)

    monkeypatch.setattr(log, "write", watched)
    waiting.put(hit(1, event(1), event(2)))
    with pytest.raises(StoreError):
        await waiting.flush()
    assert waiting.waiting == 2
    await waiting.flush()
    assert (seen, waiting.waiting) == ([2, 2], 0)
