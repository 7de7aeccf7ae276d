"""Proof is kept as long as the law's number says, and no longer; what is deleted is certified."""

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from consent.config import Config
from consent.db import Database
from consent.errors import LogRefused, StoreError
from consent.ledger.leaf import parse_ranges
from consent.ledger.note import Vkey, open_note
from consent.ledger.sequencer import Log
from consent.records import claim as claims
from consent.records.intake import Taken
from consent.regimes.regime import load_regimes
from consent.rights import erased, leaves, queries
from consent.rights.erasure import Erasure
from consent.rights.retention import Retention
from consent.rights.rule import DAY, Rule
from tests.records import shop as shops
from tests.records.shop import publish_shop, raw
from tests.records.taking import Shop

REFUSED = {"control": "reject", "purposes": dict.fromkeys(("preferences", "statistics", "marketing", "social"), "d")}


def retention_of(shop: Shop, **settings: Any) -> Retention:
    def now() -> int:
        return shop.now

    erasure = Erasure(shop.db, shop.sequencer, shop.folder, now)
    return Retention(shop.db, shop.sequencer, erasure, Config(data=shop.folder, **settings), now)


async def kept(shop: Shop) -> set[str]:
    return {row["id"] for row in await shop.db.fetch("select id from receipt")}


async def change(shop: Shop, first: Taken, **changes: Any) -> Taken:
    return await shop.say(receipt=first.receipt, write_key=first.write_key, **changes)


@pytest.mark.parametrize("said", [{}, REFUSED], ids=["agreed", "refused"])
@pytest.mark.parametrize("regime", ["eu", "uk", "us"])
async def test_each_class_goes_at_its_limit(shop: Shop, regime: str, said: dict[str, Any]) -> None:
    """Nothing goes a moment before the choice's life and the law's number of days are over; then it goes at once."""
    began = shop.now
    mine = await shop.say(regime=regime, **said)
    days = shop.version.resolved.days
    law = load_regimes()[regime]
    life = max(days, law.reask_days) if said or law.model == "opt-out" else days
    end = began + (life + law.proof_days) * DAY

    shop.now = end - 1
    assert await retention_of(shop).run_site(shop.site) == 0
    assert await kept(shop) == {mine.receipt}
    shop.now = end
    assert await retention_of(shop).due(shop.site) == Counter({Rule(regime, law.proof_days): 1})
    assert await retention_of(shop).run_site(shop.site) == 1
    assert await kept(shop) == set()


async def test_a_chain_is_counted_from_its_last_choice(shop: Shop) -> None:
    """A visitor who changed their mind keeps the whole proof for as long as the change's; others' goes before."""
    began = shop.now
    mine = await shop.say()
    other = await shop.say()
    shop.now += 100 * DAY
    await change(shop, mine)
    whole = (shop.version.resolved.days + load_regimes()["eu"].proof_days) * DAY

    shop.now = began + whole + DAY
    await retention_of(shop).run()
    assert await kept(shop) == {mine.receipt}
    shop.now = began + 101 * DAY + whole
    await retention_of(shop).run()
    assert await kept(shop) == set()
    assert other.receipt != mine.receipt


async def test_the_owner_may_set_the_number(shop: Shop) -> None:
    """The setting stands in the place of every law's number, and the certificate names it."""
    began = shop.now
    await shop.say(regime="us", **REFUSED)
    retention = retention_of(shop, proof_days=10)

    shop.now = began + 375 * DAY - 1
    assert await retention.run_site(shop.site) == 0
    shop.now += 1
    assert await retention.run_site(shop.site) == 1
    [request] = await queries.requests(shop.db, shop.site.site_id, 9)
    assert request["rule"] == "owner 10"


async def test_by_the_day_over_years(shop: Shop) -> None:
    """Choices of some years, looked after every day of the years after: none goes early, none a day late."""
    chance = random.Random(5)
    laws = load_regimes()
    limits: dict[str, int] = {}
    for _ in range(40):
        shop.now += chance.randrange(20 * DAY)
        regime = chance.choice(["eu", "uk", "ch"])
        taken = await shop.say(regime=regime)
        limits[taken.receipt] = shop.now + (shop.version.resolved.days + laws[regime].proof_days) * DAY
    shop.now = min(limits.values()) - 2 * DAY
    retention = retention_of(shop)
    while limits:
        before = shop.now
        shop.now += DAY
        await retention.run_site(shop.site)
        left = await kept(shop)
        assert {one for one, end in limits.items() if end > shop.now} == left
        gone = limits.keys() - left
        assert all(before < limits[one] <= shop.now for one in gone)
        limits = {one: end for one, end in limits.items() if one in left}
        shop.now = max(shop.now, min(limits.values(), default=0) - DAY + 1)


async def test_a_crash_in_the_middle(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends after some slices: the rest goes at the next run, younger ones stay, and all is certified."""
    old = [await shop.say() for _ in range(100)]
    shop.now += 30 * DAY
    young = [await shop.say() for _ in range(5)]
    shop.now += (shop.version.resolved.days + 1_826 - 29) * DAY
    retention = retention_of(shop)
    destroyed = 0
    destroy = Erasure.destroy

    async def dying(self: Erasure, *given: Any) -> Any:
        nonlocal destroyed
        destroyed += 1
        if destroyed == 4:
            raise StoreError("store_failed", "The power went.", "Wait.")
        return await destroy(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(Erasure, "destroy", dying)
        with pytest.raises(StoreError):
            await retention.run_site(shop.site)
    assert 0 < len(await kept(shop)) - len(young) < 100
    again = retention_of(shop)
    await again.run_site(shop.site)
    assert await kept(shop) == {one.receipt for one in young}
    assert len(old) == 100

    await Erasure(shop.db, shop.sequencer, shop.folder, lambda: shop.now).finish()
    await again.certify()
    await again.certify()
    await check_certificates(shop, shop.folder / "certificates", 100)


async def check_certificates(shop: Shop, folder: Path, records: int) -> None:
    """One certificate, signed by the log's key, names each leaf that the log says was erased."""
    [path] = folder.iterdir()  # noqa: ASYNC240  # nobody else runs
    tail = await shop.sequencer.tail(Log(shop.site.site_id, "shop"))
    text, signed = open_note(path.read_text(), [Vkey.parse(str(tail.key.vkey))])
    lines = text.splitlines()
    assert signed == [tail.origin]
    assert lines[:3] == ["consent-deletion/v1", tail.origin, "site shop"]
    assert lines[3].startswith("rule eu: deleted 1826 days")
    assert lines[4].startswith("source https://")
    assert lines[7] == f"records {records}"
    named = [line.removeprefix("leaves ") for line in lines[8:]]
    indexes = {
        leaf
        for one in named
        for ranges in leaves.from_text(one).values()
        for span in parse_ranges(ranges)
        for leaf in span
    }
    told = await shop.db.fetch("select content from ledger_leaf where type = 'erased'")
    assert (
        indexes
        == {leaf for row in told for span in parse_ranges(row["content"]) for leaf in span}
        == set(range(records))
    )
    rows = await queries.requests(shop.db, shop.site.site_id, 99)
    assert {row["certificate"] for row in rows} == {path.name}


async def test_a_choice_made_meanwhile_is_not_deleted(shop: Shop, db: Database) -> None:
    """A visitor changes their choice between the look and the deletion: the chain stays."""
    mine = await shop.say()
    shop.now += 6_000 * DAY
    retention = retention_of(shop)
    found = [one async for _, page in retention._pages(shop.site, "") for one in page]
    assert found
    await change(shop, mine)
    for receipt, why in found:
        assert await retention._delete(shop.site, why, [receipt]) == 0
    assert await kept(shop) == {mine.receipt}


async def second_site(shop: Shop) -> str:
    """One choice at another site of the same store; its receipt."""
    site, version = await publish_shop(shop.db, key="zother")
    await shop.published.refresh()
    claim = claims.read(raw(version))
    live = shop.published.site("zother")
    assert live is not None
    settled = await shop.published.settle(live, claim.statement, shop.intake.today())
    return (await shop.intake.take(site, claim, settled, "")).receipt


async def test_one_refused_log_stops_no_other(shop: Shop) -> None:
    """The key of one site's log is missing: its records wait, others' are deleted and certified, and it is said."""
    mine = await shop.say()
    await second_site(shop)
    await shop.say()
    shop.now += 3_000 * DAY
    key = shop.folder / "keys" / "shop.1.1.key"
    text = key.read_text()
    key.unlink()
    shop.sequencer = shops.logs(shop.db, shop.folder)
    retention = retention_of(shop)
    with pytest.raises(LogRefused):
        await retention.run()
    assert len(await kept(shop)) == 2
    assert mine.receipt in await kept(shop)

    key.write_text(text)
    await retention.run_site(shop.site)
    key.unlink()
    await Erasure(shop.db, shop.sequencer, shop.folder, lambda: shop.now).finish()
    with pytest.raises(LogRefused):
        await retention_of(shop).certify()
    assert [path.name.partition("-")[0] for path in (shop.folder / "certificates").iterdir()] == ["zother"]


async def test_one_run_is_bounded(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run looks at so many pages and the next one goes on behind them, then begins anew: in the end all is gone."""
    monkeypatch.setattr("consent.rights.retention.PAGE", 4)
    monkeypatch.setattr("consent.rights.retention.PAGES", 2)
    for regime in ["us", "eu"] * 10:
        await shop.say(regime=regime, **REFUSED)
    laws = load_regimes()
    limits = {key: shop.version.resolved.days + laws[key].proof_days for key in ("us", "eu")}
    shop.now += (max(limits.values()) + max(law.reask_days for law in laws.values())) * DAY
    retention = retention_of(shop)
    left = []
    for _ in range(4):
        await retention.run()
        left.append(len(await kept(shop)))
    assert left[:3] == [12, 4, 0]


async def test_only_what_is_old_enough_is_looked_at(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A choice is not even judged before the fewest days that any version let it hold and the proof's are over."""
    await shop.say()
    judged = []
    judge = Retention._judge

    async def judging(self: Retention, *given: Any) -> Rule | None:
        judged.append(given)
        return await judge(self, *given)

    monkeypatch.setattr(Retention, "_judge", judging)
    whole = (shop.version.resolved.days + min(law.proof_days for law in load_regimes().values())) * DAY
    shop.now += whole - 1
    await retention_of(shop).run()
    assert judged == []
    shop.now += 1
    await retention_of(shop).run()
    assert len(judged) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "delete from consent_record where site_id = 1 and epoch = 1 and leaf >= 3 and leaf <= 9",
        "select * from consent_record where site_id = 1 and epoch = 1 and leaf >= 0 order by leaf",
        "select site_id, id from rights_request where site_id = 1 and time < 9 and state = 'complete' order by time",
        "select distinct site_id from rights_request where kind = 'retention' and certificate = ''",
    ],
)
async def test_nothing_reads_a_whole_table(db: Database, sql: str) -> None:
    """What is looked for each minute, and erased or checked in the log's order, is found by an index, unsorted."""
    plan = [row["detail"] for row in await db.fetch(f"explain query plan {sql}")]
    assert "index" in str(plan).lower()
    assert not [
        step for step in plan if "TEMP B-TREE" in step or (step.startswith("SCAN") and "uncertified" not in step)
    ]


DYING = """
import asyncio, sys
from pathlib import Path
from consent.config import Config
from consent.db.sqlite import open_sqlite
from consent.ledger.sequencer import sequencer
from consent.rights.erasure import Erasure
from consent.rights.retention import Retention

async def main(data, now):
    config = Config(data=data)
    db = await open_sqlite(config.store)
    logs = sequencer(db, config)
    await Retention(db, logs, Erasure(db, logs, data, lambda: now), config, lambda: now).run()

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


async def test_killed_in_the_middle(shop: Shop, tmp_path: Path) -> None:
    """SIGKILL at several moments: each row is gone with its leaf told, or still there; the rest goes next time."""
    taken = [await shop.say() for _ in range(400)]
    shop.now += 3_000 * DAY
    command = [sys.executable, "-c", DYING, str(tmp_path), str(shop.now)]
    left = len(taken)
    for delay in (0.0, 0.01, 0.05):
        dying = await asyncio.create_subprocess_exec(*command)
        while len(await kept(shop)) == left and dying.returncode is None:  # noqa: ASYNC110  # it is another process
            await asyncio.sleep(0.005)
        await asyncio.sleep(delay)
        dying.kill()
        await dying.wait()
        left = len(await kept(shop))
        assert 0 < left < len(taken)
        await check_told(shop, len(taken) - left)
    await retention_of(shop).run()
    await Erasure(shop.db, shop.sequencer, shop.folder, lambda: shop.now).finish()
    assert await kept(shop) == set()
    await check_told(shop, len(taken))
    lines = erased.read(tmp_path / erased.NAME)
    assert {leaf for line in lines for span in parse_ranges(line.ranges) for leaf in span} == set(range(len(taken)))
    states = {row["state"] for row in await queries.requests(shop.db, shop.site.site_id, 999)}
    assert states == {"complete"}


async def check_told(shop: Shop, gone: int) -> None:
    """The log says of as many leaves that they were erased as records are gone, and is sound."""
    rows = await shop.db.fetch("select content from ledger_leaf where type = 'erased'")
    told = [leaf for row in rows for span in parse_ranges(row["content"]) for leaf in span]
    left = await shop.db.fetch("select leaf from consent_record")
    assert len(told) == gone == len(set(told) - {row["leaf"] for row in left})
    await shop.sequencer.tail(Log(shop.site.site_id, "shop"), fresh=True)
