"""The daily export: each day, when it is over, into a folder of its own, whole or not at all; the newest are kept."""

import asyncio
import os
import re
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from consent.accounts import access_queries
from consent.accounts.access_queries import Entry
from consent.config import Config
from consent.db import Database
from consent.errors import Problem
from consent.reports import export_file
from consent.reports.export import DAY, SOURCES, Wanted
from consent.sites.queries import all_sites
from consent.sites.site import Site

SETTLED = 7_200_000
"""Milliseconds after midnight (UTC) until a day is exported: visits of its last minutes have ended then."""

BACK = 7
"""Days that are made up for, after the service was off."""

EVERY = 600.0

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


class Daily:
    """Exports days. `now` gives ms since 1970."""

    def __init__(self, db: Database, config: Config, now: Callable[[], int]) -> None:
        self._db = db
        self._config = config
        self._now = now

    async def run(self) -> None:
        """Export the days that are over and not there yet, oldest first, and delete those beyond the number kept.

        Raises Problem at the end, where a site could not be exported; the others are all the same.
        """
        folder = self._config.export_folder
        if folder is None:
            return
        failed: Problem | None = None
        for site in await self._sites():
            try:
                for day in self._due(folder / site.key, site.created):
                    await self._export(site, folder / site.key, day)
            except Problem as problem:
                failed = failed or problem
            await asyncio.to_thread(_tidy, folder / site.key, self._config.export_keep)
        if failed:
            raise failed

    async def _sites(self) -> list[Site]:
        """The sites that are exported. Raises Problem for a name of none."""
        found = await all_sites(self._db)
        wanted = self._config.export_sites
        for key in wanted:
            if all(site.key != key for site in found):
                raise Problem("unknown_site", f"There is no site {key[:40]!r}.", "Correct the setting export_sites.")
        return [site for site in found if not wanted or site.key in wanted]

    def _due(self, folder: Path, created: int) -> list[date]:
        """Days that are over and not exported, since the site is there."""
        last = _day(self._now() - SETTLED) - timedelta(1)
        back = min(BACK, self._config.export_keep)
        days = [last - timedelta(ago) for ago in range(back)]
        return sorted(day for day in days if day >= _day(created) and not (folder / day.isoformat()).exists())

    async def _export(self, site: Site, folder: Path, day: date) -> None:
        rows: tuple[str, ...] = self._config.export_rows or (*SOURCES,)
        await self._note(site, day)
        await asyncio.to_thread(_write, self._config, site, folder, day, rows)

    async def _note(self, site: Site, day: date) -> None:
        """Write into the access log that the data leaves."""
        now = self._now()
        entry = Entry(
            site.site_id, f"{now:012x}{os.urandom(6).hex()}", now, "", "daily export", "service", "export",
            day.isoformat(), "", "export_folder",
        )  # fmt: skip
        await access_queries.add(self._db, entry)


def _write(config: Config, site: Site, folder: Path, day: date, rows: tuple[str, ...]) -> None:
    """One day's files, in a folder that appears when they are whole. Raises Problem."""
    made = folder / f".{day.isoformat()}.part"
    since = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000
    try:
        shutil.rmtree(made, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        made.mkdir(mode=0o700)
        for subject in rows:
            wanted = Wanted(subject=subject, format=config.export_format, since=since, until=since + DAY)
            if wanted.source.store == "records" or config.telemetry_store.exists():
                place = made / f"{subject}.{wanted.format}"
                export_file.write(config, (site.site_id, site.key), wanted, place)
        made.replace(folder / day.isoformat())
    except OSError as error:
        remedy = "Look at the setting export_folder, and at the room on its disk."
        raise Problem("folder", f"{folder} cannot be written: {error.strerror}.", remedy) from error


def _tidy(folder: Path, keep: int) -> None:
    """Delete the oldest days beyond so many; of what lies there otherwise nothing is touched."""
    if not folder.is_dir():
        return
    days = sorted(one for one in folder.iterdir() if _DAY.fullmatch(one.name) and one.is_dir())
    for day in days[: max(0, len(days) - keep)]:
        shutil.rmtree(day)


def _day(milliseconds: int) -> date:
    return datetime.fromtimestamp(milliseconds / 1_000, UTC).date()
