"""The command line: every command a few lines over the rooms. With --json it speaks to programs, else to people."""

import asyncio
import getpass
import json
import os
import sys
import time
import tomllib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from consent import address
from consent.config import Config, load
from consent.db import Database
from consent.db.place import prepare
from consent.db.sqlite import open_sqlite
from consent.errors import NotFound, Problem
from consent.sites import queries as sites
from consent.sites import tokens
from consent.sites.site import Site

_VARIANTS = "meta blocks by a policy; strict also what browsers fetch ahead; tag only what is marked up by hand."

Command = TypeVar("Command", bound=Callable[..., Any])


class Said(click.ClickException):
    """A problem as people read it; as JSON for who asked for that."""

    exit_code = 2

    def __init__(self, problem: Problem, as_json: bool) -> None:
        super().__init__(str(problem))
        self._problem = problem
        self._as_json = as_json

    def show(self, file: Any = None) -> None:
        if self._as_json:
            click.echo(json.dumps(self._problem.face()), err=True)
            return
        field = f" ({self._problem.field})" if self._problem.field else ""
        click.echo(click.style("Error", fg="red", bold=True) + f"{field}: {self._problem}", err=True)


class Friendly(click.Group):
    """Shows every problem as a sentence with its remedy, and never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Problem as problem:
            raise Said(problem, bool(ctx.meta.get("json"))) from problem


def settings(command: Command) -> Command:
    """The options that every command has."""

    def remember(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
        ctx.find_root().meta["json"] = ctx.meta["json"] = value
        return value

    for option in (
        click.option("--json", "as_json", is_flag=True, is_eager=True, callback=remember, help="Print JSON."),
        click.option("--config", "file", type=click.Path(path_type=Path), help="Settings (default: consent.toml)."),
        click.option("--data", type=click.Path(path_type=Path), help="Folder of the store (default: data)."),
    ):
        command = option(command)
    return command


@click.group(cls=Friendly, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="consent-manager")
def main() -> None:
    """A self-hosted consent manager: asks visitors, blocks third parties until they agree, keeps the evidence."""


@main.command()
@click.option("--host", help="Address to listen on (default: 127.0.0.1).")
@click.option("--port", type=int, help="Port to listen on (default: 8000; 0 takes a free one).")
@settings
def serve(host: str | None, port: int | None, data: Path | None, file: Path | None, as_json: bool) -> None:
    """Start the service. With an empty store it publishes a demo site to look at."""
    from consent import serving  # noqa: PLC0415  # the server's modules: no other command waits for them

    serving.serve(_config(file, data, host=host, port=port), as_json=as_json)


@main.group(cls=Friendly)
def site() -> None:
    """Sites: who embeds the widget."""


@site.command("add")
@click.argument("key")
@settings
def site_add(key: str, data: Path | None, file: Path | None, as_json: bool) -> None:
    """Add a site. Prints the token that opens its log."""
    config = _config(file, data)

    async def add() -> dict[str, Any]:
        async with _store(config, new=True) as db:
            now = _now()
            added = await sites.add(db, key, now)
            token = await tokens.ensure(db, config.data, added, now)
            return {"site": added.key, "token": token, "token_file": str(tokens.path(config.data, added.key))}

    answer = asyncio.run(add())
    _say(
        as_json,
        answer,
        f"Added {key}. The token that opens its log, kept in {answer['token_file']}:\n{answer['token']}",
    )


@site.command("list")
@settings
def site_list(data: Path | None, file: Path | None, as_json: bool) -> None:
    """List the sites and the version that each publishes."""
    from consent.records.queries import newest_versions  # noqa: PLC0415

    async def read() -> list[dict[str, Any]]:
        async with _store(_config(file, data)) as db:
            newest = await newest_versions(db)
            return [
                {"site": one.key, "version": newest.get(one.site_id), "created": one.created}
                for one in await sites.all_sites(db)
            ]

    found = asyncio.run(read())
    lines = [(one["site"], str(one["version"] or "nothing published"), _when(one["created"])) for one in found]
    _say(as_json, {"sites": found}, _table(("site", "version", "created"), lines))


@main.group(cls=Friendly)
def policy() -> None:
    """Policies: what a site asks its visitors."""


@policy.command("check")
@click.argument("policy_file", metavar="FILE", type=click.Path(path_type=Path))
@settings
def policy_check(policy_file: Path, data: Path | None, file: Path | None, as_json: bool) -> None:
    """Check a policy without publishing it: every fault with its place, why it matters and the remedy."""
    from consent.policy.check import read_checked  # noqa: PLC0415

    resolved, findings = read_checked(_text(policy_file))
    told = [*(str(finding) for finding in findings), f"The policy of {resolved.site} can be published."]
    _say(as_json, {"site": resolved.site, "hash": resolved.hash, "findings": findings}, "\n".join(told))


@policy.command("publish")
@click.argument("policy_file", metavar="FILE", type=click.Path(path_type=Path))
@settings
def policy_publish(policy_file: Path, data: Path | None, file: Path | None, as_json: bool) -> None:
    """Publish a policy; a running service takes it up within seconds. A site that is new is added."""
    from consent.delivery.notices import publish  # noqa: PLC0415
    from consent.policy.check import read_checked  # noqa: PLC0415

    resolved, findings = read_checked(_text(policy_file))
    config = _config(file, data)

    async def store() -> dict[str, Any]:
        async with _store(config, new=True) as db:
            now = _now()
            found = await sites.by_key(db, resolved.site) or await sites.add(db, resolved.site, now)
            await tokens.ensure(db, config.data, found, now)
            version = await publish(db, found.site_id, resolved, now)
            return {
                "site": found.key,
                "version": version.version,
                "hash": version.hash,
                "scope": version.scope,
                "new": version.published == now,
                "findings": findings,
            }

    answer = asyncio.run(store())
    state = f"Version {answer['version']} of {answer['site']} is published"
    told = [*map(str, findings), f"{state}." if answer["new"] else f"{state} already: nothing differs."]
    _say(as_json, answer, "\n".join(told))


@main.command()
@click.argument("key", metavar="SITE")
@click.option(
    "--variant", type=click.Choice(["meta", "strict", "tag"]), default="meta", show_default=True, help=_VARIANTS
)
@settings
def snippet(key: str, variant: Any, data: Path | None, file: Path | None, as_json: bool) -> None:
    """Print the lines to paste first into the <head> of every page of a site.

    The service's address in them is public_url, else the configured port's, else where the service that uses this data
    folder listened last. The hash that a Content-Security-Policy of your own needs goes to the standard error.
    """
    from consent.delivery.snippet import render  # noqa: PLC0415
    from consent.policy.queries import current  # noqa: PLC0415

    config = _reached(_config(file, data), file)

    async def read() -> Any:
        async with _store(config) as db:
            found = await _site(db, key)
            version = await current(db, found.site_id)
        if version is None:
            remedy = "Publish one first: consent policy publish FILE."
            raise NotFound("no_policy", f"The site {key} has published no policy.", remedy)
        return render(version, config, variant)

    lines = asyncio.run(read())
    _say(as_json, lines, lines.text)
    if lines.csp_hash and not as_json:
        click.echo(f"For a Content-Security-Policy of your own, in script-src: {lines.csp_hash}", err=True)


@main.command()
@click.argument("key", metavar="SITE")
@click.option("--since", help="From this moment on: RFC 3339, or milliseconds since 1970.")
@click.option("--until", help="Before this moment.")
@click.option("--action", help="Only: given, partly, refused, changed or withdrawn.")
@click.option("--limit", help="Records at most (default: 100).")
@click.option("--after", help="The `next` of the page before.")
@settings
def log(key: str, data: Path | None, file: Path | None, as_json: bool, **given: str | None) -> None:
    """Read a site's log, also while the service runs: oldest first with --since or --after, else the newest."""
    from consent.records import queries, question  # noqa: PLC0415

    asked = question.parse({name: value for name, value in given.items() if value is not None})
    newest = given["since"] is None and given["after"] is None

    async def read() -> tuple[list[Any], str | None]:
        async with _store(_config(file, data)) as db:
            found = await _site(db, key)
            await _noted(db, found.site_id, "log", "", f"consent log {key}")
            if newest:
                return await queries.newest(db, found.site_id, asked), None
            return await queries.page(db, found.site_id, asked)

    records, last = asyncio.run(read())
    rows = [
        (
            _when(one.time),
            one.action,
            " ".join(f"{name}={state}" for name, state in (one.purposes | one.services).items()),
            one.regime,
            one.language,
            str(one.version),
            one.receipt,
        )
        for one in records
    ]
    table = _table(("time (UTC)", "action", "decided", "regime", "language", "version", "receipt"), rows)
    _say(as_json, {"records": records, "next": question.cursor(last) if last else None}, table)


def _config(file: Path | None, data: Path | None, **overrides: Any) -> Config:
    """The settings, with `consent.toml` of this folder where no other file is named."""
    return load(_file(file), os.environ, {"data": data, **overrides})


def _file(named: Path | None) -> Path | None:
    usual = Path("consent.toml")
    return named or (usual if usual.exists() else None)


def _reached(config: Config, file: Path | None) -> Config:
    """The settings with the address at which the service was last reached, where they name none themselves."""
    path = _file(file)
    ported = "CONSENT_PORT" in os.environ or (path is not None and "port" in tomllib.loads(path.read_text("utf-8")))
    if config.public_url or (ported and config.port):
        return config
    return msgspec.structs.replace(config, public_url=address.noted(config.data))


@asynccontextmanager
async def _store(config: Config, *, new: bool = False) -> AsyncIterator[Database]:
    """The store, beside a service that may be using it; made only where `new` says so."""
    if new:
        prepare(config.data)
    elif not config.store.exists():
        remedy = "Name the right folder with --data, or start with: consent serve."
        raise NotFound("no_store", f"There is no store in the folder {config.data}.", remedy)
    db = await open_sqlite(config.store)
    try:
        yield db
    finally:
        await db.close()


async def _site(db: Database, key: str) -> Site:
    found = await sites.by_key(db, key)
    if found is None:
        known = ", ".join(one.key for one in await sites.all_sites(db))
        raise NotFound(
            "unknown_site", f"There is no site {key!r}.", f"Known are: {known}." if known else "There is none."
        )
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise Problem("file", f"{path} cannot be read: {error.strerror}.", "Name a policy's TOML file.") from error
    except UnicodeDecodeError as error:
        raise Problem("file", f"{path} is not UTF-8 text.", "Save it as UTF-8.") from error


async def _noted(db: Database, site_id: int, what: str, about: str, command: str) -> None:
    """Write into the access log who looks at what, before it is shown."""
    from consent.accounts import access_queries  # noqa: PLC0415
    from consent.accounts.access_queries import Entry  # noqa: PLC0415

    now = _now()
    id_, name = f"{now:012x}{os.urandom(6).hex()}", getpass.getuser()[:254]
    await access_queries.add(db, Entry(site_id, id_, now, "", name, "command", what, about, "", command))


def _say(as_json: bool, answer: Any, told: str) -> None:
    click.echo(msgspec.json.encode(answer).decode() if as_json else told)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Columns for a terminal; for a pipe, values between tabs."""
    if not sys.stdout.isatty():
        return "\n".join("\t".join(row) for row in [head, *rows])
    table = Table(*head, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))  # what is stored is no markup
    console = Console()
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip()


def _when(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _now() -> int:
    return time.time_ns() // 1_000_000


for _name in (
    "cli_account",
    "cli_account_more",
    "cli_cookies",
    "cli_export",
    "cli_geo",
    "cli_import",
    "cli_ledger",
    "cli_notice",
    "cli_query",
    "cli_rights",
    "cli_rollup",
    "cli_sharing",
    "cli_sql",
    "cli_witness",
):
    import_module(f"consent.{_name}")  # their commands join `main`, which they are made of
