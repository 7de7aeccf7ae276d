"""`consent account`: who may sign in, and what they may see."""

import asyncio
import secrets
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from consent.cli import Friendly, _config, _noted, _now, _reached, _say, _site, _store, _table, _when, main, settings
from consent.config import Config
from consent.db import Database
from consent.errors import NotFound, Problem

T = TypeVar("T")

_SITE = click.option("--site", "key", help="Only at this site (default: at every site).")
_EMAIL = click.argument("email")


@main.group(cls=Friendly)
def account() -> None:
    """Accounts: who may sign in, and what they may see."""


@account.command("link")
@click.argument("email", required=False)
@settings
def account_link(email: str | None, data: Path | None, file: Path | None, as_json: bool) -> None:
    """Print a link that lets somebody in once: to set the password of EMAIL, or to make the first owner's account.

    It holds for a day, an invitation for two weeks; the link before it of the same kind ends.
    """
    from consent.accounts import queries  # noqa: PLC0415
    from consent.accounts.account import EVERY_SITE, check_email  # noqa: PLC0415

    config = _config(file, data)

    async def make(db: Database) -> dict[str, Any]:
        if email is not None:
            found = await _account(db, check_email(email))
            await _noted(db, EVERY_SITE, "link made", found.email, "consent account link")
            return await _link(db, config, file, "invite" if found.state == "invited" else "password", found.id)
        if await queries.has_owner(db):
            remedy = "Name an account: consent account link EMAIL."
            raise Problem("has_owner", "There is an owner's account already.", remedy)
        await _noted(db, EVERY_SITE, "first link made", "", "consent account link")
        return await _link(db, config, file, "first", "")

    answer = _with_store(config, make, new=True)
    _say(as_json, answer, f"{answer['link']}\nworks once, until {_when(answer['expires'])} UTC.")


@account.command("add")
@_EMAIL
@click.option("--role", required=True, type=click.Choice(["owner", "analyst", "auditor"]), help="What they may do.")
@_SITE
@settings
def account_add(
    *, email: str, role: str, key: str | None, data: Path | None, file: Path | None, as_json: bool
) -> None:  # fmt: skip
    """Give somebody a role at a site or at every site; who is new gets an account, and a link to hand out."""
    from consent.accounts import queries  # noqa: PLC0415
    from consent.accounts.account import EVERY_SITE, check_email, check_role  # noqa: PLC0415

    config = _config(file, data)

    async def give(db: Database) -> dict[str, Any]:
        checked, now = check_email(email), _now()
        site_id = (await _site(db, key)).site_id if key else EVERY_SITE
        found = await queries.by_email(db, checked)
        if found is None:
            found = await queries.add(db, secrets.token_hex(16), checked, "", now)
        await queries.give_role(db, found.id, site_id, check_role(role), now)
        await _noted(db, site_id, f"role {role}", checked, "consent account add")
        answer: dict[str, Any] = {"email": checked, "role": role, "site": key or "*"}
        return answer | (await _link(db, config, file, "invite", found.id) if found.state == "invited" else {})

    answer = _with_store(config, give, new=True)
    told = f"{answer['email']} is {role} at {key or 'every site'}."
    _say(as_json, answer, f"{told}\n{answer['link']}\nlets them in once." if "link" in answer else told)


@account.command("list")
@settings
def account_list(data: Path | None, file: Path | None, as_json: bool) -> None:
    """List the accounts with their roles."""
    from consent.accounts import queries  # noqa: PLC0415
    from consent.sites.queries import all_sites  # noqa: PLC0415

    async def read(db: Database) -> list[dict[str, Any]]:
        names = {0: "*"} | {site.site_id: site.key for site in await all_sites(db)}
        return [
            {
                "email": one.email,
                "state": one.state,
                "roles": {names.get(site_id, str(site_id)): str(role) for site_id, role in one.roles.items()},
                "authenticator": bool(one.totp),
                "seen": one.seen,
            }
            for one in await queries.everybody(db)
        ]

    found = _with_store(_config(file, data), read)
    rows = [
        (
            one["email"],
            one["state"],
            " ".join(f"{site}={role}" for site, role in one["roles"].items()),
            "yes" if one["authenticator"] else "no",
            _when(one["seen"]) if one["seen"] else "never",
        )
        for one in found
    ]
    _say(as_json, {"accounts": found}, _table(("email", "state", "roles", "authenticator", "signed in"), rows))


@account.command("password")
@_EMAIL
@click.option("--forget-authenticator", "forget", is_flag=True, help="Ask for no code any more.")
@click.option("--stdin", "piped", is_flag=True, help="Read it from the standard input, without asking twice.")
@settings
def account_password(
    *, email: str, forget: bool, piped: bool, data: Path | None, file: Path | None, as_json: bool
) -> None:  # fmt: skip
    """Set somebody's password here; everybody who is signed in with it is signed out."""
    from consent.accounts import password, queries, totp_queries  # noqa: PLC0415
    from consent.accounts.account import EVERY_SITE, check_email  # noqa: PLC0415

    checked = check_email(email)
    config = _config(file, data)

    async def find(db: Database) -> Any:
        return await _account(db, checked)

    _with_store(config, find)
    if piped:
        given = sys.stdin.readline().rstrip("\n")
    else:
        given = click.prompt("Password", hide_input=True, confirmation_prompt=True)

    async def change(db: Database) -> None:
        found = await _account(db, checked)
        hashed = await password.Passwords().hash(password.check(given, checked))
        await queries.set_password(db, found.id, hashed)
        if forget:
            await totp_queries.turn_off(db, found.id)
        what = "password set, authenticator off" if forget else "password set"
        await _noted(db, EVERY_SITE, what, checked, "consent account password")

    _with_store(config, change)
    _say(as_json, {"email": checked}, f"The password of {checked} is set.")


@account.command("remove")
@_EMAIL
@_SITE
@settings
def account_remove(email: str, key: str | None, data: Path | None, file: Path | None, as_json: bool) -> None:
    """Remove an account, or with --site its role there. What it looked at stays in the access log."""
    from consent.accounts import queries  # noqa: PLC0415
    from consent.accounts.account import EVERY_SITE, check_email  # noqa: PLC0415

    async def take(db: Database) -> dict[str, Any]:
        found = await _account(db, check_email(email))
        if key is None:
            await queries.remove(db, found.id)
            await _noted(db, EVERY_SITE, "account removed", found.email, "consent account remove")
        else:
            site_id = (await _site(db, key)).site_id
            await queries.take_role(db, found.id, site_id)
            await _noted(db, site_id, "role none", found.email, "consent account remove")
        return {"email": found.email, "site": key or "*"}

    answer = _with_store(_config(file, data), take)
    _say(as_json, answer, f"{answer['email']} is removed{f' from {key}' if key else ''}.")


async def _account(db: Database, email: str) -> Any:
    from consent.accounts import queries  # noqa: PLC0415

    found = await queries.by_email(db, email)
    if found is None:
        raise NotFound("unknown_account", f"There is no account {email}.", "List them: consent account list.")
    return found


async def _link(db: Database, config: Config, file: Path | None, kind: str, account_id: str) -> dict[str, Any]:
    from consent.accounts.signing import LASTS, make_link  # noqa: PLC0415

    now = _now()
    token = await make_link(db, kind, account_id, now)
    link = f"{_reached(config, file).base_url}/account/link/{token}"
    return {"link": link, "kind": kind, "expires": now + LASTS[kind]}


def _with_store(config: Config, work: Callable[[Database], Awaitable[T]], *, new: bool = False) -> T:
    async def run() -> T:
        async with _store(config, new=new) as db:
            return await work(db)

    return asyncio.run(run())
