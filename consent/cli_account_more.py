"""`consent account import` and `consent account token`: many people at once, and programs."""

import secrets
from pathlib import Path
from typing import Any

import click

from consent.cli import Friendly, _config, _noted, _now, _reached, _say, _site, _table, _when, settings
from consent.cli_account import _account, _with_store, account
from consent.db import Database
from consent.errors import NotFound, Problem

READS = ["figures", "log", "visits", "exports", "access"]
DAYS = 90
"""For how long a token holds where nothing else is asked for."""


@account.command("import")
@click.argument("people", type=click.Path(path_type=Path))
@click.option("--role", type=click.Choice(["owner", "analyst", "auditor"]), default="analyst", show_default=True,
              help="Where a line names none.")  # fmt: skip
@click.option("--site", "key", help="Only at this site (default: at every site).")
@settings
def account_import(
    *, people: Path, role: str, key: str | None, data: Path | None, file: Path | None, as_json: bool
) -> None:
    """Invite up to 100 people from a CSV file or an Excel workbook; prints a link for each, to hand out."""
    from consent.accounts import importing  # noqa: PLC0415
    from consent.accounts.account import EVERY_SITE, Role  # noqa: PLC0415
    from consent.accounts.inviting import Inviting  # noqa: PLC0415
    from consent.config import Config  # noqa: PLC0415
    from consent.mail import Mailer  # noqa: PLC0415
    from consent.web.gate import Signed  # noqa: PLC0415

    config = _config(file, data)
    listed = importing.read(_bytes(people))
    if listed.faults or not listed.people:
        faults = "; ".join(f"line {one.row}: {one.sentence}" for one in listed.faults[:20])
        raise Problem("people_list", faults or "The list is empty.", "Correct it; nobody was invited yet.")

    async def invite(db: Database) -> list[Any]:
        site_id = (await _site(db, key)).site_id if key else EVERY_SITE
        inviting = Inviting(db, Mailer(Config()), _reached(config, file).base_url, _now)
        wanted = [(one.email, one.role or Role(role)) for one in listed.people]
        for one in listed.people:
            await _noted(db, site_id, f"invited as {one.role or role}", one.email, "consent account import")
        return await inviting.invite(
            wanted, site_id, Signed(account="", name="command line", how="command", grants={}), key or "every site"
        )

    done = _with_store(config, invite, new=True)
    rows = [(one.email, str(one.role), one.state, one.link) for one in done]
    _say(as_json, {"people": done}, _table(("email", "role", "state", "link"), rows))


@account.group("token", cls=Friendly)
def token() -> None:
    """Tokens: what lets programs read."""


@token.command("add")
@click.argument("email")
@click.option("--name", required=True, help="What will use it.")
@click.option("--read", "reads", multiple=True, required=True, type=click.Choice(READS), help="What it may read.")
@click.option("--days", type=click.IntRange(1, 365), default=DAYS, show_default=True, help="For how long it holds.")
@click.option("--site", "key", help="Only at this site (default: at every site of the account).")
@settings
def token_add(
    *, email: str, name: str, reads: tuple[str, ...], days: int, key: str | None, data: Path | None,
    file: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Make a token that reads in the name of an account, and never more than the account may; it is shown once."""
    from consent.accounts import token_queries  # noqa: PLC0415
    from consent.accounts.account import EVERY_SITE, check_email, check_reads  # noqa: PLC0415
    from consent.sites.tokens import digest  # noqa: PLC0415

    checked, now = check_email(email), _now()
    label = " ".join(name.split())[:80]
    if not label or not label.isprintable():
        raise Problem("token_name", "A token needs a name.", "Write what will use it.", field="name")
    text = f"consent_{secrets.token_urlsafe(32)}"

    async def make(db: Database) -> dict[str, Any]:
        found = await _account(db, checked)
        scope = (await _site(db, key)).site_id if key else EVERY_SITE
        made = token_queries.Token(
            digest(text), secrets.token_hex(8), found.id, label, scope, check_reads(reads), now, now + days * 86_400_000
        )
        await token_queries.add(db, made)
        await _noted(db, scope, f"token made: {label}", checked, "consent account token add")
        return {"token": text, "id": made.id, "expires": made.expires}

    answer = _with_store(_config(file, data), make)
    _say(as_json, answer, text)
    if not as_json:
        click.echo(f"It is shown this once, and holds until {_when(answer['expires'])} UTC.", err=True)


@token.command("list")
@click.argument("email")
@settings
def token_list(email: str, data: Path | None, file: Path | None, as_json: bool) -> None:
    """List the tokens of an account."""
    from consent.accounts import token_queries  # noqa: PLC0415
    from consent.accounts.account import check_email  # noqa: PLC0415
    from consent.sites.queries import all_sites  # noqa: PLC0415

    async def read(db: Database) -> list[dict[str, Any]]:
        found = await _account(db, check_email(email))
        names = {0: "*"} | {site.site_id: site.key for site in await all_sites(db)}
        return [
            {
                "id": one.id, "name": one.name, "site": names.get(one.scope, str(one.scope)),
                "reads": sorted(one.needs), "expires": one.expires, "used": one.used,
            }
            for one in await token_queries.of_account(db, found.id)
        ]  # fmt: skip

    found = _with_store(_config(file, data), read)
    rows = [
        (one["id"], one["name"], one["site"], " ".join(one["reads"]), _when(one["expires"]),
         _when(one["used"]) if one["used"] else "never")
        for one in found
    ]  # fmt: skip
    _say(as_json, {"tokens": found}, _table(("id", "name", "site", "reads", "until", "used"), rows))


@token.command("remove")
@click.argument("email")
@click.argument("token_id", metavar="ID")
@settings
def token_remove(email: str, token_id: str, data: Path | None, file: Path | None, as_json: bool) -> None:
    """Remove a token: it opens nothing any more."""
    from consent.accounts import token_queries  # noqa: PLC0415
    from consent.accounts.account import EVERY_SITE, check_email  # noqa: PLC0415

    async def take(db: Database) -> None:
        found = await _account(db, check_email(email))
        if not await token_queries.remove(db, found.id, token_id):
            remedy = "List them: consent account token list EMAIL."
            raise NotFound("unknown_token", f"There is no token {token_id[:40]!r}.", remedy)
        await _noted(db, EVERY_SITE, "token removed", found.email, "consent account token remove")

    _with_store(_config(file, data), take)
    _say(as_json, {"id": token_id}, f"The token {token_id} opens nothing any more.")


def _bytes(path: Path) -> bytes:
    from consent.accounts.importing import MAX_BYTES  # noqa: PLC0415

    try:
        with path.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise Problem("file", f"{path} cannot be read: {error.strerror}.", "Name a CSV file or a workbook.") from error
