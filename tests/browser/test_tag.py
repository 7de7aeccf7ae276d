"""The variant `tag`: marked-up elements wait, and run in order after the choice, without a reload."""

import pytest

from tests.browser import banner
from tests.browser.conftest import Visitor
from tests.browser.driver import wait_for
from tests.browser.lab import Lab, loads, requests

pytestmark = pytest.mark.browser

NAME = "tagged.html"
ORDER = ["A", "after A: A", "B after A", "marketing", "last of statistics"]
WAITING = {"beacon.cleargif.test/order/A.js", "beacon.cleargif.test/order/B.js", "beacon.cleargif.test/clear.gif"}
WAITING |= {"www.youtube.com/embed/dQw4w9WgXcQ"}


async def test_marked_up_elements_wait_then_run_in_order(visitor: Visitor, lab: Lab) -> None:
    """Before the choice none is asked for; after it all are, scripts in document order, and what was typed stays."""
    page = await visitor()
    mark = lab.log.mark()
    await lab.visit(page, NAME, "tag")
    await banner.shown(page)
    assert requests(lab.log.since(mark)) == []
    assert await page.eval("log") == []
    await page.eval("document.getElementById('typed').value = 'half a letter'")

    await banner.decide(page, "accept", reload=False)

    assert await lab.arrive(mark, WAITING) == set()
    assert await wait_for(page, f"log.length >= {len(ORDER)} && log") == ORDER
    assert await page.eval("document.getElementById('typed').value") == "half a letter"
    assert loads(lab.log.since(mark), NAME) == 1


async def test_marked_up_elements_stay_when_refused(visitor: Visitor, lab: Lab) -> None:
    """After a refusal none is asked for, on this page and the next."""
    page = await visitor()
    mark = lab.log.mark()
    await lab.visit(page, NAME, "tag")

    await banner.decide(page, "reject", reload=False)
    await lab.visit(page, NAME, "tag")

    assert requests(lab.log.since(mark)) == []
    assert await page.eval("log") == []
