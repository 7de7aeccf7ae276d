"""Tokens of programs in the store: known by their digests."""

from typing import NamedTuple

from consent.db import Database, Row
from consent.web.gate import Need


class Token(NamedTuple):
    """`scope` is a site or 0 for every one; times in ms, `used` 0 for never."""

    digest: str
    id: str
    account: str
    name: str
    scope: int
    needs: frozenset[Need]
    created: int
    expires: int
    used: int = 0


async def add(db: Database, token: Token) -> None:
    """Keep a token."""
    await db.execute(
        "insert into account_token (site_id, digest, id, account, name, scope, needs, created, expires, used)"
        " values (0, :digest, :id, :account, :name, :scope, :needs, :created, :expires, 0)",
        digest=token.digest, id=token.id, account=token.account, name=token.name, scope=token.scope,
        needs=" ".join(sorted(token.needs)), created=token.created, expires=token.expires,
    )  # fmt: skip


async def find(db: Database, digest: str, now: int) -> Token | None:
    """The token of a digest, while it holds."""
    row = await db.fetch_one(
        "select digest, id, account, name, scope, needs, created, expires, used from account_token"
        " where site_id = 0 and digest = :digest and expires > :now",
        digest=digest, now=now,
    )  # fmt: skip
    return _token(row) if row else None


async def of_account(db: Database, account: str) -> list[Token]:
    """The tokens of an account, the newest first."""
    rows = await db.fetch(
        "select digest, id, account, name, scope, needs, created, expires, used from account_token"
        " where site_id = 0 and account = :account order by created desc limit 1000",
        account=account,
    )  # fmt: skip
    return [_token(row) for row in rows]


async def note_used(db: Database, digest: str, now: int) -> None:
    """A program came with it."""
    await db.execute(
        "update account_token set used = :now where site_id = 0 and digest = :digest", digest=digest, now=now
    )


async def remove(db: Database, account: str, token_id: str) -> bool:
    """A token holds no more; whether there was one."""
    changed = await db.execute(
        "delete from account_token where site_id = 0 and account = :account and id = :id", account=account, id=token_id
    )
    return changed > 0


def _token(row: Row) -> Token:
    return Token(
        row["digest"], row["id"], row["account"], row["name"], row["scope"],
        frozenset(Need(word) for word in row["needs"].split()), row["created"], row["expires"], row["used"],
    )  # fmt: skip
