"""Nothing necessary is lost: the site's own functions work in every state of the choice."""

from collections.abc import Callable

import pytest

from tests.browser import choice, own
from tests.browser.conftest import Visitor
from tests.browser.driver import Browser, wait_for
from tests.browser.lab import Lab, bare, loads, own_places

pytestmark = pytest.mark.browser

STATES: dict[str, Callable[[], tuple[str, str]] | None] = {
    "undecided": None,
    "rejected": choice.rejected,
    "partial": lambda: choice.partial("youtube"),
    "accepted": choice.accepted,
}


@pytest.mark.parametrize("variant", ["meta", "strict"])
async def test_the_sites_own_functions_work(visitor: Visitor, lab: Lab, browser: Browser, variant: str) -> None:
    """In every state each own and declared-necessary request of the bare page arrives, and each function works."""
    yardstick = await bare(lab, browser, "functions.html")
    for state, decided in STATES.items():
        page = await visitor()  # a new one each: WebKit takes a module it has loaded before from memory and asks nobody
        if decided is not None:
            await choice.seed(page, decided())

        arrivals = await lab.visit(page, "functions.html", variant)
        results = await page.eval("functions()")

        assert results == dict.fromkeys(results, True), state
        assert own_places(arrivals) >= yardstick.own, state
        assert loads(arrivals, "functions.html") == 1, state


@pytest.mark.parametrize("variant", ["meta", "strict"])
@pytest.mark.parametrize("state", ["undecided", pytest.param("accepted", marks=pytest.mark.slow)])
async def test_forms_reach_where_they_go(visitor: Visitor, lab: Lab, state: str, variant: str) -> None:
    """Checkout by redirect to a foreign bank, a direct foreign post, and a newsletter form all pass."""
    page = await visitor()
    decided = STATES[state]
    if decided is not None:
        await choice.seed(page, decided())

    for form, target in FORMS.items():
        place = target.format(variant=variant)
        await lab.visit(page, "functions.html", variant, least=0.1)
        mark = lab.log.mark()
        await page.eval(f"void setTimeout(() => document.querySelector('#{form} button').click())")
        assert await lab.arrive(mark, {place}) == set(), form
        await wait_for(page, f"location.host + location.pathname === '{place}' && document.readyState === 'complete'")


FORMS = {
    "checkout": f"{own.BANK}/3ds",
    "direct": f"{own.BANK}/direct",
    "newsletter": f"{own.HOST}/{{variant}}/newsletter",
}


@pytest.mark.parametrize("state", ["undecided", "rejected", "accepted"])
async def test_a_turbo_like_navigation_works(visitor: Visitor, lab: Lab, browser: Browser, state: str) -> None:
    """A head merged and a body swapped in place: the page goes on, its script runs once, the choice stays in force."""
    page = await visitor()
    decided = STATES[state]
    if decided is not None:
        await choice.seed(page, decided())
    await lab.visit(page, "turbo-1.html", "meta")
    mark = lab.log.mark()

    await page.click("#next")
    await wait_for(page, "Boolean(document.getElementById('second'))")
    await lab.settle()

    assert await page.eval("turns") == 1
    arrived = {arrival.place for arrival in lab.log.since(mark)}
    assert f"{own.HOST}/meta/pixel.gif" in arrived
    assert ("www.youtube.com/embed/dQw4w9WgXcQ" in arrived) == (state == "accepted")
    assert loads(lab.log.since(mark), "turbo-1.html") == 0
