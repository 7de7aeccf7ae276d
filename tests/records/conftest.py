"""A service with a shop, for the tests of this folder."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.records.served import Shop, opened
from tests.records.shop import config_in, shop_in


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A service with a shop."""
    config = config_in(tmp_path)
    yield from opened(config, asyncio.run(shop_in(config)))
