"""`consent serve`: what can go wrong is found before the service listens; what to do next is told once it does."""

import asyncio
import time

import click
import maxminddb
import msgspec

from consent import address
from consent.accounts import queries as accounts
from consent.accounts.signing import make_link
from consent.app import create_app
from consent.config import Config
from consent.db import Database
from consent.db.place import Hold, prepare
from consent.db.sqlite import open_sqlite
from consent.delivery.snippet import render
from consent.demo import demo
from consent.errors import ConfigError
from consent.ledger.witness import configured
from consent.policy.queries import current
from consent.regimes.visit import Visits
from consent.sites import queries as sites
from consent.sites import tokens
from consent.web.protocol import Bounds
from consent.web.server import adopt, begin_anew, listen, run


class Log(msgspec.Struct):
    """Where a site's log is read, and with which token."""

    site: str
    url: str
    token: str


class Welcome(msgspec.Struct, omit_defaults=True):
    """What a person needs after the start."""

    logs: list[Log]
    snippet: str = ""
    snippet_of: str = ""
    demo: str = ""
    account_link: str = ""
    figures: str = ""

    def __str__(self) -> str:
        lines = [f"Demo page  {self.demo}"] if self.demo else []
        if self.account_link:
            lines += [f"Account    {self.account_link}", "           makes the owner's account: once, within a day"]
        if self.figures:
            lines += [f"Figures    {self.figures}"]
        for log in self.logs:
            lines += [f"Log        {log.url}", f"           curl -H 'Authorization: Bearer {log.token}' {log.url}"]
        if self.snippet:
            lines += ["", f"Paste this first into the <head> of every page ({self.snippet_of}):", "", self.snippet]
        return "\n".join(lines)


def serve(config: Config, *, as_json: bool) -> None:
    """Listen, prepare the store, and serve until told to stop. Raises Problem for what a person can mend."""
    prepare(config.data)
    _check_places(config)
    configured(config)
    left = adopt()
    with left or listen(config.host, config.port) as socket:
        config = msgspec.structs.replace(config, port=socket.getsockname()[1])
        welcome = asyncio.run(_prepare(config, first=left is None))

        def listening() -> None:
            _note(config)
            if left is None:
                click.echo(msgspec.json.encode(welcome).decode() if as_json else str(welcome))

        bounds = Bounds(per_address=config.connections_address, connections=config.connections, trusted=config.networks)
        app = create_app(config, on_fault=lambda: begin_anew(socket))
        run(app, socket, bounds, config.log_level, listening, is_prompt=app.is_prompt)


def _note(config: Config) -> None:
    """Tell commands where we listen; what they print is wrong without it, what we serve is not."""
    try:
        address.note(config.data, config.base_url)
    except OSError as error:
        click.echo(f"The address could not be noted in {config.data}: {error.strerror}.", err=True)


def _check_places(config: Config) -> None:
    """Raises ConfigError when the database of places cannot be used."""
    try:
        Visits(config).close()
    except (OSError, maxminddb.InvalidDatabaseError) as error:
        raise ConfigError(
            "geo_database",
            f"{config.geo_database} cannot be read: {error}.",
            "Name a country or city database in MaxMind's format (.mmdb), or leave the setting out.",
        ) from error


async def _prepare(config: Config, *, first: bool) -> Welcome:
    """Migrate the store, publish the demo where nothing else is, and gather what to tell."""
    hold = Hold(config.data)
    try:
        db = await open_sqlite(config.store)
        try:
            welcome = await _welcome(db, config)
            if await accounts.has_owner(db):
                welcome.figures = f"{config.base_url}/sites/"
            elif first:
                token = await make_link(db, "first", "", time.time_ns() // 1_000_000)
                welcome.account_link = f"{config.base_url}/account/link/{token}"
            return welcome
        finally:
            await db.close()
    finally:
        hold.release()


async def _welcome(db: Database, config: Config) -> Welcome:
    now = time.time_ns() // 1_000_000
    known = await sites.all_sites(db)
    if not known or any(site.key == demo.KEY for site in known):
        await demo.ensure(db, config)
        known = await sites.all_sites(db)
    welcome = Welcome(logs=[])
    for site in sorted(known, key=lambda site: (site.key == demo.KEY, site.created)):
        token = await tokens.ensure(db, config.data, site, now)
        welcome.logs.append(Log(site.key, f"{config.base_url}/v1/{site.key}/log", token))
        version = await current(db, site.site_id)
        if version is not None and not welcome.snippet:
            welcome.snippet, welcome.snippet_of = render(version, config).text, site.key
        if site.key == demo.KEY:
            welcome.demo = f"{config.base_url}/demo/"
    return welcome
