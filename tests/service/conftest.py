"""A running service for the tests of this folder."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.service.process import GENEROUS, Service


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """A service with a shop, that lets one address post as much as it likes."""
    made = Service(tmp_path, **GENEROUS)
    await made.publish()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture(scope="module")
async def standing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """The same, for all tests of a file that leave it as it was."""
    made = Service(tmp_path_factory.mktemp("standing"), **GENEROUS)
    await made.publish()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[Service]:
    """The same with the limits as they come."""
    made = Service(tmp_path)
    await made.publish()
    await made.start()
    yield made
    await made.stop()
