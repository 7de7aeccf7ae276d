"""What sites publish, in memory."""

import asyncio
import json

import pytest

from consent.db import Database
from consent.delivery.notices import Notices
from consent.errors import Conflict, Problem
from consent.records import claim as claims
from consent.records.published import OLDER, Published
from tests.records.failing import Failing
from tests.records.shop import ORIGIN, body, publish_shop, raw, shown

DAY = 20_777


async def test_a_site_appears_once_it_publishes(db: Database) -> None:
    """Sites without a policy are not there; a publication is there after the next look, and replaces the one before."""
    published = Published(db)
    await published.refresh()
    assert published.site("shop") is None

    _, first = await publish_shop(db)
    await published.refresh()
    live = published.site("shop")
    assert live is not None
    assert live.version == first
    assert live.origins == {ORIGIN.encode()}

    _, second = await publish_shop(db, "")
    await published.refresh()
    live = published.site("shop")
    assert live is not None
    assert live.version == second


async def test_nothing_new_changes_nothing(db: Database) -> None:
    """A look that finds nothing new keeps what is held, so that what is made from it is kept, too."""
    await publish_shop(db)
    published = Published(db)
    await published.refresh()
    before = published.site("shop")
    await published.refresh()

    assert published.site("shop") is before


async def test_a_statement_is_settled_once(db: Database) -> None:
    """Equal statements share one settlement; another day has its own."""
    _, version = await publish_shop(db)
    published = Published(db)
    await published.refresh()
    live = published.site("shop")
    assert live is not None
    one, other = (claims.read(raw(version)).statement for _ in range(2))

    assert await published.settle(live, one, DAY) is await published.settle(live, other, DAY)
    assert (await published.settle(live, one, DAY)).cookie != (await published.settle(live, one, DAY + 1)).cookie


async def test_older_versions_are_known(db: Database) -> None:
    """A statement may name any version that was published, and is judged by it; memory holds a few of them."""
    _, first = await publish_shop(db)
    for number in range(OLDER + 5):
        await publish_shop(db, name=f'name = "The shop {number}"')
    published = Published(db)
    await published.refresh()
    live = published.site("shop")
    assert live is not None

    assert (await published.settle(live, claims.read(raw(first)).statement, DAY)).version == 1
    assert len(live.known) <= OLDER + 1


@pytest.mark.parametrize("change", [{"version": 99}, {"hash": "0" * 64}, {"scope": "00000000"}])
async def test_what_was_never_published_is_outdated(db: Database, change: dict[str, object]) -> None:
    """A version, hash or scope that the site never published is answered with what it publishes now."""
    _, version = await publish_shop(db)
    published = Published(db)
    await published.refresh()
    live = published.site("shop")
    assert live is not None
    statement = claims.read(json.dumps(body(version) | change).encode()).statement

    with pytest.raises(Conflict) as caught:
        await published.settle(live, statement, DAY)

    assert caught.value.face() | {"message": "", "remedy": ""} == {
        "error": "policy_outdated",
        "message": "",
        "remedy": "",
        "version": 1,
        "scope": version.scope,
    }


async def test_a_version_published_a_moment_ago_is_taken(db: Database) -> None:
    """Who loads the script right after a publication is not turned away until the next look."""
    await publish_shop(db)
    published = Published(db)
    await published.refresh()
    held = published.site("shop")
    assert held is not None
    _, second = await publish_shop(db, "")

    await published.settle(held, claims.read(raw(second)).statement, DAY)

    live = published.site("shop")
    assert live is not None
    assert live.version == second


async def test_memory_is_bounded(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settlements are forgotten when there are too many of them."""
    monkeypatch.setattr("consent.records.published.MEMORY", 3)
    _, version = await publish_shop(db)
    published = Published(db)
    await published.refresh()
    live = published.site("shop")
    assert live is not None
    for number in range(10):
        await published.settle(live, claims.read(raw(version, widget=f"0.{number}")).statement, DAY)

    assert len(published._settled) <= 3
    with pytest.raises(Problem):
        await published.settle(live, claims.read(raw(version, widget="!")).statement, DAY)


async def test_a_failure_is_told_once_and_outlived(
    db: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While the store cannot be read what was known is served, and one message says so; then the next look succeeds."""
    monkeypatch.setattr("consent.records.published.EVERY", 0.001)
    await publish_shop(db)
    failing = Failing(db)
    published = Published(failing)
    await published.refresh()
    failing.unreadable = True
    _, second = await publish_shop(db, "")
    watching = asyncio.create_task(published.watch())
    await asyncio.sleep(0.05)
    live = published.site("shop")
    assert live is not None
    assert live.version.version == 1
    assert [record.getMessage() for record in caplog.records] == ["what sites publish could not be read"]

    failing.unreadable = False
    async with asyncio.timeout(5):
        while (live := published.site("shop")) and live.version != second:  # noqa: ASYNC110  # nothing tells it
            await asyncio.sleep(0.001)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


@pytest.mark.parametrize("prepared", [True, False])
async def test_a_record_names_a_notice_that_was_shown(db: Database, prepared: bool) -> None:
    """Made-up notices and those of another version are refused; what it showed passes, from memory or store."""
    _, first = await publish_shop(db)
    _, second = await publish_shop(db, more="[texts.en]\nlayer_accept = 'Fine'")
    published = Published(db, Notices(db).keep if prepared else None)
    await published.refresh()
    live = published.site("shop")
    assert live is not None

    for notice in ("a" * 64, shown(first)):
        with pytest.raises(Problem) as refused:
            await published.settle(live, claims.read(raw(second, notice=notice)).statement, DAY)
        assert (refused.value.status, refused.value.field) == (422, "notice")
    assert (await published.settle(live, claims.read(raw(second)).statement, DAY)).version == 2


async def test_known_notices_are_not_looked_up(db: Database) -> None:
    """What the current version shows is known without the store; what an older one showed is asked for once."""
    _, first = await publish_shop(db)
    _, second = await publish_shop(db, texts="days = 200")
    failing = Failing(db)
    published = Published(failing, Notices(db).keep)
    await published.refresh()
    live = published.site("shop")
    assert live is not None
    await published.settle(live, claims.read(raw(first)).statement, DAY)
    failing.unreadable = True

    await published.settle(live, claims.read(raw(second)).statement, DAY)
    await published.settle(live, claims.read(raw(first)).statement, DAY + 1)
