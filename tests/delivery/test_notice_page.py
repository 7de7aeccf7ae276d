"""The page of a notice in a real browser: both layers as they were, and nothing that leaves the frame."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Frame, Page, async_playwright

from consent.db import Database
from consent.delivery.notice_page import render_notice
from consent.delivery.notices import code_of_this_software, notices_of
from consent.policy.queries import Version
from tests.delivery.conftest import Running, running
from tests.policy.site import resolved

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
HOSTILE = "</script><script>top.hit=1</script><img src=/hit onerror=top.hit=1><!--"
POLICY = f"""
[services.youtube]
[texts.en]
banner_title = "One {HOSTILE}"
banner_title_opt_out = "Two {HOSTILE}"
preferences_title = "Three {HOSTILE}"
preferences_title_opt_out = "Four {HOSTILE}"
"""

pytestmark = pytest.mark.browser


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium, Debian's or the one named by `CHROMIUM`."""
    if CHROMIUM is None:
        pytest.skip("Chromium was not found (install chromium, or name it in CHROMIUM)")
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        await made.close()


class Visit:
    """A page that notes what it asks of the network, and what goes wrong in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("popup", lambda _: self.errors.append("a window opened"))

    async def open(self, url: str) -> list[Frame]:
        await self.page.goto(url)
        frames = self.page.frames[1:]
        for frame, layer in zip(frames, ("section", "dialog", "section", "dialog"), strict=True):
            await frame.wait_for_selector(f"consent-banner {layer}")
        return frames


async def notice_of(service: Running) -> str:
    await service.publish(resolved(POLICY))
    listed = (await service.client.get("/n/shop")).json()["notices"]
    return str(next(one["hash"] for one in listed if one["kind"] == "layers"))


async def test_the_layers_are_shown_as_they_were(db: Database, browser: Browser) -> None:
    """Both layers come up for each model of law, with every text as text, though nothing but the page was asked for."""
    async with running(db) as service:
        url = f"{service.config.base_url}/n/shop/{await notice_of(service)}"
        visit = Visit(await browser.new_page())
        frames = await visit.open(url)
        titles = [await frame.locator("h2").inner_text() for frame in frames]
        buttons = [await frame.locator("button.do").all_inner_texts() for frame in frames]

        assert titles == [f"{word} {HOSTILE}" for word in ("One", "Three", "Two", "Four")]
        assert buttons[0] == ["Accept all", "Reject all", "Choose"]
        assert buttons[1] == ["Save choices", "Accept all", "Reject all"]
        assert "Opt out of all" in buttons[2]
        assert [await box.is_checked() for box in await frames[1].locator("input").all()] == [False] * 5
        assert await visit.page.evaluate("[window.hit, scrollY]") == [None, 0]
        assert (visit.asked, visit.errors) == ([url], [])


async def test_the_frames_reach_nothing(db: Database, browser: Browser) -> None:
    """Every button may be pressed: nothing is posted, stored, opened or recorded, and no frame goes elsewhere."""
    async with running(db) as service:
        url = f"{service.config.base_url}/n/shop/{await notice_of(service)}"
        visit = Visit(await browser.new_page())
        frames = await visit.open(url)
        await frames[0].locator("consent-banner a").first.click()
        await frames[0].locator("[data-consent=accept]").click()
        await frames[1].locator("input").first.click()
        await frames[1].locator("[data-consent=save]").click()
        await frames[2].locator("[data-consent=reject]").click()
        for frame in (frames[0], frames[1], frames[2]):
            await frame.wait_for_function("document.querySelector('consent-banner').shadowRoot.querySelector('p.box')")
        tried = await frames[3].evaluate(
            """async () => {
                const failed = [];
                const ways = [() => localStorage.x = 1, () => top.document.title, () => document.cookie = "x=1"];
                for (const way of ways) try { way(); } catch { failed.push("closed"); }
                await fetch("/livez").catch(() => failed.push("no network"));
                return failed;
            }"""
        )

        assert tried == ["closed", "closed", "closed", "no network"]
        assert visit.asked == [url]
        assert [frame.url for frame in visit.page.frames] == [url, *["about:srcdoc"] * 4]
        assert await visit.page.evaluate("[document.cookie, localStorage.length]") == ["", 0]
        assert await service.records() == []


async def test_a_file_shows_the_same(tmp_path: Path, browser: Browser) -> None:
    """The page that `consent notice show --html` writes carries its policy itself, and works from a disk."""
    [layers, _] = notices_of(Version(1, 1, "", "", resolved(POLICY), 1))
    page = render_notice(layers, code_of_this_software(), versions={1: 1}, address="x.json", alone=True)
    file = tmp_path / "notice.html"
    file.write_text(page.html, "utf-8")
    visit = Visit(await browser.new_page())
    frames = await visit.open(file.as_uri())

    assert await frames[0].locator("h2").inner_text() == f"One {HOSTILE}"
    assert await frames[0].evaluate("fetch('https://example.com/').then(() => 1, () => 0)") == 0
    assert (len(visit.asked), visit.errors) == (1, [])
