"""Links that let somebody in once, in the store: known by their digests."""

from typing import NamedTuple

from consent.db import Database


class Link(NamedTuple):
    """A link that lets somebody in once."""

    digest: str
    kind: str
    account: str
    expires: int


async def add_link(db: Database, link: Link, now: int) -> None:
    """Keep a link in the place of those of its kind for the same account."""
    async with db.transaction() as held:
        await held.execute(
            "delete from account_link where site_id = 0 and account = :account and kind = :kind or expires < :now",
            account=link.account, kind=link.kind, now=now,
        )  # fmt: skip
        await held.execute(
            "insert into account_link (site_id, digest, kind, account, created, expires)"
            " values (0, :digest, :kind, :account, :now, :expires)",
            digest=link.digest, kind=link.kind, account=link.account, expires=link.expires, now=now,
        )  # fmt: skip


async def find_link(db: Database, digest: str, now: int) -> Link | None:
    """A link that still lets in."""
    row = await db.fetch_one(
        "select kind, account, expires from account_link where site_id = 0 and digest = :digest and expires > :now",
        digest=digest, now=now,
    )  # fmt: skip
    return Link(digest, row["kind"], row["account"], row["expires"]) if row else None


async def use_link(db: Database, digest: str) -> bool:
    """Whether the link was there until now: of two who use it at once, one is let in."""
    return await db.execute("delete from account_link where site_id = 0 and digest = :digest", digest=digest) == 1


async def is_waiting(db: Database, account: str, now: int) -> bool:
    """Whether an invitation of that account still lets in."""
    row = await db.fetch_one(
        "select digest from account_link"
        " where site_id = 0 and account = :account and kind = 'invite' and expires > :now limit 1",
        account=account, now=now,
    )  # fmt: skip
    return row is not None
