"""Sites and their log tokens in the store."""

from consent.db import Database, Row
from consent.errors import Conflict
from consent.sites.site import Site, check_key


async def add(db: Database, key: str, now: int) -> Site:
    """Add a site. Raises Problem for a key that cannot be one, Conflict for one that is taken."""
    check_key(key)
    async with db.transaction() as held:
        if await by_key(held, key):
            raise Conflict("site_exists", f"There is a site {key} already.", "Choose another key.", field="key")
        last = await held.fetch_one("select coalesce(max(site_id), 0) as site_id from site")
        site = Site((last or {"site_id": 0})["site_id"] + 1, key, now)
        await held.execute(
            "insert into site (site_id, key, created) values (:site_id, :key, :created)",
            site_id=site.site_id, key=key, created=now,
        )  # fmt: skip
    return site


async def by_key(db: Database, key: str) -> Site | None:
    """The site of a key."""
    row = await db.fetch_one("select site_id, key, created from site where key = :key", key=key)
    return _site(row) if row else None


async def all_sites(db: Database) -> list[Site]:
    """Every site, by key."""
    return [_site(row) for row in await db.fetch("select site_id, key, created from site order by key")]


async def add_token(db: Database, site_id: int, digest: str, now: int) -> None:
    """Let the bearer of a token read the site's log; `digest` is the token's SHA-256 (hex). Twice is once."""
    await db.execute(
        "insert into log_token (site_id, hash, created) values (:site_id, :hash, :created)"
        " on conflict (site_id, hash) do nothing",
        site_id=site_id, hash=digest, created=now,
    )  # fmt: skip


async def holds_token(db: Database, site_id: int, digest: str) -> bool:
    """Whether a token of this digest may read the site's log."""
    row = await db.fetch_one(
        "select created from log_token where site_id = :site_id and hash = :hash", site_id=site_id, hash=digest
    )
    return row is not None


def _site(row: Row) -> Site:
    return Site(row["site_id"], row["key"], row["created"])
