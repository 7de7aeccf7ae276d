"""`consent notice`: what visitors were shown, by the hash that their records name."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

import click

from consent.cli import Friendly, _config, _say, _site, _store, _table, _when, main, settings
from consent.config import Config
from consent.db import Database
from consent.errors import NotFound, Problem
from consent.policy import notice_queries as queries
from consent.policy.notice_queries import Code, Count, Notice
from consent.sites import queries as sites
from consent.sites.site import Site

_HASH = re.compile("[0-9a-f]{64}", re.ASCII)


@main.group(cls=Friendly)
def notice() -> None:
    """Notices: what visitors were shown."""


@notice.command("list")
@click.argument("key", metavar="SITE")
@settings
def notice_list(key: str, data: Path | None, file: Path | None, as_json: bool) -> None:
    """List what a site ever showed, the newest first: each language's layers and page with the form.

    `shown` counts how often layers came up, and only under laws that let that be counted.
    """

    async def read() -> list[queries.Listed]:
        async with _store(_config(file, data)) as db:
            return await queries.listed(db, (await _site(db, key)).site_id, counted=True)

    found = asyncio.run(read())
    head = ("first (UTC)", "kind", "language", "versions", "shown", "hash")
    rows = [
        (_when(one.first), one.kind, one.language, " ".join(map(str, one.versions)), str(one.shown), one.hash)
        for one in found
    ]
    _say(as_json, {"notices": found}, _table(head, rows))


@notice.command("show")
@click.argument("named", metavar="HASH")
@click.option("--site", "key", help="The site's key, where several showed it or to be sure.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a page here that shows it as it was.")
@settings
def notice_show(
    named: str, *, key: str | None, html: Path | None, data: Path | None, file: Path | None, as_json: bool
) -> None:
    """Show what stood before a visitor, by the hash that a record names; with --html as it was, in a file."""
    from consent.delivery.notice_page import read_body, render_notice  # noqa: PLC0415
    from consent.delivery.outline import as_text, outline  # noqa: PLC0415

    site, found, versions, code, shown = asyncio.run(_read(_config(file, data), named, key))
    body = read_body(found)
    if html:
        page = render_notice(found, code, versions=versions, address=f"{found.hash}.json", alone=True)
        _write(html, page.html)
        _write(html.with_name(f"{found.hash}.json"), found.body)
    answer = {
        "site": site.key,
        "hash": found.hash,
        "first": found.first,
        "versions": versions,
        "shown": shown,
        "notice": body,
    }
    told = [
        f"Notice {found.hash}",
        f"of {site.key}, in {found.language}, stored {_when(found.first)} UTC",
        *(f"policy version {version} showed it since {_when(since)} UTC" for version, since in versions.items()),
        "",
        as_text(outline(body)),
        *_counts(shown),
        *([f"\nAs it was: {html}. Its exact bytes: {found.hash}.json beside it."] if html else []),
    ]
    _say(as_json, answer, "\n".join(told))


async def _read(
    config: Config, named: str, key: str | None
) -> tuple[Site, Notice, Mapping[int, int], Code | None, list[Count]]:
    async with _store(config) as db:
        site = await _showing(db, named, key)
        found = await queries.by_hash(db, site.site_id, named) if site else None
        if site is None or found is None:
            remedy = "Take the hash from a record, or from: consent notice list SITE."
            raise NotFound("unknown_notice", f"No notice {named[:64]!r} is stored.", remedy)
        versions = await queries.versions(db, site.site_id, named)
        code = await queries.code(db, _code(found))
        return site, found, versions, code, await queries.shown(db, site.site_id, named)


async def _showing(db: Database, named: str, key: str | None) -> Site | None:
    """The site that showed a notice: the one named, else the one that the notice belongs to."""
    if _HASH.fullmatch(named) is None:
        return None
    if key is not None:
        return await _site(db, key)
    numbers = await queries.holders(db, named)
    return next((site for site in await sites.all_sites(db) if site.site_id in numbers), None)


def _code(found: Notice) -> str:
    """The version of the code that a notice names; empty for the page with the form."""
    from consent.delivery.notice_page import read_body  # noqa: PLC0415

    return str(read_body(found).get("code", ""))


def _counts(shown: list[Count]) -> list[str]:
    if not shown:
        return []
    rows = [(_day(one.day), str(one.layer), one.regime, one.device, str(one.shown)) for one in shown]
    return ["", _table(("day", "layer", "regime", "device", "shown"), rows)]


def _day(day: int) -> str:
    return _when(day * 86_400_000)[:10]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise Problem(
            "file", f"{path} cannot be written: {error.strerror}.", "Name another file with --html."
        ) from error
