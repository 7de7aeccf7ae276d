"""Policy versions in the store: immutable once published."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from consent.db import Database
from consent.policy.change import asks_again
from consent.policy.resolved import Resolved, read_resolved

REMEMBERED_SCOPES = 20


class Version(msgspec.Struct, frozen=True):
    """A published policy. `published` is in milliseconds since 1970."""

    site_id: int
    version: int
    hash: str
    scope: str
    resolved: Resolved
    published: int


async def publish(db: Database, site_id: int, resolved: Resolved, now: int) -> Version:
    """Store the next version of a site's policy; the current one is returned unchanged when nothing differs."""
    async with db.transaction() as held:
        newest = await held.fetch_one(
            "select version, hash, scope, body, published from policy_version"
            " where site_id = :site_id order by version desc limit 1",
            site_id=site_id,
        )
        if newest and newest["hash"] == resolved.hash:
            return _version(site_id, newest)
        version = Version(
            site_id=site_id,
            version=newest["version"] + 1 if newest else 1,
            hash=resolved.hash,
            scope=resolved.scope,
            resolved=resolved,
            published=now,
        )
        await held.execute(
            "insert into policy_version (site_id, version, hash, scope, body, published)"
            " values (:site_id, :version, :hash, :scope, :body, :published)",
            site_id=site_id, version=version.version, hash=version.hash, scope=version.scope,
            body=resolved.body, published=now,
        )  # fmt: skip
    return version


async def current(db: Database, site_id: int) -> Version | None:
    """The newest version of a site's policy."""
    row = await db.fetch_one(
        "select version, hash, scope, body, published from policy_version"
        " where site_id = :site_id order by version desc limit 1",
        site_id=site_id,
    )
    return _version(site_id, row) if row else None


async def by_version(db: Database, site_id: int, version: int) -> Version | None:
    """One version of a site's policy."""
    row = await db.fetch_one(
        "select version, hash, scope, body, published from policy_version"
        " where site_id = :site_id and version = :version",
        site_id=site_id, version=version,
    )  # fmt: skip
    return _version(site_id, row) if row else None


async def since(db: Database, version: Version) -> dict[str, Literal["same", "ask"]]:
    """What a choice made under each of the last 20 other scopes is worth now: as good as new, or to be asked again."""
    rows = await db.fetch(
        "select scope, max(version) as newest from policy_version where site_id = :site_id"
        " and version < :version and scope <> :scope group by scope order by newest desc limit :limit",
        site_id=version.site_id, version=version.version, scope=version.scope, limit=REMEMBERED_SCOPES,
    )  # fmt: skip
    answers: dict[str, Literal["same", "ask"]] = {}
    for row in rows:
        old = await by_version(db, version.site_id, row["newest"])
        if old:
            answers[old.scope] = "ask" if asks_again(old.resolved, version.resolved) else "same"
    return answers


def _version(site_id: int, row: Mapping[str, Any]) -> Version:
    return Version(site_id, row["version"], row["hash"], row["scope"], read_resolved(row["body"]), row["published"])
