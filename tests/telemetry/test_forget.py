"""Visitors who withdraw: rows, what waits, digests, bytes; and what crashes leave of it."""

from pathlib import Path

import msgspec
import pytest

from consent.config import Config
from consent.db import Database
from consent.errors import StoreError
from consent.telemetry import forgotten, mine, removal
from consent.telemetry.buffer import Buffer
from consent.telemetry.forget import Forgetting
from consent.telemetry.forgotten import Forgotten
from consent.telemetry.log import Log
from consent.visitors.cookies import digest
from tests.telemetry.made import NOW, event, from_rows, hit, less, stored

VISITOR = "5a" * 16
UNTIL = NOW + 1_000_000


def known(visitor: str) -> bytes:
    """The digest of a visitor."""
    return digest(bytes.fromhex(visitor))


def raw(config: Config) -> bytes:
    """The file and its log of writes."""
    return b"".join(path.read_bytes() for path in config.data.glob("telemetry.sqlite*"))


@pytest.fixture
def buffer(log: Log) -> Buffer:
    """What waits."""
    return Buffer(log)


@pytest.fixture
def forgetting(log: Log, buffer: Buffer) -> Forgetting:
    """What forgets."""
    return Forgetting(log, buffer, lambda: NOW)


def mine_of(first: int, sessions: int, events: int) -> list:  # type: ignore[type-arg]
    """Hits of the visitor in question."""
    return [
        hit(7, *(event(first + 100 * one + at, path=f"/{at % 3}") for at in range(events)), session=one, visit=one)
        for one in range(1, sessions + 1)
    ]


async def test_nothing_is_left(log: Log, store: Database, buffer: Buffer, forgetting: Forgetting) -> None:
    """Rows go in slices, others stay, and at every moment what is full less what is gone is what the rows say."""
    visitor = f"{7:032x}"
    await log.write([*mine_of(1_000, 3, 90), hit(8, event(1))], {})
    full = await stored(store)
    buffer.put(hit(7, event(2)))
    await forgetting.forget(1, visitor, UNTIL)
    buffer.put(hit(7, event(3)))
    await buffer.flush()
    assert [row["id"] for row in await store.fetch("select id from visitor")] == [f"{8:032x}"]
    assert [row["id"] for row in await store.fetch("select id from event")] == [f"{1:032x}"]
    assert await stored(store) == full
    assert less(full, await stored(store, "gone")) == await from_rows(store)
    assert await mine.stored(store, 1, visitor) is None


async def test_rows_may_stay(log: Log, store: Database, buffer: Buffer, forgetting: Forgetting) -> None:
    """Where the policy lets rows stay, what waits is stored, and an old cookie is none from then on."""
    await log.write([hit(7, event(1))], {})
    buffer.put(hit(7, event(2)))
    await forgetting.forget(1, f"{7:032x}", UNTIL, rows=False)
    assert forgetting.is_forgotten(1, known(f"{7:032x}"))
    await forgetting.finish()
    assert len(await store.fetch("select * from event")) == 2
    assert len(await store.fetch("select * from forgotten")) == 1


async def test_slices_are_small(
    log: Log, store: Database, forgetting: Forgetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No transaction deletes more events than one slice has; a crash between two leaves the rollups right."""
    monkeypatch.setattr(removal, "SLICE", 8)
    await log.write(mine_of(1_000, 2, 20), {})
    full = await stored(store)
    write, left = store.batch, [20]

    async def torn(statements: object) -> list[int]:
        left[0] -= 1
        if left[0] == 17:
            raise StoreError("store_failed", "The power.", "")
        done = await write(statements)  # type: ignore[arg-type]
        rows = (await store.fetch("select count(*) as n from event"))[0]["n"]
        assert rows >= 40 - 8 * (20 - left[0])
        assert less(full, await stored(store, "gone")) == await from_rows(store)
        return done

    monkeypatch.setattr(store, "batch", torn)
    with pytest.raises(StoreError):
        await forgetting.forget(1, f"{7:032x}", UNTIL)
    assert (await store.fetch("select count(*) as n from event"))[0]["n"] == 32
    again = Forgetting(Log(store), Buffer(log), lambda: NOW)
    await again.load()
    assert again.is_forgotten(1, known(f"{7:032x}"))
    await again.finish()
    assert await store.fetch("select * from event") == await store.fetch("select * from visitor") == []


async def test_no_byte_is_left(log: Log, store: Database, forgetting: Forgetting, tmp_path: Path) -> None:
    """After the scrub no id, page or customer of who withdrew is in the file or the log of writes; others' are."""
    for number in range(1, 60):
        await log.write([hit(number, event(number, path=f"/other-{number}"), customer=f"c-{number}")], {})
    secret = hit(7, *(event(5_000 + n, query=f"ref=private-{n}") for n in range(50)))
    secret = msgspec.structs.replace(secret, visitor=VISITOR, session="6b" * 16)
    await log.write([secret], {})
    await mine.tell(log, 1, "customer-secret", {"plan": "gold-secret"}, VISITOR)
    await forgetting.forget(1, VISITOR, UNTIL)
    assert (await store.fetch("select n from unscrubbed")) != []
    assert await forgetting.scrub(30)
    data = raw(Config(data=tmp_path))
    for text in (VISITOR, "6b" * 16, "private-", "customer-secret", "gold-secret", f"{5_007:032x}"):
        assert text.encode() not in data, text
    assert b"/other-9" in data
    assert await store.fetch("select * from unscrubbed") == []


async def test_what_is_deleted_while_it_is_scrubbed_is_scrubbed_next(
    log: Log, store: Database, forgetting: Forgetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deletion that a scrub may have missed is not taken for scrubbed."""
    await log.write([hit(7, event(1)), hit(8, event(2))], {})
    await forgetting.forget(1, f"{7:032x}", UNTIL)
    scrub = store.scrub

    async def meanwhile(seconds: float) -> bool:
        done = await scrub(seconds)
        await forgetting.forget(1, f"{8:032x}", UNTIL)
        return done

    monkeypatch.setattr(store, "scrub", meanwhile)
    await forgetting.scrub()
    assert await store.fetch("select * from unscrubbed") != []


async def test_an_old_cookie_is_known_again_for_as_long_as_it_can_live(store: Database, log: Log) -> None:
    """Digests outlive a restart, per site, and go when no cookie can bring them back."""
    now = [NOW]
    first = Forgetting(log, Buffer(log), lambda: now[0])
    await first.forget(1, VISITOR, UNTIL)
    await first.forget(1, "6b" * 16, UNTIL + 10_000)
    now[0] = UNTIL + 1
    second = Forgetting(Log(store), Buffer(log), lambda: now[0])
    assert not second.is_forgotten(1, known(VISITOR))
    await second.expire()
    await second.load()
    assert second.is_forgotten(1, known("6b" * 16))
    assert not second.is_forgotten(1, known(VISITOR))
    assert not second.is_forgotten(2, known("6b" * 16))
    assert [row["digest"] for row in await store.fetch("select * from forgotten")] == [known("6b" * 16).hex()]


def test_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands are known in sorted arrays; nobody else is taken for one of them; the bound holds."""
    gone = Forgotten()
    ids = [known(f"{number:032x}") for number in range(12_000)]
    for one in ids:
        gone.add(1, one)
    assert all(gone.has(1, one) for one in ids)
    assert not any(gone.has(1, known(f"{number:032x}")) for number in range(12_000, 14_000))
    monkeypatch.setattr(forgotten, "MOST", 10)
    gone.load(1, ids)
    assert sum(gone.has(1, one) for one in ids) == 10


async def test_what_is_mine(log: Log, store: Database) -> None:
    """A visitor reads all that is stored of them and nothing else's; corrects fields the site told, and no others."""
    visitor = f"{7:032x}"
    await log.write([hit(7, event(1, props='{"a":1}'), customer="c1", customer_fields='{"plan":"free"}')], {})
    await log.write([hit(8, event(2))], {})
    told = await mine.stored(store, 1, visitor)
    assert told is not None
    assert told["customer"] == {"id": "c1", "fields": {"plan": "free"}}
    [session] = told["sessions"]
    assert [(one["id"], one["props"]) for one in session["log"]] == [(f"{1:032x}", {"a": 1})]
    assert await mine.correct(log, 1, visitor, {"plan": "gold", "other": "x"})
    assert not await mine.correct(log, 1, f"{8:032x}", {"plan": "gold"})
    assert (await mine.stored(store, 1, visitor) or {})["customer"]["fields"] == {"plan": "gold"}
    assert await mine.tell(log, 1, "c1", {"company": "ACME"}) == 1
    assert (await mine.stored(store, 1, visitor) or {})["customer"]["fields"] == {"company": "ACME"}
    assert await mine.stored(store, 2, visitor) is None
