"""`consent rollup`: what is added up, compared with what it was added up of, and mended."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import click

from consent.cli import Friendly, _config, _say, _site, _store, _table, main, settings
from consent.config import Config
from consent.db import Database
from consent.records import recount
from consent.records import rollup as choices
from consent.records.recount import Numbers
from consent.records.rollup_queries import ACTIONS
from consent.sites import queries as sites
from consent.sites.site import Site
from consent.telemetry import rebuild
from consent.telemetry.hit import GRAINS, Cell, Measures
from consent.telemetry.store import open_telemetry

_SHOWN = 50
"""Differences that a terminal is told."""


class Differs(NamedTuple):
    """One thing that is not added up right, in words."""

    cell: str
    stored: str
    rows: str


class Rebuilder(NamedTuple):
    """One kind of rollups: finds what differs at a site, and mends it where `mends` is true."""

    name: str
    run: Callable[[Config, Database, Site, bool], Awaitable[list[Differs]]]


@main.group(cls=Friendly)
def rollup() -> None:
    """Rollups: what reports are made of."""


@rollup.command("rebuild")
@click.argument("key", metavar="[SITE]", required=False)
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 where something differs.")
@settings
def rollup_rebuild(key: str | None, check: bool, data: Path | None, file: Path | None, as_json: bool) -> None:
    """Compare what is added up with the rows it was added up of, and mend it, also while the service runs."""
    config = _config(file, data)

    async def work() -> list[dict[str, Any]]:
        async with _store(config) as db:
            known = [await _site(db, key)] if key else await sites.all_sites(db)
            found = []
            for site in known:
                for one in REBUILDERS:
                    differs = await one.run(config, db, site, not check)
                    found += [{"site": site.key, "rollup": one.name, **each._asdict()} for each in differs]
            return found

    found = asyncio.run(work())
    rows = [tuple(str(one[name]) for name in ("site", "rollup", *Differs._fields)) for one in found[:_SHOWN]]
    told = [_table(("site", "rollup", "cell", "added up", "by the rows"), rows)] if rows else []
    what = "differ" if check else "differed, and are mended"
    told += [f"{len(found)} cells {what}." if found else "What is added up is what the rows say."]
    _say(as_json, {"differs": found, "mended": bool(found) and not check}, "\n".join(told))
    if found and check:
        raise SystemExit(1)


async def _visitors(config: Config, _: Database, site: Site, mends: bool) -> list[Differs]:
    """The rollups of the visitors' log."""
    async with _log(config) as log:
        if log is None:
            return []
        found = await rebuild.differences(log, site.site_id)
        if mends:
            await rebuild.mend(log, site.site_id, found)
        return [Differs(_named(one.cell), _said(one.stored, one.rows), _said(one.rows, one.stored)) for one in found]


@asynccontextmanager
async def _log(config: Config) -> AsyncIterator[Database | None]:
    """The visitors' log, where there is one."""
    if not config.telemetry_store.exists():
        yield None
        return
    log = await open_telemetry(config)
    try:
        yield log
    finally:
        await log.close()


def _named(cell: Cell | choices.Cell) -> str:
    start = cell.bucket * GRAINS["hour" if cell.grain == "hour" else "day"]
    value = " * ".join(text for text in (cell.val, cell.also) if text)
    return f"{cell.dim} {value} {cell.grain} {_moment(start)}".replace("  ", " ")


def _moment(time: int) -> str:
    return datetime.fromtimestamp(time / 1_000, UTC).strftime("%Y-%m-%dT%HZ")


def _said(one: Measures, other: Measures) -> str:
    """The measures that differ."""
    pairs = zip(Measures._fields, one, other, strict=True)
    return " ".join(f"{name}={value}" for name, value, against in pairs if value != against)


async def _choices(_: Config, db: Database, site: Site, mends: bool) -> list[Differs]:
    """The counts of choices."""
    await recount.add_up(db)
    if mends:
        await recount.catch_up(db)
    found = await recount.differences(db, site.site_id)
    if mends:
        await recount.mend(db, site.site_id, found)
    return [Differs(_named(one.cell), _numbers(one.stored, one.rows), _numbers(one.rows, one.stored)) for one in found]


def _numbers(one: Numbers, other: Numbers) -> str:
    """The numbers that differ."""
    pairs = zip(ACTIONS, one, other, strict=True)
    return " ".join(f"{name}={value}" for name, value, against in pairs if value != against)


REBUILDERS = (Rebuilder("choices", _choices), Rebuilder("visitors", _visitors))
"""Every kind of rollups."""
