"""One Chromium for the tests of the layers alone."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import async_playwright

from tests.browser.alone.lab import Lab, build, launch


@pytest.fixture(scope="session")
async def chromium_alone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    """The browser and the built bundles."""
    built = build(tmp_path_factory.mktemp("banner"))
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        yield Lab(browser, built)
        await browser.close()


@pytest.fixture
async def alone(chromium_alone: Lab) -> AsyncIterator[Lab]:
    """The same, with this test's pages closed after it."""
    yield chromium_alone
    await chromium_alone.close()
