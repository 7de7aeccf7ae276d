"""Pages that were minified, written out again, or rearranged on the way: never blank, never open by accident."""

import pytest

from tests.browser import choice, own
from tests.browser.conftest import Visitor
from tests.browser.driver import Browser
from tests.browser.lab import Lab, bare, loads, own_places, places, requests
from tests.browser.mangle import CLOSED, NO_POLICY, WAYS

pytestmark = pytest.mark.browser

NAME = "plain.html"
SHOWS = "document.getElementById('own')?.offsetHeight > 0 && document.querySelector('h1').textContent"
STATES = {"undecided": None, "rejected": choice.rejected, "accepted": choice.accepted}


@pytest.fixture
def mangled(lab: Lab) -> str:
    """Adds a variant of pages for each way; returns the prefix of their names."""
    for way, transform in WAYS.items():
        lab.site.variants.setdefault(f"meta-{way}", own.Variant(lab.site.variants["meta"].snippet, transform=transform))
    return "meta-"


@pytest.mark.parametrize("state", ["undecided", pytest.param("rejected", marks=pytest.mark.slow), "accepted"])
async def test_a_rearranged_page_is_never_blank_and_never_opens(
    visitor: Visitor, lab: Lab, browser: Browser, mangled: str, state: str
) -> None:
    """Whatever was done to it the page shows, asks for all of its own, loads once, and asks others only if accepted."""
    yardstick = await bare(lab, browser, NAME)
    page = await visitor()
    decided = STATES[state]
    if decided is not None:
        await choice.seed(page, decided())

    for way in WAYS:
        arrivals = await lab.visit(page, NAME, mangled + way, least=0.3)

        assert await page.eval(SHOWS) == "A plain page", way
        assert own_places(arrivals) >= yardstick.own, way
        assert loads(arrivals, NAME) == 1, way
        if state != "accepted" and way not in NO_POLICY:
            assert requests(arrivals) == [], way
        if state == "accepted" and way not in CLOSED:
            assert places(requests(arrivals)) >= yardstick.foreign, way
