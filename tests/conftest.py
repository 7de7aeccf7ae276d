"""What tests of several rooms share: a real store in a folder of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from consent.db import Database
from consent.db.sqlite import open_sqlite


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What may run at the same time: files, whose tests share what is slow to make, and browsers with all theirs."""
    for item in items:
        browser = getattr(getattr(item, "callspec", None), "params", {}).get("browser")
        file = item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(browser if isinstance(browser, str) else file))


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty, migrated store."""
    database = await open_sqlite(tmp_path / "consent.sqlite")
    yield database
    await database.close()
