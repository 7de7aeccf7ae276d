"""A shop whose clock the tests set, for the tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consent.db import Database
from tests.records.taking import Shop, taking


@pytest.fixture
async def shop(db: Database, tmp_path: Path) -> AsyncIterator[Shop]:
    """A shop at work, whose logs' keys and heads lie beside its store."""
    async with taking(db, tmp_path) as made:
        yield made
