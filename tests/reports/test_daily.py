"""The daily export: whole days, once each, of which the newest are kept."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from consent.config import Config
from consent.db import Database
from consent.db.sqlite import open_sqlite
from consent.errors import Problem
from consent.reports.daily import BACK, SETTLED, Daily
from consent.reports.export import DAY
from tests.records.shop import config_in
from tests.reports.taken import BEGAN, fill

FIRST = BEGAN // DAY * DAY
"""Midnight before the first record."""


async def folder_of(tmp_path: Path, **settings: Any) -> tuple[Config, Path]:
    config = config_in(tmp_path, export_folder=tmp_path / "out", **settings)
    await fill(config, 20, 20)
    return config, tmp_path / "out" / "shop"


async def run(config: Config, now: int) -> None:
    """What the service does every ten minutes, at that moment."""
    db: Database = await open_sqlite(config.store)
    try:
        await Daily(db, config, lambda: now).run()
    finally:
        await db.close()


async def test_a_day_is_exported_when_it_is_over(tmp_path: Path) -> None:
    """Not before its last visits have ended; then with each kind of rows in a file."""
    config, folder = await folder_of(tmp_path)
    await run(config, FIRST + DAY + SETTLED - 1)
    assert not (folder / "2026-09-21").exists()

    await run(config, FIRST + DAY + SETTLED)

    files = {path.name: len(path.read_bytes().splitlines()) for path in (folder / "2026-09-21").iterdir()}
    assert files == {"log.ndjson": 20, "visitors.ndjson": 20, "sessions.ndjson": 20, "events.ndjson": 40}
    assert (folder / "2026-09-21").stat().st_mode & 0o777 == 0o700


async def test_days_are_made_up_for(tmp_path: Path) -> None:
    """After the service was off, some days back; each once, and a day without rows is a day."""
    config, folder = await folder_of(tmp_path)
    await run(config, FIRST + 3 * DAY + SETTLED)
    days = sorted(path.name for path in folder.iterdir())
    marked = folder / "2026-09-23" / "mark"
    marked.write_text("")

    await run(config, FIRST + 3 * DAY + SETTLED)

    assert len(days) == BACK
    assert days[-3:] == ["2026-09-21", "2026-09-22", "2026-09-23"]
    assert marked.exists()
    assert (folder / "2026-09-22" / "log.ndjson").read_bytes() == b""


async def test_only_the_newest_days_are_kept(tmp_path: Path) -> None:
    """Older ones go; what somebody else put there stays."""
    config, folder = await folder_of(tmp_path, export_keep=2)
    (folder / "notes").mkdir(parents=True)
    (folder / "2026-01-01").mkdir()

    await run(config, FIRST + 3 * DAY + SETTLED)

    assert sorted(path.name for path in folder.iterdir()) == ["2026-09-22", "2026-09-23", "notes"]


async def test_half_a_day_is_no_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was interrupted is not there under its name, and is made anew."""
    config, folder = await folder_of(tmp_path, export_keep=1)

    def stop(*_: object) -> None:
        raise Problem("folder", "The disk is full.", "Make room.")

    with monkeypatch.context() as patched:
        patched.setattr("consent.reports.export_file.write", stop)
        with pytest.raises(Problem, match="disk is full"):
            await run(config, FIRST + DAY + SETTLED)
    assert [path.name for path in folder.iterdir()] == [".2026-09-21.part"]

    await run(config, FIRST + DAY + SETTLED)

    assert [path.name for path in folder.iterdir()] == ["2026-09-21"]


async def test_format_rows_and_sites_are_chosen(tmp_path: Path) -> None:
    """Only what was named leaves, in the format that was named."""
    config, folder = await folder_of(tmp_path, export_format="csv", export_rows=("log",), export_sites=("shop",))

    await run(config, FIRST + DAY + SETTLED)

    assert [path.name for path in (folder / "2026-09-21").iterdir()] == ["log.csv"]


async def test_a_site_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A name that no site has is a mistake in the settings."""
    config, _ = await folder_of(tmp_path, export_sites=("shoe",))

    with pytest.raises(Problem, match="no site 'shoe'"):
        await run(config, FIRST + DAY + SETTLED)


async def test_it_is_written_down(tmp_path: Path) -> None:
    """Each day that leaves is a line in the access log."""
    config, _ = await folder_of(tmp_path, export_keep=1)
    await run(config, FIRST + DAY + SETTLED)

    with sqlite3.connect(config.store) as db:
        assert db.execute("select site_id, name, how, what, about from access_log").fetchall() == [
            (1, "daily export", "service", "export", "2026-09-21")
        ]


async def test_without_a_folder_nothing_leaves(tmp_path: Path) -> None:
    """It is off by default."""
    config = config_in(tmp_path)
    await fill(config, 1)

    await run(config, FIRST + DAY + SETTLED)

    assert config.export_folder is None
    assert list(config.data.parent.glob("*")) == [config.data]
