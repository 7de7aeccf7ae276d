"""The measuring machine measured: what it would see if nothing were blocked."""

import pytest

from tests.browser import kinds
from tests.browser.conftest import Visitor
from tests.browser.driver import Browser
from tests.browser.lab import Lab, bare
from tests.browser.residue import NEVER

pytestmark = pytest.mark.browser


async def test_every_kind_of_request_is_seen(visitor: Visitor, lab: Lab, browser: Browser) -> None:
    """A page without the snippet makes every kind of request this browser knows, and each is recorded."""
    page = await visitor()

    seen = await lab.kinds(page, "bare")

    assert len(kinds.NAMES) == 112
    assert set(kinds.NAMES) - set(seen) <= NEVER[browser.name]


async def test_vendors_are_asked_by_the_bare_pages(lab: Lab, browser: Browser) -> None:
    """Each vendor's embed code sets off the chain of requests that it sets off in the world."""
    for name, expected in EXPECTED.items():
        yardstick = await bare(lab, browser, name)

        assert {place.partition("/")[0] for place in yardstick.foreign} >= set(expected), name


EXPECTED = {
    "analytics.html": (
        "www.googletagmanager.com",
        "www.google-analytics.com",
        "connect.facebook.net",
        "www.facebook.com",
        "ws.hotjar.com",
        "k.clarity.ms",
        "gum.criteo.com",
        "px.ads.linkedin.com",
        "beacon.cleargif.test",
    ),
    "social.html": (
        "fonts.gstatic.com",
        "l.sharethis.com",
        "connect.facebook.net",
        "www.facebook.com",
        "syndication.twitter.com",
        "log.pinterest.com",
        "www.instagram.com",
        "disqus.com",
        "www.google.com",
    ),
    "media.html": (
        "www.youtube.com",
        "www.google.com",
        "player.vimeo.com",
        "secure.livechatinc.com",
        "widget-mediator.zopim.com",
        "s01.live2support.com",
        "chat2.mioot.com",
        "va.tawk.to",
        "api-iam.intercom.io",
    ),
}


async def test_functions_work_on_the_bare_page(visitor: Visitor, lab: Lab) -> None:
    """The fixtures of what is necessary work where nothing blocks them, so that a failure elsewhere means something."""
    page = await visitor()
    await lab.visit(page, "functions.html")

    results = await page.eval("functions()")

    assert results == dict.fromkeys(results, True)
