"""`consent site sharing`: what others may see of a site's figures."""

import asyncio
from pathlib import Path

import click

from consent.cli import _config, _say, _site, _store, settings, site
from consent.reports import sharing_queries
from consent.reports.suppression import MOST, THRESHOLD


@site.command("sharing")
@click.argument("key", metavar="SITE")
@click.option(
    "--threshold", type=click.IntRange(THRESHOLD, MOST), help=f"Hide numbers below this ({THRESHOLD} to {MOST:,})."
)
@click.option("--off", is_flag=True, help="Share nothing.")
@settings
def site_sharing(
    key: str, *, threshold: int | None, off: bool, data: Path | None, file: Path | None, as_json: bool
) -> None:
    """Say below which number shared figures are hidden, or that none are shared; without an option: how it is."""

    async def work() -> int:
        async with _store(_config(file, data)) as db:
            found = await _site(db, key)
            if off or threshold:
                await sharing_queries.set_threshold(db, found.site_id, 0 if off else threshold or THRESHOLD)
            return await sharing_queries.threshold(db, found.site_id)

    number = asyncio.run(work())
    told = f"Shared figures of {key} hide numbers below {number}." if number else f"No figures of {key} are shared."
    _say(as_json, {"site": key, "threshold": number}, told)
