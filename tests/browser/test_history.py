"""Back and forward, second tabs, withdrawal everywhere: no page keeps an older choice."""

import json

import pytest

from tests.browser import banner, choice
from tests.browser.conftest import Visitor
from tests.browser.driver import Browser, Page, wait_for
from tests.browser.lab import Lab, bare, loads, places, requests

pytestmark = pytest.mark.browser

NAME = "plain.html"
NEXT = "quiet.html"
KEPT = "back.html"  # what goes to the back-forward cache


async def test_back_after_accepting_opens_the_earlier_page(visitor: Visitor, lab: Lab, browser: Browser) -> None:
    """A page left undecided, accepted on the next: going back shows it with what was accepted, loaded at most once."""
    yardstick = await bare(lab, browser, KEPT)
    page = await visitor()
    await lab.visit(page, KEPT, "meta")
    await banner.ready(page)
    await lab.visit(page, NEXT, "meta")
    await banner.decide(page, "accept", reload=True)
    await lab.settle()
    mark = lab.log.mark()

    await page.back()

    assert await lab.arrive(mark, set(yardstick.foreign)) == set()
    await lab.settle()
    assert loads(lab.log.since(mark), KEPT) <= 1


async def test_back_after_withdrawing_closes_the_earlier_page(visitor: Visitor, lab: Lab, browser: Browser) -> None:
    """A page left accepted, withdrawn on the next: going back asks nothing of others any more."""
    page = await visitor()
    await choice.seed(page, choice.accepted())
    await lab.visit(page, KEPT, "meta")
    await banner.ready(page)
    await page.eval("window.fromBefore = true")
    await lab.visit(page, NEXT, "meta")
    await banner.click(page, "open")
    await banner.click(page, "withdraw")
    await wait_for(page, "document.cookie.includes(':w')")
    await lab.settle()
    mark = lab.log.mark()

    await page.back()
    await lab.settle()

    assert await wait_for(page, "!window.fromBefore && document.readyState === 'complete'")
    assert requests(lab.log.since(mark)) == []


async def test_withdrawal_reloads_every_tab(visitor: Visitor, lab: Lab, browser: Browser) -> None:
    """Two tabs with what was accepted; a withdrawal in one makes the other load anew, once, and closed."""
    page = await visitor()
    await choice.seed(page, choice.accepted())
    await lab.visit(page, NAME, "meta")
    other = await page.tab()
    await lab.visit(other, NAME, "meta")
    before = await banner.born(page)
    mark = lab.log.mark()

    await banner.click(other, "open")
    await banner.click(other, "withdraw")
    await _until_born_again(page, before)
    await lab.settle()

    assert requests(lab.log.since(mark)) == []
    assert loads(lab.log.since(mark), NAME) == 2
    assert requests(await lab.visit(other, NAME, "meta")) == []


async def test_a_cookie_that_comes_after_its_list(visitor: Visitor, lab: Lab, browser: Browser) -> None:
    """A browser of several processes may tell a tab of the list before it shows the cookie: the page loads anew all
    the same, once, closed, and what was decided is not undone."""
    page = await visitor()
    await choice.seed(page, choice.accepted())
    await lab.visit(page, NAME, "meta")
    await banner.ready(page)
    before = await banner.born(page)
    mark = lab.log.mark()
    cookie, text = choice.rejected()
    line = f"consent={cookie}; path=/; max-age=8640000; secure; samesite=lax"

    await page.eval(
        f"void (localStorage.setItem('consent.list', {json.dumps(text)}),"
        f" dispatchEvent(new StorageEvent('storage', {{key: 'consent.list', newValue: {json.dumps(text)}}})),"
        f" setTimeout(() => {{ document.cookie = {json.dumps(line)}; }}, 300))"
    )
    await _until_born_again(page, before)
    await lab.settle()

    assert requests(lab.log.since(mark)) == []
    assert loads(lab.log.since(mark), NAME) == 1
    assert await page.eval("localStorage.getItem('consent.list')") == text


async def _until_born_again(page: Page, before: float) -> None:
    await wait_for(page, f"performance.timeOrigin !== {before} && document.readyState === 'complete'", seconds=8)


async def test_nothing_typed_is_lost(visitor: Visitor, lab: Lab, browser: Browser) -> None:
    """Accepting with a half-filled form does not reload: it takes effect with the next page."""
    page = await visitor()
    await lab.visit(page, NAME, "meta")
    await page.type("#typed", "half a letter")
    mark = lab.log.mark()

    await banner.decide(page, "accept", reload=False)
    await lab.settle()

    assert await page.eval("document.getElementById('typed').value") == "half a letter"
    assert loads(lab.log.since(mark), NAME) == 0
    assert places(requests(await lab.visit(page, NAME, "meta"))) >= (await bare(lab, browser, NAME)).foreign
