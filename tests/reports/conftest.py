"""A store with two sites' choices, and what answers questions about them."""

from collections.abc import AsyncIterator

import pytest

from consent.db import Row
from consent.db.reading import Readers, open_readers
from consent.reports.answers import Answers, Stores
from consent.sites.site import Site
from tests.reports import world


class World:
    """Two sites: `shop`, of which questions are asked, and another whose figures must never show."""

    def __init__(self, site: Site, rows: list[Row], answers: Answers, readers: Readers) -> None:
        self.site = site
        self.rows = rows
        self.answers = answers
        self.readers = readers


@pytest.fixture(scope="module")
async def two_sites(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("reports")
    db = await world.opened(folder)
    site, rows = await world.make(db, "shop", 3_000, 1)
    await world.make(db, "other", 500, 2)
    file = folder / "consent.sqlite"
    readers = await open_readers(file, 1)
    answers = Answers(Stores(await open_readers(file), None), Stores(readers, None))
    yield World(site, rows, answers, readers)
    await answers.close()
    await db.close()
