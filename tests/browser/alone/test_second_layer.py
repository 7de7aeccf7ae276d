"""The second layer: a dialog of switches, what they show, and what is said when they are saved."""

from typing import Any

import pytest

from tests.browser.alone.lab import DESKTOP, PHONE, SMALL, Lab, act, decisions, press, unfold
from tests.browser.alone.page import CHOICE, DENIED, GRANTED, case

pytestmark = pytest.mark.browser


async def test_the_dialog_holds_the_focus_and_gives_it_back(alone: Lab) -> None:
    """The second layer takes the focus, keeps it out of the page however often Tab is pressed, closes on Esc without
    a decision, and returns the focus to the button that opened it (AX-13, AX-05)."""
    page = await alone.open()
    await act(page, "preferences").focus()
    await page.keyboard.press("Enter")
    assert await page.locator("consent-banner dialog").evaluate("d => d.matches(':modal')")
    assert await page.evaluate("focused().id") == "heading"

    for key in ("Tab", "Shift+Tab"):
        rounds = []
        for _ in range(40):
            await page.keyboard.press(key)
            rounds.append(
                await page.evaluate(
                    "focused().closest('dialog') ? focused().dataset.consent || '' : focused().localName"
                )
            )
        assert set(rounds) == {
            "",
            "close",
            "save",
            "accept",
            "reject",
            "choices",
            "body",
        }  # body: the focus is in the browser's own bars
        assert rounds.count("save") > 1
    await act(page, "close").focus()
    await page.keyboard.press("Escape")
    await page.locator("consent-banner dialog").wait_for(state="detached")
    await page.wait_for_function("focused().dataset.consent == 'preferences'")
    assert await decisions(page) == []


@pytest.mark.parametrize("reopened", [False, True])
async def test_every_switch_is_off_until_it_is_switched_on(alone: Lab, reopened: bool) -> None:
    """Without a choice no switch is on, at the first opening and after one that was closed (EU-03)."""
    page = await alone.open(layer=2)
    if reopened:
        await page.get_by_role("switch", name="Statistics").click()
        await act(page, "close").click()
        await page.evaluate("store.show(2)")

    assert await page.locator("dialog input").evaluate_all("all => all.length") == 4 + 7
    assert await page.locator("dialog input:checked").count() == 0
    assert await page.locator("dialog [data-purpose=necessary]").count() == 0


async def test_switches_show_the_stored_choice(alone: Lab) -> None:
    """A stored choice is shown as it is, with its day, a service's own switch where it differs from its purpose."""
    page = await alone.open(case(choice=CHOICE), layer=2)

    on = await page.locator("dialog input:checked").evaluate_all(
        "all => all.map(i => i.dataset.purpose || i.dataset.service)"
    )
    assert sorted(on) == ["ads", "analytics", "heatmap", "marketing", "statistics", "video", "video"]
    assert "November 18, 2025" in await page.locator("dialog .body").inner_text()
    assert await page.locator("[data-count=social]").text_content() == "1 of 2 allowed"


async def test_opt_out_law_shows_what_runs_and_speaks_of_opting_out(alone: Lab) -> None:
    """Under an opt-out law without a choice the switches show what runs, and the words are those of that law."""
    page = await alone.open(case(regime="us", allowed=["preferences", "statistics", "marketing", "social"]), layer=1)
    assert "sharing" in await page.locator("consent-banner section").inner_text()
    assert await act(page, "reject").inner_text() == "Opt out of all"

    await act(page, "preferences").click()
    assert await page.locator("dialog input:not(:checked)").count() == 0
    assert await page.locator("dialog h2").inner_text() == "Your privacy choices"


async def test_a_purpose_switches_its_services_and_a_service_itself(alone: Lab) -> None:
    """A purpose turns its services on, but one of two purposes only when both are; what differs is said by service."""
    page = await alone.open(layer=2)
    await page.get_by_role("switch", name="Statistics").click()
    await page.get_by_role("switch", name="Marketing").click()
    assert await page.locator("[data-service=video]:checked").count() == 0
    for summary in await page.locator("dialog section > details > summary").all():
        await summary.click()
    await page.get_by_role("switch", name="Hotjar").click()
    await page.get_by_role("switch", name="Instagram").click()
    await act(page, "save").click()

    assert await decisions(page) == [
        {
            "purposes": {"preferences": "d", "statistics": "g", "marketing": "g", "social": "d"},
            "services": {"heatmap": "d", "posts": "g"},
            "control": "save",
            "layer": 2,
        }
    ]


async def test_both_places_of_a_service_agree(alone: Lab) -> None:
    """A service that is listed under two purposes has one state, shown at both."""
    page = await alone.open(case(choice=CHOICE), layer=2)
    await page.locator("[data-service=video]").first.evaluate("input => input.click()")

    assert await page.locator("[data-service=video]:checked").count() == 0


@pytest.mark.parametrize(
    ("action", "purposes"),
    [
        ("withdraw", {"preferences": "d", "statistics": "w", "marketing": "w", "social": "d"}),
        ("accept", GRANTED),
        ("reject", {"preferences": "d", "statistics": "w", "marketing": "w", "social": "d"}),
    ],
)
async def test_one_click_decides_on_the_second_layer(alone: Lab, action: str, purposes: dict[str, str]) -> None:
    """One click withdraws all of a choice: what was granted is withdrawn, the rest denied (EU-07)."""
    page = await alone.open(case(choice=CHOICE), layer=2)
    await act(page, action).click()

    assert await decisions(page) == [{"purposes": purposes, "services": {}, "control": action, "layer": 2}]


async def test_withdrawing_needs_a_choice(alone: Lab) -> None:
    """Without a choice there is nothing to withdraw, and no such button."""
    page = await alone.open(layer=2)

    assert await act(page, "withdraw").count() == 0


@pytest.mark.parametrize("choice", [None, CHOICE])
@pytest.mark.parametrize("size", [DESKTOP, PHONE, SMALL])
async def test_the_buttons_of_the_second_layer_are_equal(alone: Lab, choice: Any, size: tuple[int, int]) -> None:
    """Save, accept all, reject all and withdraw all have one size and look."""
    page = await alone.open(case(choice=choice), layer=2, size=size)

    looks = await page.locator("dialog .actions button").evaluate_all(
        """all => all.map(b => { const r = b.getBoundingClientRect(), s = getComputedStyle(b);
          return [Math.round(r.width), Math.round(r.height), s.font, s.color, s.backgroundColor].join(); })"""
    )
    assert len(looks) == (4 if choice else 3)
    assert len(set(looks)) == 1


async def test_each_service_tells_provider_country_cookies_and_reason(alone: Lab) -> None:
    """Each service shows provider, country, privacy link, cookies with duration and recipient; a necessary one its
    written reason and no switch (EU-11, EU-13)."""
    page = await alone.open(case("de"), layer=2)
    await unfold(page)

    hotjar = await page.locator("dialog div", has=page.get_by_role("switch", name="Hotjar")).last.inner_text()
    assert "Hotjar Limited, Malta" in hotjar
    assert "_hjSessionUser_*" in hotjar
    assert "1 Jahr" in hotjar
    assert "Hotjar" in hotjar
    stripe = page.locator("dialog section").first
    assert "Needed to take the payment" in await stripe.inner_text()
    assert await stripe.locator("input").count() == 0
    assert await page.locator("dialog a[href='https://heatmap.example/privacy']").count() == 1
    assert "bis Sie den Browser schließen" in await page.locator("dialog").inner_text()


async def test_keyboard_alone_is_enough(alone: Lab) -> None:
    """From a fresh page to a saved choice of one purpose with Tab, Enter and Space only (AX-04)."""
    page = await alone.open()
    await press(page, "Tab", 6)
    await page.keyboard.press("Enter")
    await page.locator("dialog").wait_for()
    for _ in range(12):
        await page.keyboard.press("Tab")
        if await page.evaluate("focused().dataset.purpose") == "statistics":
            break
    await page.keyboard.press("Space")
    for _ in range(12):
        await page.keyboard.press("Tab")
        if await page.evaluate("focused().dataset.consent") == "save":
            break
    await page.keyboard.press("Enter")

    assert [one["purposes"] for one in await decisions(page)] == [{**DENIED, "statistics": "g"}]
