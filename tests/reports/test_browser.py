"""Every page in real browsers: no error, nothing that axe finds, nothing wider than the window, all by keyboard."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from consent.config import Config
from consent.telemetry.store import open_telemetry
from tests.browser.alone.lab import axe, launch
from tests.browser.driver import Cookie, NoBrowserError
from tests.browser.looks import PICTURES, SIDEWAYS, Scheme, firefox_finds, picture
from tests.records.shop import config_in, open_shop, publish_shop
from tests.reports import hostile
from tests.reports.served import owner, serving

pytestmark = pytest.mark.browser

SITE = "shop"
TEXTS = ["DE", "FR", "www.shop.example/lamps/a-very-long-name-that-goes-on-and-on-and-on/until-it-ends", "given"]
PAGES = (
    "/sites/", f"/sites/{SITE}/overview", f"/sites/{SITE}/overview?days=365", f"/sites/{SITE}/consent?against=before",
    f"/sites/{SITE}/consent?by=control&version=2&against=version-1", f"/sites/{SITE}/log", f"/sites/{SITE}/visits",
    f"/sites/{SITE}/visits?by=page", f"/sites/{SITE}/visitors", f"/sites/{SITE}/services", f"/sites/{SITE}/health",
    f"/sites/{SITE}/site", "/sites/quiet/overview", "/sites/quiet/log", "/sites/quiet/visits", "/sites/quiet/services",
    "/sites/quiet/health", f"/sites/{SITE}/overview?days=0",
)  # fmt: skip


class Desk(NamedTuple):
    """Where the pages are, and who is signed in."""

    origin: str
    cookie: tuple[str, str]
    paths: tuple[str, ...]


@pytest.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """A service with a site that has something of everything, and one that has nothing."""
    config = config_in(tmp_path_factory.mktemp("browser"))
    await hostile.fill(config, SITE, TEXTS)
    async with open_shop(config) as db:
        await publish_shop(db, key="quiet")
    cookie = await owner(config)
    async with serving(config) as origin:
        yield Desk(origin, cookie, (*PAGES, *await _one_by_one(config)))


async def _one_by_one(config: Config) -> list[str]:
    """The record and the visitor with the longest words."""
    async with open_shop(config) as db:
        records = await db.fetch("select id from consent_record order by length(receipt) desc limit 1")
    telemetry = await open_telemetry(config)
    visitors = await telemetry.fetch("select id from visitor order by length(customer) desc limit 1")
    await telemetry.close()
    return [f"/sites/{SITE}/log/{records[0]['id']}", f"/sites/{SITE}/visitors/{visitors[0]['id']}"]


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        yield browser
        await browser.close()


async def opened(browser: Browser, desk: Desk, size: tuple[int, int], scheme: Any = "light") -> tuple[Page, list[str]]:
    """A page of somebody who is signed in, and what its console complains of."""
    context = await browser.new_context(
        viewport=ViewportSize(width=size[0], height=size[1]), color_scheme=scheme, reduced_motion="reduce"
    )
    await context.add_cookies([{"name": desk.cookie[0], "value": desk.cookie[1], "url": desk.origin}])
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    return page, errors


MODES = [
    ((1280, 900), "light"),
    ((360, 740), "dark"),
    pytest.param((1280, 900), "dark", marks=pytest.mark.slow),
    pytest.param((360, 740), "light", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("size", "scheme"), MODES)
async def test_axe_finds_nothing(chromium: Browser, desk: Desk, size: tuple[int, int], scheme: str) -> None:
    """All its rules, on every page, with everything folded out; and nothing is wider than the window."""
    page, errors = await opened(chromium, desk, size, scheme)
    found: list[str] = []
    for path in desk.paths:
        await page.goto(desk.origin + path)
        if PICTURES:
            await page.screenshot(path=picture(path, size[0], scheme), full_page=True)
        if await page.evaluate(SIDEWAYS) > 0:
            found.append(f"{path} is wider than the window")
        await page.evaluate("document.querySelectorAll('main details').forEach((one) => (one.open = true))")
        found += [f"{path} {one}" for one in await axe(page)]
    await page.context.close()

    assert found == []
    assert [error for error in errors if "422" not in error] == []


async def test_everything_can_be_reached_by_keyboard(chromium: Browser, desk: Desk) -> None:
    """The first stop skips the menu; menus open with Enter and close with Escape, and focus stays where it was."""
    page, _ = await opened(chromium, desk, (1280, 900))
    await page.goto(f"{desk.origin}/sites/{SITE}/overview")
    await page.keyboard.press("Tab")
    await expect(page.locator(".skip")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#content")).to_be_focused()

    await page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    await page.goto(f"{desk.origin}/sites/{SITE}/overview")
    wanted = await page.evaluate(
        "[...document.querySelectorAll('a[href], button, input, select, summary, [tabindex=\"0\"]')]"
        ".filter((one) => one.checkVisibility() && !one.hidden).length"
    )
    reached = set()
    for _ in range(wanted + 2):
        await page.keyboard.press("Tab")
        reached.add(await page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)"))
    assert len(reached) >= wanted

    await page.locator(".top .menu.end summary").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator(".top .menu.end[open]")).to_have_count(1)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Escape")
    await expect(page.locator(".menu[open]")).to_have_count(0)
    await expect(page.locator(".top .menu.end summary")).to_be_focused()
    await page.context.close()


@pytest.mark.parametrize("path", ["site", "consent?by=browser", "overview?days=365"])
async def test_on_a_phone_the_link_of_the_page_is_in_view(chromium: Browser, desk: Desk, path: str) -> None:
    """Rows of links are wider than a phone; the one that says where one is stands within the window."""
    page, _ = await opened(chromium, desk, (360, 740))
    await page.goto(f"{desk.origin}/sites/{SITE}/{path}")
    links = page.locator(".side [aria-current], .tabs [aria-current]")

    assert await links.count() > 0
    for link in await links.all():
        await expect(link).to_be_in_viewport(ratio=0.95)
    await page.context.close()


async def test_the_theme_is_switched_and_kept(chromium: Browser, desk: Desk) -> None:
    """One button turns light to dark, and the next page comes dark at once."""
    page, errors = await opened(chromium, desk, (1280, 900))
    colour = "getComputedStyle(document.body).backgroundColor"
    await page.goto(f"{desk.origin}/sites/{SITE}/overview")
    light = await page.evaluate(colour)
    await page.click("[data-theme-switch]")
    dark = await page.evaluate(colour)
    await page.goto(f"{desk.origin}/sites/{SITE}/log")

    assert light != dark == await page.evaluate(colour)
    assert errors == []
    await page.context.close()


async def test_pages_work_without_script(chromium: Browser, desk: Desk) -> None:
    """Figures, menus and filters are there all the same; buttons that need script are not."""
    context = await chromium.new_context(java_script_enabled=False)
    await context.add_cookies([{"name": desk.cookie[0], "value": desk.cookie[1], "url": desk.origin}])
    page = await context.new_page()
    await page.goto(f"{desk.origin}/sites/{SITE}/consent")
    await page.locator("select[name=against]").select_option("before")
    await page.get_by_role("button", name="Show", exact=True).last.click()

    await page.wait_for_url("**against=before**")
    assert await page.locator("[data-theme-switch]").is_hidden()
    assert await page.locator("tbody tr").count() > 0
    await context.close()


async def test_it_prints(chromium: Browser, desk: Desk) -> None:
    """On paper there is no menu, and the figures stand under their charts."""
    page, _ = await opened(chromium, desk, (1280, 900))
    await page.goto(f"{desk.origin}/sites/{SITE}/overview")
    await page.evaluate("dispatchEvent(new Event('beforeprint'))")
    await page.emulate_media(media="print")

    assert await page.locator(".side").is_hidden()
    assert await page.locator("details.behind table").first.is_visible()
    assert len(await page.pdf()) > 10_000
    await page.context.close()


FIREFOX = [
    (1280, "light"),
    (400, "dark"),
    pytest.param(1280, "dark", marks=pytest.mark.slow),
    pytest.param(400, "light", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("width", "scheme"), FIREFOX)
async def test_firefox_shows_every_page(desk: Desk, width: int, scheme: Scheme) -> None:
    """The same pages in the other engine: charts have a size, nothing is wider than the window, no error."""
    cookies = [Cookie(*desk.cookie, "127.0.0.1")]
    try:
        found = await firefox_finds(desk.origin, cookies, desk.paths, width, scheme)
    except NoBrowserError as error:
        pytest.skip(str(error))

    assert found == []
