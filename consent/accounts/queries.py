"""Accounts and their roles in the store."""

from ipaddress import ip_network

from consent.accounts.account import Account, Role
from consent.db import Database, Row
from consent.errors import Conflict

_SELECT = (
    "select id, email, state, password, totp, totp_step, networks, issuer, subject, created, seen"
    " from account where site_id = 0"
)


async def add(db: Database, account_id: str, email: str, password: str, now: int) -> Account:
    """Add an account without roles; it is invited until it has a password. Raises Conflict for an address taken."""
    async with db.transaction() as held:
        if await by_email(held, email):
            raise Conflict("account_exists", f"There is an account {email} already.", "Change that one.", field="email")
        await held.execute(
            "insert into account (site_id, id, email, state, password, totp, totp_step, networks, issuer, subject,"
            " created, seen) values (0, :id, :email, :state, :password, '', 0, '', '', '', :now, 0)",
            id=account_id, email=email, state="active" if password else "invited", password=password, now=now,
        )  # fmt: skip
    return Account(
        account_id, email, "active" if password else "invited", password, "", 0, (), "", "", now, 0
    )  # fmt: skip


async def by_email(db: Database, email: str) -> Account | None:
    """The account of an address as `check_email` writes it."""
    row = await db.fetch_one(f"{_SELECT} and email = :email", email=email)
    return await _whole(db, row)


async def credentials(db: Database, email: str) -> Account | None:
    """The account of an address, without its roles: one question to the store, whether there is one or not."""
    row = await db.fetch_one(f"{_SELECT} and email = :email", email=email)
    return account(row, {}) if row else None


async def by_id(db: Database, account_id: str) -> Account | None:
    """The account of an id."""
    row = await db.fetch_one(f"{_SELECT} and id = :id", id=account_id)
    return await _whole(db, row)


async def by_subject(db: Database, issuer: str, subject: str) -> Account | None:
    """The account that a provider vouches for."""
    row = await db.fetch_one(
        f"{_SELECT} and issuer = :issuer and subject = :subject",
        issuer=issuer, subject=subject,
    )  # fmt: skip
    return await _whole(db, row)


async def everybody(db: Database) -> list[Account]:
    """Every account with its roles, by address."""
    rows = await db.fetch(f"{_SELECT} order by email limit 10000")
    roles: dict[str, dict[int, Role]] = {}
    for one in await db.fetch("select site_id, account, role from account_role order by site_id limit 100000"):
        roles.setdefault(one["account"], {})[one["site_id"]] = Role(one["role"])
    return [account(row, roles.get(row["id"], {})) for row in rows]


async def has_owner(db: Database, but: str = "") -> bool:
    """Whether somebody, other than that account, owns the whole service and can sign in."""
    row = await db.fetch_one(
        "select account.id from account_role join account on account.site_id = 0 and account.id = account_role.account"
        " where account_role.site_id = 0 and account_role.role = 'owner' and account.state = 'active'"
        " and account.id <> :but limit 1",
        but=but,
    )
    return row is not None


async def roles_of(db: Database, account_id: str) -> dict[int, Role]:
    """What an account is, by site."""
    rows = await db.fetch("select site_id, role from account_role where account = :account", account=account_id)
    return {row["site_id"]: Role(row["role"]) for row in rows}


async def give_role(db: Database, account_id: str, site_id: int, role: Role, now: int) -> None:
    """Make an account that at a site (0: at every site), in place of what it was there."""
    await db.execute(
        "insert into account_role (site_id, account, role, created) values (:site_id, :account, :role, :now)"
        " on conflict (site_id, account) do update set role = :role",
        site_id=site_id, account=account_id, role=str(role), now=now,
    )  # fmt: skip


async def take_role(db: Database, account_id: str, site_id: int) -> None:
    """An account is nothing at that site any more."""
    await db.execute(
        "delete from account_role where site_id = :site_id and account = :account", site_id=site_id, account=account_id
    )


async def set_password(db: Database, account_id: str, password: str) -> None:
    """Put a hash in the place of the former; the account is active. Every session and link of it ends."""
    async with db.transaction() as held:
        await held.execute(
            "update account set password = :password, state = 'active' where site_id = 0 and id = :id",
            id=account_id, password=password,
        )  # fmt: skip
        for table in ("account_session", "account_link"):
            await held.execute(f"delete from {table} where site_id = 0 and account = :id", id=account_id)  # noqa: S608


async def renew_hash(db: Database, account_id: str, password: str) -> None:
    """The same password, hashed with today's parameters: nothing ends."""
    await db.execute(
        "update account set password = :password where site_id = 0 and id = :id", id=account_id, password=password
    )


async def set_networks(db: Database, account_id: str, networks: str) -> None:
    """Where an account may be used from: CIDRs parted by spaces; nothing for everywhere."""
    await db.execute(
        "update account set networks = :networks where site_id = 0 and id = :id", id=account_id, networks=networks
    )


async def note_seen(db: Database, account_id: str, now: int) -> None:
    """Somebody signed in with it."""
    await db.execute("update account set seen = :now where site_id = 0 and id = :id", id=account_id, now=now)


async def remove(db: Database, account_id: str) -> None:
    """An account, its roles, sessions, links, tokens and codes are gone; what it looked at stays written down."""
    async with db.transaction() as held:
        await held.execute("delete from account_role where account = :id", id=account_id)
        for table in ("account_session", "account_link", "account_token", "account_recovery"):
            await held.execute(f"delete from {table} where site_id = 0 and account = :id", id=account_id)  # noqa: S608
        await held.execute("delete from account where site_id = 0 and id = :id", id=account_id)


async def _whole(db: Database, row: Row | None) -> Account | None:
    return account(row, await roles_of(db, row["id"])) if row else None


def account(row: Row, roles: dict[int, Role]) -> Account:
    """An account of its row."""
    return Account(
        row["id"], row["email"], row["state"], row["password"], row["totp"], row["totp_step"],
        tuple(ip_network(text) for text in row["networks"].split()), row["issuer"], row["subject"],
        row["created"], row["seen"], roles,
    )  # fmt: skip
