""" "My choices": what the visitors' log holds of this browser, shown, handed over, corrected and deleted."""

import json
from typing import Any

import pytest

from tests.browser import banner
from tests.browser.alone.lab import AXE
from tests.browser.conftest import Visitor
from tests.browser.diary import COOKIES, Diary, held, must_know
from tests.browser.driver import Browser, Page, wait_for
from tests.browser.test_my_choices import FOCUS, MINE

pytestmark = pytest.mark.browser

VISITS = f"{MINE}.querySelector('.visits')"
SHOWN = f"Boolean({MINE}?.querySelector('.visits dl'))"


async def known(visitor: Visitor, diary: Diary, site: str) -> tuple[Page, str]:
    """A page of a visitor who agreed, and has signed in; and the visitor's id."""
    page = await visitor()
    before = diary.ids(site)
    await diary.agree(page, site)
    await page.eval("void consent.customer({id: 17, fields: {plan: 'pro', email: 'a@b.example'}})")
    await diary.open(page, site, "two")
    await page.eval("void consent.customer({id: 17, fields: {plan: 'pro', email: 'a@b.example'}})")
    await page.eval("void consent.track('signup')")
    await diary.lab.settle(least=1.6)
    await diary.new(site, "event", before, 3)
    [row] = await diary.new(site, "visitor", before, 1)
    return page, str(row["id"])


async def opened(page: Page) -> None:
    """Open "My choices" from the second layer."""
    await banner.click(page, "open")
    await banner.click(page, "choices")
    assert await wait_for(page, f"Boolean({MINE}?.querySelector('.verdict:not(:empty)'))")


async def facts(page: Page) -> dict[str, str]:
    """What the section says, by its names."""
    assert await wait_for(page, SHOWN)
    pairs = await page.eval(
        f"[...{VISITS}.querySelectorAll('dt')].map(one => [one.textContent, one.nextElementSibling.textContent])"
    )
    return dict(pairs)


def stored(diary: Diary, site: str, visitor: str) -> dict[str, Any]:
    """A visitor's row."""
    [row] = [row for row in diary.service(site).rows("visitor", site) if row["id"] == visitor]
    return row


@pytest.mark.parametrize("site", ["front", "first"])
async def test_it_is_shown_corrected_and_deleted(visitor: Visitor, diary: Diary, browser: Browser, site: str) -> None:
    """First and last visit, visits, pages and customer as stored; the file has the rows; a corrected field is stored,
    and after a question all is deleted: rows, and the cookies."""
    must_know(browser, site)
    page, who = await known(visitor, diary, site)
    await opened(page)
    row = stored(diary, site, who)

    told = await facts(page)
    assert (told["Visits"], told["Pages"], told["Customer"]) == ("1", "2", "17")
    assert await page.eval(f"{VISITS}.querySelector('time').dateTime.slice(0, 10)") in await page.eval(
        f"new Date({row['first']}).toISOString()"
    )
    await page.eval(
        "void (URL.createObjectURL = (blob) => { blob.text().then((text) => { window.saved = text }); return '#'; })"
    )
    await banner.click(page, "visits_download")
    file = json.loads(await wait_for(page, "window.saved"))
    assert file["visitor"]["id"] == who and {one["event"] for one in file["sessions"][0]["log"]} >= {"view"}

    await page.eval(f"void ({VISITS}.querySelector('input[name=plan]').value = 'basic')")
    await banner.click(page, "visits_correct")
    assert await wait_for(page, f"{MINE}.querySelector('output').textContent === 'Corrected.'")
    assert json.loads(stored(diary, site, who)["customer_fields"]) == {"plan": "basic"}

    before = {one["id"] for one in diary.service(site).rows("visitor", site)}
    await banner.click(page, "visits_forget")
    await banner.click(page, "visits_keep")
    await banner.click(page, "visits_forget")
    await banner.click(page, "visits_delete")
    assert await wait_for(page, f"{MINE}.querySelector('output').textContent.startsWith('What was stored is deleted')")
    assert await wait_for(page, f"{VISITS}.textContent.includes('Nothing is stored')")
    assert COOKIES[0] not in await held(page)
    await diary.lab.settle(least=1.0)
    assert {one["id"] for one in diary.service(site).rows("visitor", site)} == before - {who}


async def test_it_is_not_asked_for_without_permission(visitor: Visitor, diary: Diary) -> None:
    """After a refusal "My choices" has no such section, and asks the service for none."""
    page = await visitor()
    await page.goto(diary.url("first"))
    await banner.decide(page, "reject", reload=False)
    mark = diary.lab.log.mark()
    await opened(page)
    await diary.lab.settle()

    assert await page.eval(f"{VISITS} === null")
    assert diary.asked("first", mark) == []


async def test_without_the_service(visitor: Visitor, diary: Diary, browser: Browser) -> None:
    """What cannot be loaded is said to be so, and the rest of "My choices" stands."""
    must_know(browser, "first")
    page, _ = await known(visitor, diary, "first")
    await opened(page)
    assert await wait_for(page, SHOWN)
    diary.stats.health = "failing"
    await banner.click(page, "visits_forget")
    await banner.click(page, "visits_delete")

    assert await wait_for(page, f"{MINE}.querySelector('output').className === 'bad'")
    assert await page.eval(f"{VISITS}.querySelectorAll('dt').length") == 5


@pytest.mark.parametrize("width", [320, 1280])
async def test_by_keyboard_and_for_everybody(visitor: Visitor, diary: Diary, browser: Browser, width: int) -> None:
    """Enter asks and keeps, the focus stays with the question; nothing is too wide, and axe-core finds no violation."""
    must_know(browser, "first")
    page, _ = await known(visitor, diary, "first")
    await page.viewport(width, 700)
    await opened(page)
    await wait_for(page, SHOWN)
    await page.eval(f"{VISITS}.querySelector('[data-consent=visits_forget]').focus()")
    await page.press("Enter")
    assert await wait_for(page, f"{FOCUS}.dataset.consent === 'visits_keep'")
    await page.press("Enter")
    assert await wait_for(page, f"{FOCUS}.dataset.consent === 'visits_forget'")
    wide = await page.eval(
        f"[...{MINE}.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    await wait_for(page, f"{MINE}.getAnimations().length === 0")
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
