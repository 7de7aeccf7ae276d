"""The two layers, the control and the placeholders alone in a browser, over a stand-in for the store."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, async_playwright

from tests.browser import banner_lab, banner_page
from tests.browser.banner_lab import DESKTOP, PHONE, SMALL, Lab, errors_of
from tests.browser.banner_page import case

pytestmark = pytest.mark.browser

LANGUAGES = sorted(path.stem for path in (banner_page.POLICY / "texts").glob("*.toml"))
SIZES = [DESKTOP, PHONE, SMALL, (320, 640)]
EQUAL = ("accept", "reject", "preferences")
#: A stored choice: statistics and marketing allowed, social refused, YouTube allowed on its own.
CHOICE = {
    "day": 20410, "scope": "", "gpc": False, "regime": "", "sum": "",
    "purposes": {"preferences": "d", "statistics": "g", "marketing": "g", "social": "d"}, "services": {"video": "g"},
}  # fmt: skip
DENIED = {"preferences": "d", "statistics": "d", "marketing": "d", "social": "d"}
GRANTED = dict.fromkeys(DENIED, "g")

EMBEDS = """<main><h1>Embeds</h1>
<p>A video: <a href="#x">x</a></p>
<div class="ratio"><iframe id="video" title="A video" data-src="https://www.youtube.com/embed/x" data-service="video"></iframe></div>
<p>Inline <iframe id="post" title="A post" width="220" height="60" data-src="https://p.example/" data-service="posts"></iframe> text</p>
<iframe id="pixel" title="A pixel" width="1" height="1" data-src="https://p.example/" data-service="posts"></iframe>
</main>"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lab]:
    """One browser for the file."""
    built: Path = banner_lab.build(tmp_path_factory.mktemp("banner"))
    async with async_playwright() as playwright:
        browser = await banner_lab.launch(playwright)
        yield Lab(browser, built)
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def alone(shared: Lab) -> AsyncIterator[Lab]:
    """The browser, with this test's pages closed after it."""
    yield shared
    await shared.close()


def act(page: Page, action: str) -> Locator:
    """The button with this `data-consent` inside our own elements."""
    return page.locator(f"consent-banner [data-consent={action}]")


async def decisions(page: Page) -> list[dict[str, Any]]:
    """What reached the store."""
    found: list[dict[str, Any]] = await page.evaluate("store.decisions")
    return found


async def press(page: Page, key: str, times: int) -> None:
    """Press a key some times."""
    for _ in range(times):
        await page.keyboard.press(key)


# The first layer


@pytest.mark.parametrize("language", LANGUAGES)
async def test_first_layer_tells_who_asks_what_for_how_many_and_how_to_withdraw(alone: Lab, language: str) -> None:
    """In every language the first layer holds the controller, each optional purpose, the number of third parties, what
    refusing means, and the name of the control where the choice is withdrawn (EU-10)."""
    page = await alone.open(case(language))

    shown = await page.locator("consent-banner section").inner_text()
    words = banner_page.texts(language)
    assert "Northwind Outdoor GmbH" in shown
    for key, purpose in words["purposes"].items():
        assert (purpose["title"] in shown) == (key != "necessary")
    assert "(6)" in await act(page, "parties").inner_text()
    assert words["ui"]["banner_consequence"] in shown
    assert words["ui"]["control_label"] in words["ui"]["banner_consequence"]
    assert await page.locator("consent-banner").get_attribute("lang") == language
    assert "{" not in shown
    assert await page.locator("consent-banner a").evaluate_all("all => all.map(a => a.getAttribute('href'))") == [
        "/privacy",
        "/imprint",
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_three_buttons_are_equal(alone: Lab, size: tuple[int, int], scheme: Literal["light", "dark"]) -> None:
    """Accept, reject and choose are buttons of one size, weight, border and pair of colours on the first layer (EU-05)."""
    page = await alone.open(size=size, scheme=scheme)

    looks = await page.evaluate(
        """names => names.map(name => {
          const button = roots().map(r => r.querySelector(`[data-consent=${name}]`)).find(Boolean);
          const { width, height } = button.getBoundingClientRect(), s = getComputedStyle(button);
          return [button.tagName, Math.round(width), Math.round(height), s.fontSize, s.fontWeight, s.color,
            s.backgroundColor, s.borderTopColor, s.borderTopWidth, s.borderRadius, s.opacity, s.textDecorationLine];
        })""",
        list(EQUAL),
    )
    assert looks[0] == looks[1] == looks[2]
    assert looks[0][0] == "BUTTON"


@pytest.mark.parametrize(("action", "letters"), [("accept", GRANTED), ("reject", DENIED)])
async def test_one_click_decides_on_the_first_layer(alone: Lab, action: str, letters: dict[str, str]) -> None:
    """Accepting and refusing each take one click there, close the layer and are said aloud."""
    page = await alone.open()
    await act(page, action).click()

    assert await decisions(page) == [{"purposes": letters, "services": {}, "control": action, "layer": 1}]
    assert await page.locator("consent-banner section").count() == 0
    assert await page.locator("consent-banner [role=status]").inner_text() == "Your choice is saved."


async def test_the_first_layer_takes_no_focus_but_comes_first(alone: Lab) -> None:
    """On load focus stays in the page; Tab then reaches the banner first, and after it the page: no trap."""
    page = await alone.open()
    assert await page.evaluate("document.activeElement === document.body")
    assert await page.evaluate("document.body.firstElementChild.localName") == "consent-banner"

    seen = []
    for _ in range(7):
        await page.keyboard.press("Tab")
        seen.append(await page.evaluate("focused().dataset.consent || focused().getAttribute('href')"))
    assert seen == ["parties", "/privacy", "/imprint", "accept", "reject", "preferences", "#shop"]


async def test_nothing_but_a_button_decides(alone: Lab) -> None:
    """Scrolling, clicking the page, waiting and Esc decide nothing (EU-02, AX-11, AX-15); Esc takes the card away."""
    page = await alone.open(size=PHONE)
    await page.mouse.wheel(0, 400)
    await page.mouse.click(200, 60)
    await page.evaluate("new Promise(done => setTimeout(done, 300))")
    assert await page.locator("consent-banner section").count() == 1

    await act(page, "accept").focus()
    await page.keyboard.press("Escape")
    assert await page.locator("consent-banner section").count() == 0
    assert await page.locator("consent-control button").is_visible()
    assert await decisions(page) == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE, SMALL])
@pytest.mark.parametrize("position", ["bottom", "center"])
async def test_the_banner_never_hides_the_focus_of_the_page(alone: Lab, size: tuple[int, int], position: str) -> None:
    """Whatever is focused in the page stays at least partly clear of the banner (AX-06), and the page's own
    scroll padding comes back when it closes."""
    page = await alone.open(case(position=position), size=size)
    await act(page, "preferences").focus()

    hidden = []
    for _ in range(9):
        await page.keyboard.press("Tab")
        hidden.append(
            await page.evaluate(
                """() => {
                  const a = focused().getBoundingClientRect(), b = roots()[0].querySelector("section").getBoundingClientRect();
                  return [focused().textContent, a.top >= b.top && a.bottom <= b.bottom && a.left >= b.left && a.right <= b.right];
                }"""
            )
        )
    assert [text for text, is_hidden in hidden if is_hidden] == []
    assert await page.evaluate("parseFloat(document.documentElement.style.scrollPaddingBottom)") > 50
    await act(page, "reject").click()
    assert await page.evaluate("document.documentElement.getAttribute('style')") in ("", None)


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
async def test_nothing_in_the_page_moves(alone: Lab, layer: Literal[0, 1, 2], size: tuple[int, int]) -> None:
    """Control, banner, dialog and placeholders shift no layout."""
    body = None if layer else EMBEDS
    page = await alone.open(layer=layer, size=size, body=body, motion="no-preference")
    await page.evaluate("new Promise(done => setTimeout(done, 400))")

    assert await page.evaluate("shifts") == 0


@pytest.mark.parametrize("layer", [1, 2])
@pytest.mark.parametrize("language", ["de", "en"])
async def test_everything_is_reachable_in_a_small_window(alone: Lab, layer: Literal[1, 2], language: str) -> None:
    """At 320 by 256 px there is no sideways scrolling, and each button can be scrolled to and pressed (AX-02)."""
    page = await alone.open(case(language, choice=CHOICE), layer=layer, size=SMALL)

    await unfold(page)
    assert await sideways(page) == []
    for action in EQUAL if layer == 1 else ("save", "accept", "reject", "withdraw", "close"):
        await act(page, action).scroll_into_view_if_needed()
        assert await act(page, action).evaluate(
            """button => {
              const { left, top, width, height } = button.getBoundingClientRect();
              return roots()[0].elementFromPoint(left + width / 2, top + height / 2) === button
                || roots().some(r => r.elementFromPoint(left + width / 2, top + height / 2) === button);
            }"""
        )
    await act(page, "reject").click()
    assert [one["control"] for one in await decisions(page)] == ["reject"]


async def unfold(page: Page) -> None:
    """Open all details of the second layer."""
    await page.evaluate("roots().forEach(root => root.querySelectorAll('details').forEach(one => one.open = true))")


async def sideways(page: Page) -> list[str]:
    """Elements of ours that are wider inside than outside, or that leave the window."""
    found: list[str] = await page.evaluate(
        """() => roots().flatMap(root => [...root.querySelectorAll("*")]).filter(e => {
          const r = e.getBoundingClientRect();
          if (!r.width || e.closest("consent-control") || getComputedStyle(e).clipPath.startsWith("inset")) return false;
          return r.left < -1 || r.right > innerWidth + 1 || (e.clientWidth && e.scrollWidth > e.clientWidth + 1);
        }).map(e => e.outerHTML.slice(0, 80))"""
    )
    return found


@pytest.mark.parametrize("layer", [1, 2])
@pytest.mark.parametrize("language", ["de", "pl"])
async def test_text_at_twice_its_size_fits(alone: Lab, layer: Literal[1, 2], language: str) -> None:
    """With the reader's text size doubled, nothing overflows or is cut off (WCAG 1.4.4)."""
    page = await alone.open(case(language, choice=CHOICE), layer=0, size=PHONE)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Page.setFontSizes", {"fontSizes": {"standard": 32, "fixed": 26}})
    await page.evaluate(f"store.show({layer})")
    await unfold(page)

    size = await act(page, "accept").evaluate("button => getComputedStyle(button).fontSize")
    assert size == "32px"
    assert await sideways(page) == []
    assert await cut(page) == []


@pytest.mark.parametrize("layer", [1, 2])
async def test_spaced_out_text_fits(alone: Lab, layer: Literal[1, 2]) -> None:
    """With the spacing of WCAG 1.4.12 forced on, no text is cut off."""
    page = await alone.open(case("de", choice=CHOICE), layer=layer, size=PHONE)
    await page.evaluate(
        """() => roots().forEach(root => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(`* { line-height: 1.5 !important; letter-spacing: .12em !important;
            word-spacing: .16em !important } p { margin-bottom: 2em !important }`);
          root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
        })"""
    )
    await unfold(page)

    assert await sideways(page) == []
    assert await cut(page) == []


async def cut(page: Page) -> list[str]:
    """Buttons, labels and headings whose text does not fit into them."""
    found: list[str] = await page.evaluate(
        """() => roots().flatMap(root => [...root.querySelectorAll(".do, label, h2, summary, a")])
          .filter(e => e.clientHeight && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1))
          .map(e => e.outerHTML.slice(0, 80))"""
    )
    return found


@pytest.mark.parametrize("layer", [1, 2])
async def test_strict_policies_and_trusted_types_change_nothing(alone: Lab, layer: Literal[1, 2]) -> None:
    """Under nonces and Trusted Types the layers look and work as ever, and no violation is reported."""
    csp = "script-src 'nonce-n0nce'; style-src 'nonce-n0nce'; img-src 'none'; font-src 'none'; require-trusted-types-for 'script'"
    page = await alone.open(layer=layer, csp=csp, body=EMBEDS)
    assert await act(page, "accept").evaluate("b => getComputedStyle(b).backgroundColor") == "rgb(29, 43, 82)"

    await act(page, "reject").click()
    assert len(await decisions(page)) == 1
    assert errors_of(page) == []


async def test_without_constructable_sheets_the_banner_still_works(alone: Lab) -> None:
    """A browser that cannot construct style sheets shows the same banner, by a style element with the page's nonce."""
    page = await alone.open(before="delete CSSStyleSheet.prototype.replaceSync;")

    assert await act(page, "accept").evaluate("b => getComputedStyle(b).backgroundColor") == "rgb(29, 43, 82)"
    await act(page, "reject").click()
    assert len(await decisions(page)) == 1


async def test_right_to_left(alone: Lab) -> None:
    """With `dir` rtl the layers mirror: text begins at the right, the dialog closes at the left, nothing overflows."""
    page = await alone.open(case(dir="rtl"), layer=2, size=PHONE)

    close = await act(page, "close").bounding_box()
    assert close is not None
    assert close["x"] < 40
    assert await sideways(page) == []


async def test_motion_only_for_those_who_want_it(alone: Lab) -> None:
    """Under reduced motion nothing is animated; else the card rises (AX-12)."""
    count = "roots().flatMap(root => root.getAnimations()).length"
    still = await alone.open(motion="reduce")
    moving = await alone.open(motion="no-preference")

    assert await still.evaluate(count) == 0
    assert await moving.evaluate(count) > 0 or await moving.evaluate(
        "roots().some(r => getComputedStyle(r.querySelector('.card') || r.host).animationName == 'rise')"
    )


# The second layer


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
            rounds.append(await page.evaluate("focused().closest('dialog') ? focused().dataset.consent || '' : focused().localName"))
        assert set(rounds) == {"", "close", "save", "accept", "reject", "body"}  # body: the focus is in the browser's own bars
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
    """Where there is a choice, one click withdraws all of it: what was granted is withdrawn, the rest denied (EU-07)."""
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


async def test_texts_are_never_markup(alone: Lab) -> None:
    """Markup in texts of the policy is shown as it was typed, and an address that is not one makes no link."""
    evil = "<img src=x onerror=document.title='owned'>"
    given = case(choice=CHOICE)
    given["banner"]["controller"] = {"name": evil, "privacy_url": "javascript:alert(1)", "imprint_url": ""}
    given["banner"]["texts"] = given["banner"]["texts"] | {"banner_title": evil}
    given["preferences"]["purposes"][1]["services"][0] |= {"name": evil, "description": evil}
    page = await alone.open(given)

    assert evil in await page.locator("consent-banner section").inner_text()
    assert await page.locator("consent-banner a").count() == 0
    await act(page, "preferences").click()
    assert evil in str(await page.locator("dialog").text_content())
    assert await page.title() == "Northwind Outdoor"


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ({"recorded": True, "applied": "now"}, "layer_saved"),
        ({"recorded": True, "applied": "next"}, "layer_next"),
        ({"recorded": False, "applied": "next"}, "layer_unrecorded"),
        ("throw", "layer_unrecorded"),
    ],
)
async def test_what_became_of_the_choice_is_told(alone: Lab, outcome: Any, said: str) -> None:
    """The outcome is said by a status region that was there before; what matters stays seen until it is closed (AX-09)."""
    page = await alone.open(case(outcome=outcome))
    status = page.locator("consent-banner [role=status]")
    assert await status.count() == 1
    await act(page, "accept").click()

    expected = banner_page.texts("en")["ui"][said]
    await status.filter(has_text=expected).wait_for()
    if said != "layer_saved":
        await status.get_by_role("button", name="Close").click()
        assert await status.inner_text() == ""


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


async def test_failing_to_load_the_second_layer_is_told(alone: Lab) -> None:
    """When the second layer cannot be had, the first says so and stays usable."""
    page = await alone.open()
    await page.evaluate("store.show = async () => false")
    await act(page, "preferences").click()
    assert "could not be loaded" in await page.locator("consent-banner [role=status]").inner_text()

    await act(page, "reject").click()
    assert len(await decisions(page)) == 1


# The control


async def test_the_control_opens_what_fits_and_gets_the_focus_back(alone: Lab) -> None:
    """The control opens the second layer where there is a choice, one click from any page, and has the focus after it."""
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


# Placeholders


async def test_a_placeholder_has_the_box_of_what_is_blocked(alone: Lab) -> None:
    """A placeholder lies over the blocked element, follows its size, and pixels get none."""
    page = await alone.open(layer=0, body=EMBEDS)
    await page.locator("consent-placeholder").nth(1).wait_for(state="attached")

    for width in (1280, 700):
        await page.set_viewport_size({"width": width, "height": 800})
        for name in ("video", "post"):
            await page.wait_for_function(
                """name => {
                  const frame = document.getElementById(name), box = frame.nextElementSibling.shadowRoot.querySelector("div");
                  const a = frame.getBoundingClientRect(), b = box.getBoundingClientRect();
                  return ["left", "top", "width", "height"].every(side => Math.abs(a[side] - b[side]) < 1);
                }""",
                arg=name,
            )
    assert await page.locator("consent-placeholder").count() == 2


async def test_a_placeholder_opens_the_choices_at_its_service(alone: Lab) -> None:
    """Its button opens the second layer with the focus on that service's switch; allowing it live takes it away."""
    page = await alone.open(layer=0, body=EMBEDS)
    await page.get_by_role("button", name="Allow YouTube …").click()
    await page.locator("dialog").wait_for()
    assert await page.evaluate("focused().dataset.service") == "video"
    await page.keyboard.press("Space")
    await act(page, "save").click()

    await page.locator("consent-placeholder").nth(1).wait_for(state="detached")
    assert (await decisions(page))[0]["services"] == {"video": "g"}


async def test_what_waits_for_the_next_page_keeps_its_placeholder(alone: Lab) -> None:
    """A service that is allowed only from the next page on is still not there, and neither is its placeholder gone."""
    page = await alone.open(case(outcome={"recorded": True, "applied": "next"}), layer=0, body=EMBEDS)
    await page.get_by_role("button", name="Allow YouTube …").click()
    await act(page, "accept").click()

    assert await page.locator("consent-placeholder").count() == 2


@pytest.mark.parametrize("told", ["https://video.example", "https://video.example/embed/1"])
async def test_a_blocked_frame_is_found_by_its_address(alone: Lab, told: str) -> None:
    """A violation names no element, and may name only an origin: the frames of that origin get their service's placeholder,
    those that may run and those of other origins none."""
    frames = "".join(f'<iframe src="{url}" title="A frame" width="300" height="200"></iframe>' for url in FRAMES)
    page = await alone.open(case(allowed=["posts"]), layer=0, body=f"<main><h1>Frames</h1>{frames}</main>")
    await page.evaluate(
        """told => { for (const url of [told, "https://posts.example", "https://other.example/"]) store.emit("violation",
          { url, directive: "frame-src", element: null, service: null }) }""",
        told,
    )
    await page.locator("consent-placeholder").nth(2).wait_for(state="attached")

    texts = [await one.inner_text() for one in await page.locator("consent-placeholder b").all()]
    assert texts == ["YouTube", "video.example", "other.example"]
    assert await page.get_by_role("button", name="Allow").count() == 1
    assert await page.locator("consent-placeholder").evaluate_all(
        "all => all.map(one => one.previousElementSibling.src)"
    ) == [FRAMES[0], FRAMES[1], FRAMES[3]]


#: A declared service's, another of the same origin, one that may run, an undeclared one, one that is not blocked.
FRAMES = (
    "https://video.example/embed/1",
    "https://video.example/other",
    "https://posts.example/embed/1",
    "https://other.example/map",
    "https://shop.example/own",
)


# Accessibility by machine


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("position", ["bottom", "center"])
async def test_axe_finds_nothing(
    alone: Lab, layer: Literal[0, 1, 2], scheme: Literal["light", "dark"], position: str
) -> None:
    """axe-core, all rules on, finds no violation on either layer, the control and the placeholders, in any theme shipped."""
    page = await alone.open(
        case(position=position, choice=CHOICE if layer == 2 else None),
        layer=layer,
        scheme=scheme,
        body=None if layer else EMBEDS,
    )
    await unfold(page)

    assert await banner_lab.axe(page) == []


@pytest.mark.parametrize("layer", [1, 2])
async def test_forced_colours_leave_everything_visible(alone: Lab, layer: Literal[1, 2]) -> None:
    """In forced colours axe finds nothing, buttons have a border, and switches are the system's own check boxes (AX-12)."""
    page = await alone.open(layer=layer, forced=True)

    assert await banner_lab.axe(page) == []
    style = await act(page, "accept").evaluate(
        "b => { const s = getComputedStyle(b); return [s.borderTopColor, s.borderTopWidth] }"
    )
    assert style[1] == "1px"
    assert style[0].startswith("rgb(")
    if layer == 2:
        assert await page.locator("dialog input").first.evaluate("i => getComputedStyle(i).appearance") == "auto"


@pytest.mark.parametrize("layer", [0, 1, 2])
async def test_targets_are_large_enough(alone: Lab, layer: Literal[0, 1, 2]) -> None:
    """Whatever can be pressed is at least 24 px each way, the main buttons 44 (AX-07)."""
    page = await alone.open(case(choice=CHOICE if layer != 1 else None), layer=layer, size=PHONE)
    await unfold(page)

    small = await page.evaluate(
        """() => roots().flatMap(r => [...r.querySelectorAll("button,a,input,summary")]).filter(e => {
          const { width, height } = e.getBoundingClientRect();
          const least = e.matches(".do, .box, .head button") ? 44 : 24;
          return width && (width < least || height < least);
        }).map(e => e.outerHTML.slice(0, 90))"""
    )
    assert small == []
