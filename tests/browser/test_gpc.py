"""Global Privacy Control: what it covers stays closed, the rest of the choice holds."""

import pytest

from tests.browser import choice
from tests.browser.conftest import Visitor
from tests.browser.driver import Browser, Profile
from tests.browser.lab import Lab, requests

pytestmark = pytest.mark.browser

PAGES = ("analytics.html", "social.html", "media.html")


async def test_the_signal_closes_what_it_covers(visitor: Visitor, lab: Lab, browser: Browser) -> None:
    """The signal alone opens nothing. A choice made without it: services of a purpose it covers stay closed."""
    if "gpc" in browser.lacks:
        pytest.skip(browser.lacks["gpc"])
    page = await visitor(Profile(gpc=True))
    assert requests(await lab.visit(page, PAGES[0], "meta")) == []

    await choice.seed(page, choice.accepted())
    covered = {purpose.key for purpose in choice.policy().purposes if purpose.gpc}
    closed = {service.key for service in choice.policy().services if covered & set(service.purposes)}
    arrivals = []

    for name in PAGES:
        arrivals += requests(await lab.visit(page, name, "meta"))

    assert covered == {"marketing", "social"}
    assert "1" in {arrival.headers.get("sec-gpc") for arrival in arrivals}
    assert [arrival for arrival in arrivals if choice.belongs(arrival) and choice.belongs(arrival) <= closed] == []
    assert "player.vimeo.com" in {arrival.host for arrival in arrivals}
    assert "ws.hotjar.com" in {arrival.host for arrival in arrivals}
