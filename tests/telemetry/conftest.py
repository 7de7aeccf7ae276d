"""An empty visitors' log."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consent.config import Config
from consent.db import Database
from consent.telemetry.log import Log
from consent.telemetry.store import open_telemetry


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Database]:
    """Its store."""
    database = await open_telemetry(Config(data=tmp_path))
    yield database
    await database.close()


@pytest.fixture
def log(store: Database) -> Log:
    """The log that is written."""
    return Log(store)
