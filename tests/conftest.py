"""What tests of several rooms share: a real store in a folder of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consent.db import Database
from consent.db.sqlite import open_sqlite


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty, migrated store."""
    database = await open_sqlite(tmp_path / "consent.sqlite")
    yield database
    await database.close()
