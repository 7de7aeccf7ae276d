"""What a visitor is given to prove a choice by."""

from typing import Any

from consent.db import Database
from consent.ledger.leaf import Verified, verify_receipt
from tests.records.served import Shop
from tests.records.shop import body, refusal


def verified(answer: dict[str, Any]) -> Verified:
    """What the receipt of an answer proves, offline."""
    return verify_receipt(answer["record"], answer["proof"], answer["vkey"])


def test_every_answer_carries_a_receipt_that_verifies_offline(shop: Shop) -> None:
    """Choices of all kinds stand in one log, one after the other, each provable with nothing but its answer."""
    first = shop.say()
    chain = {"receipt": first["receipt"], "write_key": first["write_key"]}
    answers = [first, shop.say(refusal(shop.version)), shop.say(refusal(shop.version, **chain)), shop.say()]

    assert [verified(answer).index for answer in answers] == [0, 1, 2, 3]
    assert [verified(answer).size for answer in answers] == [1, 2, 3, 4]
    assert {verified(answer).origin for answer in answers} == {f"127.0.0.1:{shop.config.port}/log/shop"}
    assert [answer["record"]["action"] for answer in answers] == ["given", "refused", "withdrawn", "given"]


def test_the_receipt_says_what_the_log_says(shop: Shop) -> None:
    """The record that is committed to has every member of the log's, the site's key and the number of its format."""
    answer = shop.say(body(shop.version, gpc=True, services={"youtube": "g"}, layer=2, language="de"))
    [record] = shop.records()

    assert answer["record"] == {**record, "site": "shop", "v": 1}


def test_a_repetition_gets_a_receipt_of_today(shop: Shop) -> None:
    """A retry after a lost answer proves the same leaf, in the log as it has grown since."""
    said = body(shop.version)
    first = shop.say(said)
    for _ in range(3):
        shop.say()
    again = shop.say(said, 200)

    assert again["record"] == first["record"]
    assert (verified(again).index, verified(again).size) == (0, 4)


def test_receipts_across_tiles(shop: Shop) -> None:
    """Records of one commit that fill a tile, and those of before, are all provable."""
    service = shop.service()

    async def grow() -> None:
        from consent.ledger.sequencer import Log
        from consent.ledger.tail import Leaf

        db: Database = service.db
        async with db.transaction() as held:
            leaves = [Leaf("erased", 1, str(number)) for number in range(254)]
            growth = await service.sequencer.append(held, Log(shop.live().site.site_id, "shop"), leaves)
        await service.sequencer.settle([growth])

    assert shop.client.portal is not None
    shop.client.portal.call(grow)
    said = [body(shop.version) for _ in range(6)]
    answers = [shop.say(one) for one in said] + [shop.say(one, 200) for one in said]

    assert [verified(answer).index for answer in answers] == [*range(254, 260)] * 2
    assert verified(answers[-1]).size == 260
