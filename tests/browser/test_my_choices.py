""" "My choices": what was said and what proves it, checked in the visitor's own browser."""

import json

import pytest

from tests.browser import banner
from tests.browser.alone.lab import AXE
from tests.browser.conftest import Visitor
from tests.browser.driver import Page, wait_for
from tests.browser.lab import Lab

pytestmark = pytest.mark.browser

NAME = "plain.html"
ROOT = "document.querySelector('consent-banner').shadowRoot"
MINE = f"{ROOT}.querySelector('.mine')"
VERDICTS = f"[...{MINE}.querySelectorAll('.verdict')].map(one => one.className + ': ' + one.textContent)"
CHECKED = (
    f"Boolean({MINE}?.querySelector('.verdict')) && "
    f"![...{MINE}.querySelectorAll('.verdict')].some(one => one.className == 'verdict')"
)
FOCUS = (
    "(() => { let e = document.activeElement;"
    " while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement; return e; })()"
)
SAID = "JSON.parse(localStorage['consent.receipt'] || '{}')"


def told(words: str) -> str:
    """Whether "My choices" says so at its end."""
    return f"{MINE}.querySelector('output').textContent.includes('{words}')"


async def refused(visitor: Visitor, lab: Lab) -> Page:
    """A page on which the visitor has just refused, and the service has answered."""
    page = await visitor()
    await lab.visit(page, NAME, "meta")
    await banner.decide(page, "reject", reload=False)
    await wait_for(page, f"{SAID}.said?.length === 1")
    return page


async def opened(page: Page) -> list[str]:
    """The verdicts of "My choices", opened from the second layer."""
    await banner.click(page, "open")
    await banner.click(page, "choices")
    assert await wait_for(page, CHECKED)
    return list(await page.eval(VERDICTS))


async def test_a_choice_is_proved(visitor: Visitor, lab: Lab) -> None:
    """The refusal that was recorded is shown with its time, and verified by this browser: record, place, signature."""
    page = await refused(visitor, lab)
    (verdict,) = await opened(page)

    assert verdict.startswith("verdict good: ")
    assert "in the log" in verdict
    assert await page.eval(f"{MINE}.querySelector('h3').textContent") == "You refused"
    shown = await page.eval(f"[...{MINE}.querySelectorAll('.states b')].map(one => one.textContent)")
    assert shown == ["Refused"] * len(shown) != []
    assert " UTC)" in await page.eval(f"{MINE}.querySelector('time').textContent")
    assert "/n/" in await page.eval(f"{MINE}.querySelector('section a').href")
    await banner.click(page, "check")
    assert await wait_for(page, told("same key"))


@pytest.mark.parametrize(
    "change",
    [
        "said[0].record.purposes.statistics = 'granted'",
        "said[0].record.time += 1000",
        "said[0].proof = said[0].proof.replace(/index \\d+/, 'index 9007')",
        "said[0].vkey = said[0].vkey.replace(/.$/, (end) => end == 'A' ? 'B' : 'A')",
        "said[0].proof = '<img src=x onerror=window.hit=1>'",
    ],
)
async def test_what_was_altered_is_told(visitor: Visitor, lab: Lab, change: str) -> None:
    """A receipt that somebody altered in the browser is told as such, and runs nothing."""
    page = await refused(visitor, lab)
    alter = f"const held = {SAID}, {{ said }} = held; {change}; localStorage['consent.receipt'] = JSON.stringify(held)"
    await page.eval(f"(() => {{ {alter} }})()")
    (verdict,) = await opened(page)

    assert verdict.startswith("verdict bad: This receipt does not check out")
    assert await page.eval("window.hit === undefined")


async def test_without_the_service(visitor: Visitor, lab: Lab) -> None:
    """What is on the page already works while the service is away; what needs it says so, and nothing is forgotten."""
    page = await refused(visitor, lab)
    before = await opened(page)
    lab.service.health = "stopped"

    await banner.click(page, "check")
    assert await wait_for(page, told("could not be reached"), seconds=12)
    assert await page.eval(VERDICTS) == before
    await banner.click(page, "erase")
    await banner.click(page, "destroy")
    assert await wait_for(page, told("could not be erased"), seconds=12)
    assert await page.eval(f"{SAID}.said.length") == 1


async def test_erasing(visitor: Visitor, lab: Lab) -> None:
    """After a question, the record is destroyed and the proof forgotten; the choice itself stays."""
    page = await refused(visitor, lab)
    await opened(page)
    cookie = await page.eval("document.cookie")
    await banner.click(page, "erase")
    await banner.click(page, "keep")
    assert await page.eval(f"{SAID}.said.length") == 1
    await banner.click(page, "erase")
    await banner.click(page, "destroy")

    assert await wait_for(page, "!localStorage['consent.receipt']")
    assert await wait_for(page, told("stays in force"))
    assert await page.eval("document.cookie") == cookie


async def test_by_keyboard_alone(visitor: Visitor, lab: Lab) -> None:
    """Enter opens it from the second layer, Escape closes it alone, and the focus goes back to where it came from."""
    page = await refused(visitor, lab)
    await banner.click(page, "open")
    await wait_for(page, f"Boolean({ROOT}.querySelector('[data-consent=choices]'))")
    await page.eval(f"{ROOT}.querySelector('[data-consent=choices]').focus()")
    await page.press("Enter")
    await wait_for(page, CHECKED)
    assert await page.eval(f"{FOCUS}.id") == "mine"
    await page.press("Escape")

    assert await wait_for(page, f"!{MINE}")
    assert await wait_for(page, f"{FOCUS}.dataset.consent === 'choices'")
    assert await page.eval(f"{ROOT}.querySelectorAll('dialog').length") == 1


@pytest.mark.parametrize("width", [320, 1280])
async def test_it_fits_and_axe_finds_nothing(visitor: Visitor, lab: Lab, width: int) -> None:
    """At 320 px and on a desktop nothing is wider than the window, and axe-core finds no violation, details open."""
    page = await refused(visitor, lab)
    await page.viewport(width, 700)
    await opened(page)
    await page.eval(f"{MINE}.querySelectorAll('details').forEach(one => {{ one.open = true }})")
    wide = await page.eval(
        f"[...{MINE}.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    await wait_for(page, f"{MINE}.getAnimations().length === 0")  # colours are mixed while it rises
    await page.eval(f"(() => {{ {AXE.read_text('utf-8')} }})()")
    await page.eval(
        f"(() => {{ window.found = null;"
        f" axe.run({MINE}, {{ iframes: false }}).then(r => {{ found = r.violations }}) }})()"
    )
    await wait_for(page, "found !== null", seconds=15)
    found = json.loads(
        await page.eval("JSON.stringify(found.map(one => [one.id, one.nodes.map(n => n.failureSummary)]))")
    )

    assert wide == []
    assert found == []
