"""What later choices of a receipt are called: by what they do to the one before."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from consent.db import Database
from tests.records.shop import OPTIONAL, raw
from tests.records.taking import Shop, taking


@pytest.fixture
async def shop(db: Database, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop whose intake runs."""
    async with taking(db, tmp_path) as made:
        yield made


REFUSES: dict[str, Any] = {"control": "reject", "purposes": dict.fromkeys(OPTIONAL, "d")}
WITHDRAWS: dict[str, Any] = {"control": "withdraw", "purposes": dict.fromkeys(OPTIONAL, "w")}


async def test_a_change_keeps_its_receipt(shop: Shop) -> None:
    """Each later choice is called by what it does to the one before; none gets a write key again."""
    first = await shop.say()
    chain = {"receipt": first.receipt, "write_key": first.write_key}
    later = [
        await shop.say(**said, **chain) for said in (REFUSES, REFUSES, {}, {"control": "save"}, WITHDRAWS, REFUSES)
    ]
    called = ["withdrawn", "refused", "changed", "changed", "withdrawn", "refused"]

    assert [taken.action for taken in later] == called
    assert {(taken.receipt, taken.write_key) for taken in later} == {(first.receipt, None)}
    assert [record.action for record in await shop.records()] == ["given", *called]


async def test_receipts_are_told_apart(shop: Shop) -> None:
    """What one visitor granted makes no withdrawal of another's refusal, nor at another site."""
    granted, refused = await shop.say(), await shop.say(**REFUSES)
    again = [
        await shop.say(**REFUSES, receipt=first.receipt, write_key=first.write_key) for first in (refused, granted)
    ]

    assert [taken.action for taken in again] == ["refused", "withdrawn"]


async def test_choices_of_one_receipt_in_one_commit(shop: Shop) -> None:
    """Those that are committed together follow each other as well, in the order in which they came."""
    first = await shop.say(**REFUSES)
    chain = {"receipt": first.receipt, "write_key": first.write_key}
    shop.db.held.clear()
    posts = [asyncio.create_task(shop.say(**said, **chain)) for said in (REFUSES, {}, REFUSES, WITHDRAWS)]
    await asyncio.sleep(0)
    shop.db.held.set()
    taken = await asyncio.gather(*posts)

    assert [one.action for one in taken] == ["refused", "changed", "withdrawn", "withdrawn"]
    assert shop.db.batches[-1] == 4


async def test_a_repetition_keeps_its_action(shop: Shop) -> None:
    """A choice sent again after later ones is what it was, with its receipt; and the later ones are what they are."""
    first = await shop.say()
    chain = {"receipt": first.receipt, "write_key": first.write_key}
    said = [raw(shop.version, **{**one, **chain}) for one in (REFUSES, {}, REFUSES)]
    taken = [await shop.post(one) for one in said]
    again = [await shop.post(one) for one in said]

    assert [one.action for one in taken] == ["withdrawn", "changed", "withdrawn"]
    assert [one._replace(evidence=None) for one in again] == [one._replace(new=False, evidence=None) for one in taken]
    assert [one.evidence and one.evidence.record for one in again] == [
        one.evidence and one.evidence.record for one in taken
    ]
    assert (await shop.say(**REFUSES, **chain)).action == "refused"
    assert len(await shop.records()) == 5


async def test_the_latest_is_found_without_reading_the_log(shop: Shop) -> None:
    """The store looks the latest record of a receipt up by an index that begins with site and receipt."""
    plan = await shop.db.fetch(
        "explain query plan select r.action from consent_record r"
        " where r.site_id = 1 and r.receipt = 'x' order by r.id desc limit 1"
    )

    assert [row["detail"] for row in plan] == ["SEARCH r USING INDEX consent_record_receipt (site_id=? AND receipt=?)"]
