"""Versions in the store."""

import pytest

from consent.db import Database
from consent.policy.queries import by_version, current, publish, since
from consent.sites.queries import add
from tests.policy.site import resolved


async def test_publish_and_read(db: Database) -> None:
    """What was published reads back whole, as the current one and by its number."""
    site = await add(db, "shop", 1)
    made = await publish(db, site.site_id, resolved("[services.youtube]"), 1234)

    assert made.version == 1
    assert await current(db, site.site_id) == made
    assert await by_version(db, site.site_id, 1) == made
    assert await by_version(db, site.site_id, 2) is None
    assert await current(db, 99) is None


async def test_the_same_again_is_no_new_version(db: Database) -> None:
    """Publishing what is current changes nothing; publishing an older one again makes a new version."""
    site = (await add(db, "shop", 1)).site_id
    first = await publish(db, site, resolved(), 1)
    again = await publish(db, site, resolved(), 2)
    second = await publish(db, site, resolved("[services.youtube]"), 3)
    third = await publish(db, site, resolved(), 4)

    assert again == first
    assert (second.version, third.version) == (2, 3)
    assert third.hash == first.hash


async def test_versions_are_immutable(db: Database) -> None:
    """Nothing here changes a version, and its number cannot be taken twice."""
    site = (await add(db, "shop", 1)).site_id
    await publish(db, site, resolved(), 1)

    with pytest.raises(Exception, match=r"(?i)unique|constraint|twice|store"):
        await db.execute(
            "insert into policy_version (site_id, version, hash, scope, body, published)"
            " values (:site_id, 1, 'x', 'x', 'x', 1)",
            site_id=site,
        )


async def test_since(db: Database) -> None:
    """An old scope is worth the same after a removal, and is asked again after an addition; the newest 20 are told."""
    site = (await add(db, "shop", 1)).site_id
    both = await publish(db, site, resolved("[services.youtube]\n[services.hotjar]"), 1)
    none = await publish(db, site, resolved(), 2)
    words = await publish(db, site, resolved("[texts.en]\nlayer_accept = 'Fine'"), 3)
    one = await publish(db, site, resolved("[services.youtube]"), 4)

    assert words.scope == none.scope
    assert await since(db, one) == {both.scope: "same", none.scope: "ask"}
    assert await since(db, both) == {}
    for at in range(25):
        last = await publish(db, site, resolved(f"[services.youtube]\nhosts = ['www.youtube.com/{at}/']"), 5 + at)

    assert len(await since(db, last)) == 20
