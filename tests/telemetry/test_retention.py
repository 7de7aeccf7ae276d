"""Rows go after the days of the policy, full addresses after theirs, customer fields with their declaration."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from consent.db import Database
from consent.policy.telemetry import ResolvedTelemetry
from consent.telemetry import keeping_queries, removal, retention
from consent.telemetry.log import Log
from consent.telemetry.retention import Retention
from tests.telemetry.made import DAY, NOW, event, from_rows, hit, less, stored

TERMS = ResolvedTelemetry(
    purpose="statistics", counts=True, query=(), days=10, forget=True, apps=(), address="truncated", address_reason="",
    address_days=0, customer=("plan",), events=(),
)  # fmt: skip


@pytest.fixture
def keeping(log: Log) -> Callable[..., Retention]:
    """Retention of site 1, at a time, under some terms."""

    def made(now: int, terms: ResolvedTelemetry | None = TERMS) -> Retention:
        return Retention(log, lambda: [(1, terms)], lambda: now)

    return made


async def test_rows_go_and_rollups_stay(
    log: Log, store: Database, keeping: Callable[..., Retention], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What began longer ago than the policy says is deleted in slices, others' rows stay, reports lose nothing."""
    monkeypatch.setattr(removal, "SLICE", 7)
    monkeypatch.setattr(retention, "SLICE", 7)
    old = [hit(n, event(n), event(1_000 + n), began=NOW + n) for n in range(1, 30)]
    young = [
        hit(99, event(9_999, NOW + DAY), began=NOW + DAY),
        hit(5, event(8_888, NOW + DAY), began=NOW + DAY, visit=2),
    ]
    await log.write([*old, *young, hit(50, event(50), site_id=2)], {})
    full = await stored(store)
    await keeping(NOW + 10 * DAY).run()
    assert len(await store.fetch("select * from event where site_id = 1")) == 60
    await keeping(NOW + 10 * DAY + 100).run()
    rows = await store.fetch("select site_id, id from visitor order by site_id, id")
    assert [(row["site_id"], int(row["id"], 16)) for row in rows] == [(1, 5), (1, 99), (2, 50)]
    assert [row["id"] for row in await store.fetch("select id from event where site_id = 1 order by id")] == [
        f"{8_888:032x}", f"{9_999:032x}",
    ]  # fmt: skip
    assert await stored(store) == full
    assert less(full, await stored(store, "gone")) == await from_rows(store)


async def test_visitors_go_however_often_they_came(
    log: Log, store: Database, keeping: Callable[..., Retention], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever did not come for the days of the policy is deleted, be it their first visit or their thousandth."""
    monkeypatch.setattr(retention, "PAGE", 2)
    often = (1, 1, 2, 5, 5, 5, 1_000)
    away = [hit(n, event(n), visit=visit) for n, visit in enumerate(often, 1)]
    here = [hit(50 + n, event(50 + n, NOW + DAY), began=NOW + DAY, visit=visit) for n, visit in enumerate(often)]
    await log.write([*away, *here], {})
    await keeping(NOW + 10 * DAY + 1).run()
    rows = await store.fetch("select id from visitor order by id")
    assert [int(row["id"], 16) for row in rows] == list(range(50, 50 + len(often)))


async def test_who_stays_is_not_looked_at(log: Log, store: Database) -> None:
    """Whom to delete is found in an index, whatever the number of visitors: none of their rows is read for it."""
    await log.write([hit(n, event(n), visit=n) for n in range(1, 5)], {})
    plan = await store.fetch(f"explain query plan {keeping_queries.AWAY}", site_id=1, time=NOW, limit=2)
    looked = [row["detail"] for row in plan if "visitor" in row["detail"]]
    assert len(looked) == 3
    assert all("INDEX visitor_often (site_id=?" in detail for detail in looked)


async def test_a_visit_after_its_rows_went_begins_anew(
    log: Log, store: Database, keeping: Callable[..., Retention]
) -> None:
    """A late event of a session that is gone makes rows that are right by themselves."""
    await log.write([hit(1, event(1))], {})
    await keeping(NOW + 11 * DAY).run()
    await log.write([hit(1, event(2))], {})
    assert less(await stored(store), await stored(store, "gone")) == await from_rows(store)
    assert len(await store.fetch("select * from event")) == 1


async def test_full_addresses_are_cut(log: Log, store: Database, keeping: Callable[..., Retention]) -> None:
    """An address in full becomes its network after its own days, and at once when the policy keeps none any more."""
    address: dict[str, Any] = {"address": "203.0.113.77", "whole": True}
    await log.write([hit(1, event(1, **address), event(2, NOW + DAY, **address), event(3, address="192.0.2.0"))], {})
    full = msgspec.structs.replace(TERMS, address="full", address_reason="fraud", address_days=1)

    async def addresses() -> list[str]:
        return [row["address"] for row in await store.fetch("select address from event order by id")]

    await keeping(NOW + DAY, full).run()
    assert await addresses() == ["203.0.113.77", "203.0.113.77", "192.0.2.0"]
    await keeping(NOW + DAY + 1, full).run()
    assert await addresses() == ["203.0.113.0", "203.0.113.77", "192.0.2.0"]
    await keeping(NOW + DAY + 2).run()
    assert await addresses() == ["203.0.113.0", "203.0.113.0", "192.0.2.0"]
    assert await store.fetch("select * from unscrubbed") != []


async def test_fields_go_with_their_declaration(log: Log, store: Database, keeping: Callable[..., Retention]) -> None:
    """What the policy does not declare any more is taken away; without any field, the customer's id goes too."""
    told = [hit(n, event(n), customer=f"c{n}", customer_fields='{"plan":"a","tier":"b"}') for n in range(1, 4)]
    await log.write(told, {})

    async def known() -> set[tuple[str, str]]:
        rows = await store.fetch("select customer, customer_fields from visitor")
        return {(row["customer"], row["customer_fields"]) for row in rows}

    kept = keeping(NOW)
    await kept.run()
    assert await known() == {(f"c{n}", '{"plan":"a"}') for n in range(1, 4)}
    await keeping(NOW, msgspec.structs.replace(TERMS, customer=())).run()
    assert await known() == {("", "")}


async def test_without_terms_rows_go_soon(log: Log, store: Database, keeping: Callable[..., Retention]) -> None:
    """A site whose policy has no visitors' log any more keeps its rows for 30 days, in case that was a mistake."""
    await log.write([hit(1, event(1))], {}, [{"site_id": 1, "hour": NOW // 3_600_000, "reason": "too-old", "n": 1}])
    await keeping(NOW + 30 * DAY, None).run()
    assert len(await store.fetch("select * from event")) == 1
    await keeping(NOW + 30 * DAY + 1, None).run()
    assert await store.fetch("select * from event") == await store.fetch("select * from visitor") == []
    assert len(await store.fetch("select * from dropped")) == 1
    await keeping(NOW + 401 * DAY, None).run()
    assert await store.fetch("select * from dropped") == []
