"""Whoever holds a receipt has its records destroyed, and everyone else's proofs stay good."""

import asyncio
import random
from pathlib import Path

import pytest

from consent.db import Database
from consent.errors import NotFound, StoreError, Unavailable
from consent.ledger.leaf import entry, parse_ranges, verify_receipt
from consent.ledger.sequencer import Log
from consent.records.intake import Taken
from consent.rights import erased, queries
from consent.rights.erasure import Erasure
from consent.rights.leaves import LONGEST, content, from_text
from tests.records.taking import Shop


def erasure_of(shop: Shop, db: Database | None = None) -> Erasure:
    return Erasure(db or shop.db, shop.sequencer, shop.folder, lambda: shop.now)


async def leaves(shop: Shop, kind: str = "erased") -> list[str]:
    rows = await shop.db.fetch("select content from ledger_leaf where type = :kind order by leaf", kind=kind)
    return [row["content"] for row in rows]


async def name(shop: Shop) -> str:
    """What lists of erased leaves call the shop's log."""
    return (await queries.log_names(shop.db))[shop.site.site_id, 1]


async def change(shop: Shop, first: Taken) -> Taken:
    return await shop.say(receipt=first.receipt, write_key=first.write_key)


async def test_a_chain_is_destroyed_and_told_of(shop: Shop) -> None:
    """All records of the receipt are gone, others stay; a leaf names them; the list beside the store does, too."""
    mine = await shop.say()
    other = await shop.say()
    await change(shop, mine)
    await shop.say()

    done = await erasure_of(shop).erase(shop.site, mine.receipt)

    assert (done.erased, done.state) == (2, "complete")
    left = await shop.records()
    assert mine.receipt not in {record.receipt for record in left}
    assert len(left) == 2
    assert await leaves(shop) == ["0,2"]
    assert erased.read(shop.folder / erased.NAME) == [erased.Line(shop.site.site_id, 1, await name(shop), "0,2")]
    [request] = await queries.requests(shop.db, shop.site.site_id, 10)
    assert (request["kind"], request["state"], request["records"], request["leaves"]) == (
        "erasure",
        "complete",
        2,
        "1:0,2",
    )
    assert mine.receipt not in str(request)
    assert other.evidence is not None
    proof = await shop.sequencer.proof(Log(shop.site.site_id, "shop"), 1, 1, b"\0" * 32)
    assert proof is not None


async def test_every_other_proof_still_verifies(shop: Shop) -> None:
    """Of 60 receipts 20 are erased: proofs given before and after stay good, and each erased leaf is named once."""
    import msgspec

    chance = random.Random(3)
    taken = [await shop.say() for _ in range(60)]
    gone = chance.sample(taken, 20)
    for one in gone:
        await erasure_of(shop).erase(shop.site, one.receipt)
    taken.append(await shop.say())

    for one in taken:
        assert one.evidence is not None
        verify_receipt(msgspec.json.decode(one.evidence.record), one.evidence.proof, one.evidence.vkey)
    named = [index for text in await leaves(shop) for span in parse_ranges(text) for index in span]
    assert sorted(named) == sorted(taken.index(one) for one in gone)
    await shop.sequencer.tail(Log(shop.site.site_id, "shop"), fresh=True)


async def test_twice_is_not_found(shop: Shop) -> None:
    """What was erased is not known any more; unknown receipts are counted by the day, and not kept."""
    mine = await shop.say()
    erasure = erasure_of(shop)
    await erasure.erase(shop.site, mine.receipt)
    for receipt in (mine.receipt, "A" * 22, "", "%", "x" * 900):
        with pytest.raises(NotFound):
            await erasure.erase(shop.site, receipt)
    await erasure.tidy()
    await erasure.tidy()

    counted = [row for row in await queries.requests(shop.db, shop.site.site_id, 10) if row["kind"] == "unknown"]
    assert [row["records"] for row in counted] == [5]
    shop.now += 740 * 86_400_000
    await erasure.tidy()
    assert await queries.requests(shop.db, shop.site.site_id, 10) == []


async def test_a_change_in_flight_leaves_no_zombie(shop: Shop) -> None:
    """A change that races an erasure is in the log before it and erased with it, or is refused: no row is left over."""
    for _ in range(20):
        mine = await shop.say()
        said = asyncio.create_task(change(shop, mine))
        await asyncio.sleep(0)
        answers = await asyncio.gather(erasure_of(shop).erase(shop.site, mine.receipt), said, return_exceptions=True)

        assert not isinstance(answers[0], BaseException)
        assert isinstance(answers[1], Taken | Unavailable)
        assert await shop.db.fetch("select id from consent_record where receipt = :id", id=mine.receipt) == []
        assert await shop.db.fetch("select id from receipt where id = :id", id=mine.receipt) == []


async def test_what_a_crash_interrupted_is_finished(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deleted, but not noted outside the store before the process ended: the next one notes and completes it."""
    mine = await shop.say()

    def fail(*_: object) -> None:
        raise StoreError("erased_failed", "The disk failed.", "Look at it.")

    with monkeypatch.context() as patched:
        patched.setattr(erased, "note", fail)
        with pytest.raises(StoreError):
            await erasure_of(shop).erase(shop.site, mine.receipt)
    assert await shop.records() == []
    assert not (shop.folder / erased.NAME).exists()

    await erasure_of(shop).finish()
    assert erased.read(shop.folder / erased.NAME) == [erased.Line(shop.site.site_id, 1, await name(shop), "0")]
    assert [row["state"] for row in await queries.requests(shop.db, shop.site.site_id, 10)] == ["complete"]


async def test_nothing_is_done_by_half(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the log cannot be appended to, the records are still there."""
    mine = await shop.say()

    async def fail(*_: object) -> None:
        raise StoreError("store_failed", "The disk failed.", "Look at it.")

    with monkeypatch.context() as patched:
        patched.setattr(shop.sequencer, "append", fail)
        with pytest.raises(StoreError):
            await erasure_of(shop).erase(shop.site, mine.receipt)
    assert [record.receipt for record in await shop.records()] == [mine.receipt]
    assert await queries.requests(shop.db, shop.site.site_id, 10) == []
    await shop.say()


def test_the_list_survives_a_torn_line(tmp_path: Path) -> None:
    """What a crash left of a last line spoils no other line."""
    path = tmp_path / erased.NAME
    lines = [erased.Line(1, 1, "here/log/a+01", "17"), erased.Line(2, 1, "here/log/b+02", "1,3-5")]
    erased.note(path, lines)
    with path.open("a") as file:
        file.write("1 1 here/log/a+01 99 0000")
    erased.note(path, [erased.Line(1, 2, "here/log/a/e2+03", "8")])

    assert erased.read(path) == [*lines, erased.Line(1, 2, "here/log/a/e2+03", "8")]
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_leaf_is_too_long() -> None:
    """A chain of 20,000 records that lie apart is told in many leaves, each well below 65,535 bytes."""
    apart = ",".join(map(str, range(1_000_000, 1_040_000, 2)))

    parts = content({1: apart, 2: apart, 3: "7"}, 2)

    assert max(len(entry("erased", 1_760_000_000, part)) for part in parts) < LONGEST + 100
    told = {
        epoch: ",".join(part.rpartition(":")[2] for part in parts if part.startswith(f"{epoch}:")) for epoch in (1, 3)
    }
    assert told == {1: apart, 3: "7"}
    assert ",".join(part for part in parts if ":" not in part) == apart
    for part in parts:
        parse_ranges(part.rpartition(":")[2])


async def test_a_long_chain_is_told_in_many_leaves(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one erasure destroys may take several leaves; the list beside the store has it whole."""
    monkeypatch.setattr("consent.rights.leaves.LONGEST", 8)
    mine = await shop.say()
    for _ in range(5):
        await shop.say()
        await change(shop, mine)
    await erasure_of(shop).erase(shop.site, mine.receipt)

    assert await leaves(shop) == ["0,2,4,6", "8,10"]
    [line] = erased.read(shop.folder / erased.NAME)
    assert line.ranges == "0,2,4,6,8,10"
    [request] = await queries.requests(shop.db, shop.site.site_id, 10)
    assert from_text(request["leaves"]) == {1: "0,2,4,6,8,10"}
