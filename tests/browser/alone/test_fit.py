"""Both layers in small windows, large text, other directions, forced colours, under axe, and under strict policies."""

from typing import Literal

import pytest

from tests.browser.alone.lab import DESKTOP, PHONE, SMALL, Lab, act, axe, cut, decisions, errors_of, sideways, unfold
from tests.browser.alone.page import CHOICE, EMBEDS, case

pytestmark = pytest.mark.browser

EQUAL = ("accept", "reject", "preferences")


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("position", ["bottom", "center"])
async def test_axe_finds_nothing(
    alone: Lab, layer: Literal[0, 1, 2], scheme: Literal["light", "dark"], position: str
) -> None:
    """axe-core, all rules on, finds no violation on layers, control and placeholders in any theme shipped."""
    page = await alone.open(
        case(position=position, choice=CHOICE if layer == 2 else None),
        layer=layer,
        scheme=scheme,
        body=None if layer else EMBEDS,
    )
    await unfold(page)

    assert await axe(page) == []


@pytest.mark.parametrize("layer", [1, 2])
async def test_forced_colours_leave_everything_visible(alone: Lab, layer: Literal[1, 2]) -> None:
    """In forced colours axe finds nothing, buttons have a border, switches are the system's check boxes (AX-12)."""
    page = await alone.open(layer=layer, forced=True)

    assert await axe(page) == []
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
    assert size == "30px"
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


@pytest.mark.parametrize("layer", [1, 2])
async def test_strict_policies_and_trusted_types_change_nothing(alone: Lab, layer: Literal[1, 2]) -> None:
    """Under nonces and Trusted Types the layers look and work as ever, and no violation is reported."""
    csp = "script-src 'nonce-n0nce'; style-src 'nonce-n0nce'; img-src 'none'; require-trusted-types-for 'script'"
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
