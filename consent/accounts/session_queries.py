"""Sessions in the store, known by the digests of their ids."""

from typing import NamedTuple

from consent.accounts.account import Account, Role
from consent.accounts.queries import account
from consent.accounts.session import ABSOLUTE, IDLE, Session
from consent.db import Database


class Open(NamedTuple):
    """A session that goes on; times in ms."""

    account: Account
    last: int
    confirmed: int


class Listed(NamedTuple):
    """A session as its owner sees it; times in ms."""

    id: str
    began: int
    last: int
    network: str
    agent: str


async def begin(db: Database, session: Session, network: str, agent: str, now: int, *, confirmed: bool = True) -> None:
    """Keep a session, with whether a password was given for it now; those that are long over make room."""
    async with db.transaction() as held:
        await held.execute(
            "delete from account_session where site_id = 0 and account = :account and (began < :first or last < :idle)",
            account=session.account.hex(), first=now - ABSOLUTE, idle=now - ABSOLUTE,
        )  # fmt: skip
        await held.execute(
            "insert into account_session (site_id, id, account, began, last, confirmed, network, agent)"
            " values (0, :id, :account, :now, :now, :confirmed, :network, :agent)",
            id=session.digest, account=session.account.hex(), now=now, confirmed=now if confirmed else 0,
            network=network, agent=agent,
        )  # fmt: skip


async def find(db: Database, session: Session) -> Open | None:
    """The session's row with its account, roles among it."""
    rows = await db.fetch(
        "select account.id, account.email, account.state, account.password, account.totp, account.totp_step,"
        " account.networks, account.issuer, account.subject, account.created, account.seen,"
        " account_session.last as last, account_session.confirmed as confirmed, account_session.began as began,"
        " account_role.site_id as at_site, account_role.role as role"
        " from account_session"
        " join account on account.site_id = 0 and account.id = account_session.account"
        " left join account_role on account_role.account = account.id"
        " where account_session.site_id = 0 and account_session.id = :id",
        id=session.digest,
    )  # fmt: skip
    if not rows or rows[0]["id"] != session.account.hex() or rows[0]["began"] != session.began:
        return None
    roles = {row["at_site"]: Role(row["role"]) for row in rows if row["role"] is not None}
    return Open(account(rows[0], roles), rows[0]["last"], rows[0]["confirmed"])


async def touch(db: Database, digest: str, now: int) -> None:
    """A request came."""
    await db.execute("update account_session set last = :now where site_id = 0 and id = :id", id=digest, now=now)


async def confirm(db: Database, digest: str, now: int) -> None:
    """The password was given again."""
    await db.execute("update account_session set confirmed = :now where site_id = 0 and id = :id", id=digest, now=now)


async def end(db: Database, digest: str) -> None:
    """The session is over, wherever its cookie is."""
    await db.execute("delete from account_session where site_id = 0 and id = :id", id=digest)


async def end_all(db: Database, account_id: str, but: str = "") -> int:
    """Every session of an account is over, but one; how many they were."""
    return await db.execute(
        "delete from account_session where site_id = 0 and account = :account and id <> :but",
        account=account_id, but=but,
    )  # fmt: skip


async def end_everything(db: Database) -> None:
    """Nobody is signed in, and no link lets in: a restored store does not bring back what had ended meanwhile."""
    for table in ("account_session", "account_link"):
        await db.execute(f"delete from {table} where site_id = 0")  # noqa: S608  # one of ours


async def listed(db: Database, account_id: str, now: int) -> list[Listed]:
    """The sessions of an account that go on, the latest first."""
    rows = await db.fetch(
        "select id, began, last, network, agent from account_session where site_id = 0 and account = :account"
        " and began > :began and last > :last order by last desc limit 100",
        account=account_id, began=now - ABSOLUTE, last=now - IDLE,
    )  # fmt: skip
    return [Listed(row["id"], row["began"], row["last"], row["network"], row["agent"]) for row in rows]
