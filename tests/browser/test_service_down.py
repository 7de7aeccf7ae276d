"""The service stopped, failing, talking rubbish or hanging: nothing opens, nothing breaks, nothing waits."""

from statistics import median

import pytest

from tests.browser import banner, choice
from tests.browser.conftest import Visitor
from tests.browser.driver import Browser, Page, wait_for
from tests.browser.lab import Lab, bare, loads, own_places, requests
from tests.browser.service import Health

pytestmark = pytest.mark.browser

ILL: tuple[Health, ...] = ("stopped", "failing", "rubbish", "hanging")
NAME = "media.html"
ROUNDS = 9
MAY_DELAY = 1_000
"""Milliseconds, of a busy machine: who waits for a service that hangs, waits for seconds until that is given up. What
our own scripts cost a page is measured by `scripts/bench/widget`."""
LOAD_TIME = "performance.getEntriesByType('navigation')[0].loadEventEnd"


async def test_nothing_opens_and_nothing_is_lost(visitor: Visitor, lab: Lab, browser: Browser) -> None:
    """Without a healthy service an undecided page asks nothing of others, all of itself, and loads once."""
    yardstick = await bare(lab, browser, NAME)
    page = await visitor()
    for health in ILL:
        lab.service.health = health

        arrivals = await lab.visit(page, NAME, "meta")

        assert requests(arrivals) == [], health
        assert own_places(arrivals) >= yardstick.own, health
        assert loads(arrivals, NAME) == 1, health
        assert await page.eval("shop.ready && document.getElementById('own').offsetHeight > 0"), health


async def test_a_stored_choice_stays_in_force(visitor: Visitor, lab: Lab, browser: Browser) -> None:
    """What was accepted earlier arrives, what was refused does not, whatever the service does today."""
    yardstick = await bare(lab, browser, NAME)
    page = await visitor()
    for health in ILL:
        lab.service.health = health

        await choice.seed(page, choice.accepted())
        mark = lab.log.mark()
        await lab.visit(page, NAME, "meta", least=0.1)
        assert await lab.arrive(mark, set(yardstick.foreign)) == set(), health
        assert loads(lab.log.since(mark), NAME) == 1, health

        await choice.seed(page, choice.rejected())
        assert requests(await lab.visit(page, NAME, "meta")) == [], health


@pytest.mark.parametrize("variant", ["meta", "strict"])
async def test_a_hanging_service_delays_no_page(visitor: Visitor, lab: Lab, variant: str) -> None:
    """The median time to `load` is that of the same page without us, measured in turns: it does not wait."""
    page = await visitor()
    lab.service.health = "hanging"
    times: dict[str, list[float]] = {"bare": [], variant: []}

    for _ in range(ROUNDS):
        for served, taken in times.items():
            taken.append(await _load_time(lab, page, served))

    without, with_us = median(times["bare"]), median(times[variant])
    print(f"load: {without:.0f} ms bare, {with_us:.0f} ms with {variant}")
    assert with_us - without < MAY_DELAY


async def _load_time(lab: Lab, page: Page, variant: str) -> float:
    await page.goto(lab.site.url("quiet.html", variant))
    return float(await page.eval(LOAD_TIME))


async def test_a_refusal_holds_while_the_service_hangs(visitor: Visitor, lab: Lab) -> None:
    """Reject, then the service hangs before it can answer: the refusal is stored at once, and nothing arrives."""
    page = await visitor()
    await lab.visit(page, "plain.html", "meta")
    await banner.shown(page)
    lab.service.health = "hanging"

    await banner.click(page, "reject")

    await wait_for(page, "document.cookie.includes('consent=1.')", seconds=2)  # long before the service is given up
    assert requests(await lab.visit(page, "plain.html", "meta")) == []


async def test_a_grant_waits_for_its_record(visitor: Visitor, lab: Lab, browser: Browser) -> None:
    """Accept while the service fails: nothing opens. When it is back, the grant is recorded, and then it opens."""
    page = await visitor()
    await lab.visit(page, "plain.html", "meta")
    await banner.shown(page)
    lab.service.health = "failing"
    known = len(lab.service.records())
    mark = lab.log.mark()

    await banner.click(page, "accept")
    await lab.settle()

    assert requests(lab.log.since(mark)) == []
    assert requests(await lab.visit(page, "plain.html", "meta")) == []
    assert len(lab.service.records()) == known

    lab.service.health = "up"
    mark = lab.log.mark()
    await lab.visit(page, "plain.html", "meta")
    await lab.visit(page, "plain.html", "meta")

    assert [record["action"] for record in lab.service.records()[known:]] == ["given"]
    assert await lab.arrive(mark, set((await bare(lab, browser, "plain.html")).foreign)) == set()
