"""The way into the log: once, durable before the answer, and honest when it fails."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from consent.db import Database, Statement
from consent.errors import Conflict, Unavailable
from consent.ledger.sequencer import Log
from consent.records import claim as claims
from consent.records import commit, queries
from consent.records.commit import Entry
from consent.records.intake import Intake, Taken
from consent.sites.site import Site
from tests.records.shop import OPTIONAL, logs, new_key, raw, refusal, shown
from tests.records.taking import Shop, taking


@pytest.fixture
async def shop(db: Database, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop whose intake runs."""
    async with taking(db, tmp_path) as made:
        yield made


async def test_a_first_choice_is_recorded(shop: Shop) -> None:
    """The record holds what was said; the receipt names its first record; only the write key's digest is stored."""
    taken = await shop.say()
    [record] = await shop.records()

    assert (taken.new, taken.action, taken.time) == (True, "given", shop.now)
    assert (record.id, record.receipt, record.action) == (taken.id, taken.receipt, "given")
    assert (record.hash, record.scope, record.language) == (shop.version.hash, shop.version.scope, "en")
    assert taken.write_key is not None
    digest = hashlib.sha256(taken.write_key.encode()).hexdigest()
    assert await queries.write_hash(shop.db, shop.site.site_id, taken.receipt) == digest


async def test_a_refusal_is_recorded_as_one(shop: Shop) -> None:
    """The log says of every purpose that it was denied."""
    await shop.post(json.dumps(refusal(shop.version)).encode())
    [record] = await shop.records()

    assert record.action == "refused"
    assert record.purposes == dict.fromkeys(OPTIONAL, "denied")


async def test_a_repetition_is_the_same_answer(shop: Shop) -> None:
    """Sent again, with another client time too, a post is answered as before, write key and all, and recorded once."""
    key = new_key()
    first = await shop.say(key=key)
    shop.now += 5_000
    again = await shop.say(key=key, time=1)

    assert again == first._replace(new=False)
    assert len(await shop.records()) == 1


async def test_a_thousand_repetitions_at_once_are_one_record(shop: Shop) -> None:
    """Of a thousand that send the same at the same time one is new and all get the same answer."""
    key = new_key()
    answers = await asyncio.gather(*(shop.say(key=key) for _ in range(1_000)))

    assert sum(answer.new for answer in answers) == 1
    assert len({answer._replace(new=False) for answer in answers}) == 1
    assert len(await shop.records()) == 1


async def test_a_key_is_for_one_choice(shop: Shop) -> None:
    """The same key with another choice is refused, while the first is on its way and after."""
    key = new_key()
    refused = json.dumps(refusal(shop.version, key=key)).encode()
    results = await asyncio.gather(shop.say(key=key), shop.post(refused), return_exceptions=True)

    assert isinstance(results[0], Taken)
    assert isinstance(results[1], Conflict)
    with pytest.raises(Conflict, match="another choice"):
        await shop.post(refused)
    assert [record.action for record in await shop.records()] == ["given"]


async def test_what_is_on_its_way_counts_as_recorded(shop: Shop) -> None:
    """A repetition that comes while the first is being committed gets its answer, also if the policy was replaced."""
    claim = claims.read(raw(shop.version))
    live = shop.published.site("shop")
    assert live is not None
    settled = await shop.published.settle(live, claim.statement, shop.intake.today())
    shop.db.held.clear()
    first = asyncio.create_task(shop.intake.take(shop.site, claim, settled, ""))
    await asyncio.sleep(0)
    again = asyncio.create_task(shop.intake.recorded(shop.site, claim, settled))
    await asyncio.sleep(0)
    shop.db.held.set()

    assert await again == (await first)._replace(new=False)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"layer": 0, "control": "api", "notice": ""}, False),
        ({"layer": 0, "control": "api"}, False),
        ({"layer": 0, "control": "object"}, True),
        ({"layer": 1}, True),
    ],
)
async def test_no_record_claims_a_notice_that_was_not_shown(shop: Shop, changes: dict[str, Any], named: bool) -> None:
    """The page's own code shows none, whatever it sends; the form without script names its page."""
    await shop.say(**changes)
    [record] = await shop.records()

    assert record.notice == (shown(shop.version) if named else "")


async def test_what_waits_is_committed_together(shop: Shop) -> None:
    """While a commit runs others are collected: a hundred posts take two commits, in the order in which they came."""
    shop.db.held.clear()
    posts = [asyncio.create_task(shop.say(time=number)) for number in range(100)]
    await asyncio.sleep(0)
    shop.db.held.set()
    taken = await asyncio.gather(*posts)

    assert sum(shop.db.batches) == 100
    assert len(shop.db.batches) <= 2
    assert [record.id for record in await shop.records()] == [answer.id for answer in taken]
    assert [record.client_time for record in await shop.records()] == list(range(100))


async def test_no_answer_before_the_commit(shop: Shop) -> None:
    """While the store has not committed nobody is answered."""
    shop.db.held.clear()
    post = asyncio.create_task(shop.say())
    for _ in range(20):
        await asyncio.sleep(0)

    assert not post.done()
    assert await shop.records() == []
    shop.db.held.set()
    assert (await post).new


async def test_a_failed_commit_is_told_and_not_retried(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """All who wait are told; nothing more is taken until the store proves itself; then the same posts go in once."""
    monkeypatch.setattr(commit, "RETRY", (0.01, 0.02))
    keys = [new_key() for _ in range(10)]
    shop.db.broken = True
    results = await asyncio.gather(*(shop.say(key=key) for key in keys), return_exceptions=True)

    assert all(isinstance(result, Unavailable) for result in results)
    assert shop.intake.committer.failure
    with pytest.raises(Unavailable, match="disk failed"):
        await shop.say()
    assert shop.db.batches == []

    shop.db.broken = False
    await shop.recovered()
    assert all([(await shop.say(key=key)).new for key in keys])
    assert len(await shop.records()) == 10


async def test_a_commit_whose_answer_was_lost(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a commit succeeds but reads as failed, the repetition finds its record and makes no second one."""
    monkeypatch.setattr(commit, "RETRY", (0.01, 0.02))
    await shop.say()  # opens the log
    key = new_key()
    shop.db.lost = True
    with pytest.raises(Unavailable):
        await shop.say(key=key)
    shop.db.lost = False
    await shop.recovered()

    assert not (await shop.say(key=key)).new
    assert len(await shop.records()) == 2


async def test_a_stuck_commit_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits longer than a commit may take is told so, new posts are refused, and the end of it is the end of it."""
    monkeypatch.setattr(commit, "OVERDUE", 0.05)
    monkeypatch.setattr(commit, "RETRY", (0.01, 0.02))
    key = new_key()
    shop.db.held.clear()
    with pytest.raises(Unavailable, match="takes too long"):
        await shop.say(key=key)
    with pytest.raises(Unavailable):
        await shop.say()
    shop.db.held.set()
    await shop.recovered()

    assert not (await shop.say(key=key)).new
    assert len(await shop.records()) == 1


async def test_nothing_waits_without_bound(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the queue is full a post is refused with 503 and a time to wait, and those in the queue get through."""
    monkeypatch.setattr(commit, "WAITING", 5)
    shop.db.held.clear()
    posts = [asyncio.create_task(shop.say()) for _ in range(20)]
    for _ in range(5):
        await asyncio.sleep(0)
    shop.db.held.set()
    results = await asyncio.gather(*posts, return_exceptions=True)
    refused = [result for result in results if isinstance(result, Unavailable)]

    assert refused
    assert all(problem.status == 503 and int(problem.headers["Retry-After"]) > 0 for problem in refused)
    assert len(await shop.records()) == 20 - len(refused) >= 5


async def test_a_record_that_contradicts_the_store_takes_no_other_with_it(shop: Shop) -> None:
    """A record whose receipt is gone fails alone; the others of its group are stored."""
    shop.db.held.clear()
    good = [asyncio.create_task(shop.say()) for _ in range(5)]
    orphan = asyncio.create_task(shop.say(receipt="r" * 22, write_key="w" * 43))
    await asyncio.sleep(0)
    shop.db.held.set()

    assert all([(await post).new for post in good])
    with pytest.raises(Unavailable, match="not there any more"):
        await orphan
    assert len(await shop.records()) == 5
    assert not shop.intake.committer.failure


async def test_closing_lets_in_what_was_taken(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was taken before the stop is durable when the stop is over; what comes later is refused."""
    monkeypatch.setattr(commit, "GROUP", 3)
    shop.db.held.clear()
    posts = [asyncio.create_task(shop.say()) for _ in range(10)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(shop.intake.committer.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="stopping"):
        await shop.say()
    shop.db.held.set()
    await asyncio.wait_for(closing, 0.5)

    assert all(post.done() and post.result().new for post in posts)
    assert len(await shop.records()) == 10


async def test_a_fault_of_ours_leaves_nobody_waiting(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody foresaw is told to those who wait, too."""

    def faulty(receipts: Any, records: Any) -> list[Statement]:
        raise TypeError("nobody foresaw this")

    monkeypatch.setattr(queries, "adding", faulty)
    with pytest.raises(Unavailable, match="fault"):
        await shop.say()


async def test_an_answer_after_midnight(shop: Shop) -> None:
    """A repetition on the next day is still the same record with its own time."""
    key = new_key()
    first = await shop.say(key=key)
    shop.now += 86_400_000

    assert await shop.say(key=key) == first._replace(new=False)


async def test_sites_do_not_share_keys(db: Database) -> None:
    """A record is known by site and key: the same key at another site is another record."""
    one = Entry(Log(1, "a"), {}, {"site_id": 1, "key": "k"}, None)
    other = Entry(Log(2, "b"), {}, {"site_id": 2, "key": "k"}, None)

    assert one.key != other.key


def test_the_write_key_depends_on_site_and_key(db: Database, tmp_path: Path) -> None:
    """Another site, another key or another secret gives another write key; the border between the two is marked."""
    intake = Intake(db, logs(db, tmp_path), b"secret")
    made = {intake.write_key(Site(1, site, 1), key) for site, key in (("a", "bc"), ("ab", "c"), ("a", "b"))}

    assert len(made | {Intake(db, logs(db, tmp_path), b"other").write_key(Site(1, "a", 1), "bc")}) == 4
    assert all(len(key) == 43 for key in made)
