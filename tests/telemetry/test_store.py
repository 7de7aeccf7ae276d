"""The file of the visitors' log: its own settings, beside the store of records as it was."""

import sqlite3
from pathlib import Path

import pytest

from consent.config import Config
from consent.db import Database
from consent.db.sqlite import open_sqlite
from consent.errors import StoreError
from consent.telemetry.store import open_telemetry


async def test_it_has_its_own_file_and_tables(tmp_path: Path) -> None:
    """The log opens beside the store of records, with its tables, and either file opens as itself alone."""
    config = Config(data=tmp_path)
    log = await open_telemetry(config)
    assert await log.fetch("select * from rollup") == []
    await log.close()
    with pytest.raises(StoreError, match=r"0001_first\.sql"):
        await open_sqlite(config.telemetry_store)


@pytest.mark.parametrize(("synchronous", "expected"), [(None, 2), (1, 1)])
async def test_how_it_syncs(tmp_path: Path, synchronous: int | None, expected: int) -> None:
    """Records are durable when they are acknowledged; the visitors' log alone may lose its last moments."""
    store: Database = await open_sqlite(tmp_path / "a.sqlite", synchronous=synchronous)
    async with store.transaction() as held:
        assert await held.fetch("pragma synchronous") == [{"synchronous": expected}]
    await store.close()
    assert sqlite3.connect(tmp_path / "a.sqlite").execute("pragma integrity_check").fetchone() == ("ok",)
