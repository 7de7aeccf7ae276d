"""What stands where something is blocked."""

import pytest

from tests.browser.alone.lab import Lab, act, decisions
from tests.browser.alone.page import EMBEDS, case

pytestmark = pytest.mark.browser


#: A declared service's, another of the same origin, one that may run, an undeclared one, one that is not blocked.
FRAMES = (
    "https://video.example/embed/1",
    "https://video.example/other",
    "https://posts.example/embed/1",
    "https://other.example/map",
    "https://shop.example/own",
)


async def test_a_placeholder_has_the_box_of_what_is_blocked(alone: Lab) -> None:
    """A placeholder lies over the blocked element, follows its size, and pixels get none."""
    page = await alone.open(layer=0, body=EMBEDS)
    await page.locator("consent-placeholder").nth(1).wait_for(state="attached")

    for width in (1280, 700):
        await page.set_viewport_size({"width": width, "height": 800})
        for name in ("video", "post"):
            await page.wait_for_function(
                """name => {
                  const frame = document.getElementById(name), { shadowRoot } = frame.nextElementSibling;
                  const [a, b] = [frame, shadowRoot.querySelector("div")].map(e => e.getBoundingClientRect());
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
    """A violation names no element, and may name only an origin: the frames of that origin get their
    service's placeholder, those that may run and those of other origins none."""
    frames = "".join(f'<iframe src="{url}" title="A frame" width="300" height="200"></iframe>' for url in FRAMES)
    page = await alone.open(case(allowed=["posts"]), layer=0, body=f"<main><h1>Frames</h1>{frames}</main>")
    await page.evaluate(
        """told => [told, "https://posts.example", "https://other.example/"].forEach(url => store.emit("violation",
          { url, directive: "frame-src", element: null, service: null }))""",
        told,
    )
    await page.locator("consent-placeholder").nth(2).wait_for(state="attached")

    names = [await one.inner_text() for one in await page.locator("consent-placeholder b").all()]
    assert names == ["YouTube", "video.example", "other.example"]
    assert await page.get_by_role("button", name="Allow").count() == 1
    assert await page.locator("consent-placeholder").evaluate_all(
        "all => all.map(one => one.previousElementSibling.src)"
    ) == [FRAMES[0], FRAMES[1], FRAMES[3]]
