"""JavaScript off: the page renders, and third parties stay blocked."""

import pytest

from tests.browser.conftest import Visitor
from tests.browser.driver import Browser, Profile
from tests.browser.lab import Lab, own_places, requests

pytestmark = pytest.mark.browser

PAGES = ("analytics.html", "social.html", "media.html")


@pytest.mark.parametrize("variant", ["meta", "strict"])
async def test_without_javascript_the_page_renders_and_blocks(
    visitor: Visitor, lab: Lab, browser: Browser, variant: str
) -> None:
    """All of the site's own arrives as on the bare page without scripts, nothing foreign, and there is a page."""
    if "javascript" in browser.lacks:
        pytest.skip(browser.lacks["javascript"])
    page = await visitor(Profile(javascript=False))

    for name in PAGES:
        without_us = await lab.visit(page, name, "bare")
        shown = await page.screenshot()
        arrivals = await lab.visit(page, name, variant)

        assert requests(without_us) != []
        assert requests(arrivals) == []
        assert own_places(arrivals) == own_places(without_us)
        assert len(await page.screenshot()) > 0.3 * len(shown)
