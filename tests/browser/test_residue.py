"""Per-kind pages: what of 112 kinds of request still gets through the snippet as shipped, and that it only shrinks."""

import pytest

from tests.browser import choice
from tests.browser.conftest import Visitor
from tests.browser.driver import Browser
from tests.browser.lab import Lab
from tests.browser.residue import bound, excess, further, known, record

pytestmark = pytest.mark.browser

STATES = {"undecided": None, "rejected": choice.rejected, "partial": lambda: choice.partial("youtube", "clear-gif")}
SLOW_SCRIPT = "<script src=/bare/slow.js></script>"


@pytest.mark.parametrize("variant", ["meta", "strict"])
@pytest.mark.parametrize("state", ["undecided", pytest.param("rejected", marks=pytest.mark.slow), "partial"])
async def test_the_residue_only_shrinks(visitor: Visitor, lab: Lab, browser: Browser, variant: str, state: str) -> None:
    """No kind of request arrives that is not in the committed list, and none beyond what the variant promises."""
    page = await visitor()
    decided = STATES[state]
    if decided is not None:
        await choice.seed(page, decided())

    measured = await lab.kinds(page, variant)
    if state == "undecided":
        behind = await lab.kinds(await visitor(), variant, before=SLOW_SCRIPT)
        measured |= {kind: further(measured.get(kind), reach) for kind, reach in behind.items()}

    record(browser.name, variant, state, measured)
    limits = bound(browser.name, variant)
    assert {kind for kind, reach in measured.items() if reach == "request"} <= limits["request"]
    assert set(measured) <= limits["connection"]
    assert excess(measured, known(browser.name, variant, state)) == {}
