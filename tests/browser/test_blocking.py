"""Vendors' pages in each state of the choice: what arrives at foreign hosts, and that nothing of the site's is lost."""

import pytest

from tests.browser import banner, choice
from tests.browser.arrivals import Arrival
from tests.browser.conftest import Visitor
from tests.browser.driver import Browser, Page
from tests.browser.lab import Lab, bare, loads, own_places, places, requests

pytestmark = pytest.mark.browser

PAGES = ("analytics.html", "social.html", "media.html")
VARIANTS = ("meta", "strict")


async def _nothing_arrives(lab: Lab, page: Page, browser: Browser, variant: str) -> None:
    for name in PAGES:
        yardstick = await bare(lab, browser, name)
        arrivals = await lab.visit(page, name, variant)
        assert requests(arrivals) == [], name
        assert own_places(arrivals) >= yardstick.own, name
        assert loads(arrivals, name) == 1, name


@pytest.mark.parametrize("variant", VARIANTS)
async def test_nothing_arrives_before_a_choice(visitor: Visitor, lab: Lab, browser: Browser, variant: str) -> None:
    """While undecided no request reaches a foreign host, every own one does, and no page loads itself twice."""
    await _nothing_arrives(lab, await visitor(), browser, variant)


@pytest.mark.parametrize("variant", VARIANTS)
async def test_nothing_arrives_after_a_refusal(visitor: Visitor, lab: Lab, browser: Browser, variant: str) -> None:
    """A click on "reject" asks for nothing, reloads nothing, is in the log as a refusal, and holds on all pages."""
    page = await visitor()
    name = PAGES[0]
    mark, known = lab.log.mark(), len(lab.service.records())
    await lab.visit(page, name, variant)

    await banner.decide(page, "reject", reload=False)

    assert requests(lab.log.since(mark)) == []
    assert loads(lab.log.since(mark), name) == 1
    assert [record["action"] for record in lab.service.records()[known:]] == ["refused"]
    await _nothing_arrives(lab, page, browser, variant)


@pytest.mark.parametrize("variant", VARIANTS)
async def test_everything_arrives_after_acceptance(visitor: Visitor, lab: Lab, browser: Browser, variant: str) -> None:
    """A click on "accept" reloads the page once; then, and on all pages, each request of the bare page arrives."""
    page = await visitor()
    name = PAGES[0]
    yardstick = await bare(lab, browser, name)
    mark, known = lab.log.mark(), len(lab.service.records())
    await lab.visit(page, name, variant)

    await banner.decide(page, "accept", reload=True)

    assert await lab.arrive(mark, set(yardstick.foreign)) == set()
    assert loads(lab.log.since(mark), name) == 2
    assert [record["action"] for record in lab.service.records()[known:]] == ["given"]
    for name in PAGES[1:]:
        yardstick = await bare(lab, browser, name)
        mark = lab.log.mark()
        arrivals = await lab.visit(page, name, variant)
        assert await lab.arrive(mark, set(yardstick.foreign)) == set(), name
        assert own_places(arrivals) >= yardstick.own, name
        assert loads(lab.log.since(mark), name) == 1, name


@pytest.mark.parametrize("variant", VARIANTS)
async def test_scripts_keep_their_native_order(visitor: Visitor, lab: Lab, browser: Browser, variant: str) -> None:
    """After acceptance the scripts run as on the bare page: order, `onload`, `document.write`, late listeners."""
    page = await visitor()
    await lab.visit(page, "order.html")
    native = await page.eval("log")
    await choice.seed(page, choice.accepted())

    await lab.visit(page, "order.html", variant)

    assert "M" in native and "loaded" in native
    assert await page.eval("log") == native
    assert await page.eval("Boolean(document.getElementById('inserted') && document.getElementById('written'))")


# What the frames of YouTube ask under their own policy, of hosts that are not declared for the page.
FRAMES = {"googleads.g.doubleclick.net/pagead/id", "www.youtube.com/generate_204"}

PARTIAL = {
    # The button's vendor has a pixel on the same hosts.
    "social button, no pixel": (("facebook-like", "facebook-comments"), "connect.facebook.net/en_US/sdk.js"),
    # Maps and Analytics are both Google's.
    "map, no analytics": (("google-maps",), "www.google.com/maps/embed"),
    "video, nothing else": (("youtube",), "www.youtube.com/embed/dQw4w9WgXcQ"),
    "one beacon": (("clear-gif",), "beacon.cleargif.test/clear.gif"),
}


@pytest.mark.parametrize("case", PARTIAL)
async def test_a_partial_choice_opens_only_what_was_granted(
    visitor: Visitor, lab: Lab, browser: Browser, case: str
) -> None:
    """Requests of the granted service arrive; of the others none, not even on a host that both share."""
    granted, sign = PARTIAL[case]
    page = await visitor()
    await choice.seed(page, choice.partial(*granted))
    arrived: list[Arrival] = []

    for name in PAGES:
        arrived += requests(await lab.visit(page, name, "meta"))

    assert sign in places(arrived)
    for arrival in arrived:
        assert arrival.place in FRAMES or set() < choice.belongs(arrival) <= set(granted), arrival


@pytest.mark.parametrize("variant", VARIANTS)
async def test_nothing_arrives_after_a_withdrawal(visitor: Visitor, lab: Lab, browser: Browser, variant: str) -> None:
    """Clicks on the permanent control and on "withdraw" end everything that was granted, here and from now on."""
    page = await visitor()
    await lab.visit(page, PAGES[0], variant)
    await banner.decide(page, "accept", reload=True)
    await lab.settle()
    known = len(lab.service.records())
    before = await banner.born(page)

    await banner.click(page, "open")
    await banner.click(page, "withdraw")

    await banner.reloaded(page, before)
    assert [record["action"] for record in lab.service.records()[known:]] == ["withdrawn"]
    await _nothing_arrives(lab, page, browser, variant)


async def test_the_policy_declares_what_the_pages_ask(visitor: Visitor, lab: Lab, browser: Browser) -> None:
    """Every vendor request of the bare pages belongs to a declared service, so "all" above means all."""
    page = await visitor()
    for name in PAGES:
        arrivals = requests(await lab.visit(page, name, "bare"))

        assert {a.place for a in arrivals if not choice.belongs(a)} <= FRAMES
