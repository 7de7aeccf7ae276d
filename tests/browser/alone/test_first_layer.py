"""The first layer: what it tells, what its three buttons do, and that nothing else decides."""

from typing import Any, Literal

import pytest

from tests.browser.alone.lab import DESKTOP, PHONE, SMALL, Lab, act, decisions
from tests.browser.alone.page import DENIED, GRANTED, LANGUAGES, case, texts

pytestmark = pytest.mark.browser

SIZES = [DESKTOP, PHONE, SMALL, (320, 640)]
EQUAL = ("accept", "reject", "preferences")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_first_layer_tells_who_asks_what_for_how_many_and_how_to_withdraw(alone: Lab, language: str) -> None:
    """In every language the first layer holds the controller, each optional purpose, the number of third parties, what
    refusing means, and the name of the control where the choice is withdrawn (EU-10)."""
    page = await alone.open(case(language))

    shown = await page.locator("consent-banner section").inner_text()
    words = texts(language)
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
    """Accept, reject and choose are buttons of one size, weight, border and pair of colours (EU-05)."""
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
                  const [a, b] = [focused(), roots()[0].querySelector("section")].map(e => e.getBoundingClientRect());
                  const inside = a.top >= b.top && a.bottom <= b.bottom && a.left >= b.left && a.right <= b.right;
                  return [focused().textContent, inside];
                }"""
            )
        )
    assert [text for text, is_hidden in hidden if is_hidden] == []
    assert await page.evaluate("parseFloat(document.documentElement.style.scrollPaddingBottom)") > 50
    await act(page, "reject").click()
    assert await page.evaluate("document.documentElement.getAttribute('style')") in ("", None)


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
    """A status region that was there before says the outcome; what matters stays seen until it is closed (AX-09)."""
    page = await alone.open(case(outcome=outcome))
    status = page.locator("consent-banner [role=status]")
    assert await status.count() == 1
    await act(page, "accept").click()

    expected = texts("en")["ui"][said]
    await status.filter(has_text=expected).wait_for()
    if said != "layer_saved":
        await status.get_by_role("button", name="Close").click()
        assert await status.inner_text() == ""


async def test_the_first_layer_looks_the_same_after_the_second(alone: Lab) -> None:
    """The style sheets of the layers do not reach into each other."""
    looks = """() => [...roots().find(r => r.querySelector(".ask")).querySelectorAll(".ask *")].map(e => {
      const s = getComputedStyle(e), { width, height } = e.getBoundingClientRect();
      return [e.localName, s.color, s.font, s.margin, s.padding, s.display, s.cursor, width, height].join();
    })"""
    page = await alone.open()
    before = await page.evaluate(looks)
    await act(page, "preferences").click()
    await act(page, "close").click()
    await page.locator("dialog").wait_for(state="detached")

    assert await page.evaluate(looks) == before


async def test_failing_to_load_the_second_layer_is_told(alone: Lab) -> None:
    """When the second layer cannot be had, the first says so and stays usable."""
    page = await alone.open()
    await page.evaluate("store.show = async () => false")
    await act(page, "preferences").click()
    assert "could not be loaded" in await page.locator("consent-banner [role=status]").inner_text()

    await act(page, "reject").click()
    assert len(await decisions(page)) == 1
