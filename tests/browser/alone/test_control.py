"""The permanent control: what it opens, what it shows, and where it stays."""

import pytest

from tests.browser.alone.lab import Lab, act
from tests.browser.alone.page import CHOICE, case

pytestmark = pytest.mark.browser


async def test_the_control_opens_what_fits_and_gets_the_focus_back(alone: Lab) -> None:
    """The control opens the second layer where there is a choice, and has the focus after it."""
    page = await alone.open(case(choice=CHOICE), layer=0)
    control = page.locator("consent-control button")
    box = await control.bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (44, 44)
    assert box["x"] == 16
    assert box["y"] + box["height"] == 800 - 16
    await control.click()
    assert await page.locator("dialog").count() == 1
    await page.keyboard.press("Escape")

    await page.wait_for_function("focused().dataset.consent == 'open'")
    assert await page.locator("consent-control span").inner_text() == "Privacy settings"


async def test_the_control_waits_while_the_banner_asks(alone: Lab) -> None:
    """While the first layer is open the control is not there to be hidden behind it; afterwards it is."""
    page = await alone.open()
    assert not await page.locator("consent-control button").is_visible()
    await act(page, "reject").click()

    assert await page.locator("consent-control button").is_visible()


@pytest.mark.parametrize("missing", [False, True])
async def test_a_plain_link_opens_the_choices_or_leads_to_its_page(alone: Lab, missing: bool) -> None:
    """A `[data-consent=open]` link of the page opens a layer; when it cannot be had, the link still works (US-07)."""
    page = await alone.open(case(choice=CHOICE, missing=missing, control="none"), layer=0)
    assert await page.locator("consent-control").count() == 0
    await page.locator("#link").click()

    if missing:
        await page.wait_for_url("**/choices")
    else:
        assert await page.locator("dialog").count() == 1


@pytest.mark.parametrize(
    ("regime", "gpc", "allowed", "shown"),
    [
        ("us", True, ["preferences", "statistics"], True),
        ("us", True, ["preferences", "statistics", "marketing"], False),
        ("us", False, [], False),
        ("eu", True, [], False),
    ],
)
async def test_an_honoured_signal_is_shown(alone: Lab, regime: str, gpc: bool, allowed: list[str], shown: bool) -> None:
    """Where the law wants it, and only while it is true, the page shows that the opt-out signal was honoured, even if
    the owner wants no control (US-02)."""
    page = await alone.open(case(regime=regime, gpc=gpc, allowed=allowed, control="none"), layer=0)

    assert (await page.get_by_text("Opt-out request honored").count() == 1) == shown


async def test_hosts_survive_a_new_body(alone: Lab) -> None:
    """When the page replaces its body, as Turbo does, banner and control are in the new one."""
    page = await alone.open()
    await page.evaluate(
        "document.body.replaceWith(Object.assign(document.createElement('body'), { innerHTML: '<p>new' }))"
    )

    await page.wait_for_function("document.body.firstElementChild.localName == 'consent-banner'")
    assert await page.evaluate("document.body.lastElementChild.localName") == "consent-control"
    assert await act(page, "accept").is_visible()
    await page.evaluate("document.body.innerHTML = ''")
    await page.wait_for_function("document.body.childElementCount == 2")


async def test_a_page_that_insists_is_left_alone(alone: Lab) -> None:
    """A page that always removes our element wins after a while, and never hangs."""
    page = await alone.open(layer=0, case=case(choice=CHOICE))
    await page.evaluate(
        """new MutationObserver(() => document.querySelector("consent-control")?.remove())
          .observe(document.body, { childList: true })"""
    )
    await page.evaluate("document.body.append(document.createElement('p'))")

    assert (
        await page.evaluate(
            "new Promise(done => setTimeout(() => done(document.querySelectorAll('consent-control').length), 100))"
        )
        == 0
    )
