"""From the first start to signing out in a real browser: by keyboard, in every mode, with nothing that axe finds."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from tests.accounts import people
from tests.browser.alone.lab import axe, launch
from tests.browser.driver import Cookie, NoBrowserError
from tests.browser.looks import PICTURES, SIDEWAYS, firefox_finds, picture

pytestmark = pytest.mark.browser

PAGES = (
    "/account", "/account/authenticator", "/account/tokens", "/account/confirm", "/account/letters", "/operators",
    "/operators/demo", "/access", "/access/demo", "/account/sign-in", "/account/link/used-up",
)  # fmt: skip
FIREFOX = [(1280, "light"), (1280, "dark"), (400, "light"), (400, "dark")]
MODES = [((1280, 900), "light"), ((1280, 900), "dark"), ((360, 740), "light"), ((360, 740), "dark")]

EMAIL = "owner@shop.example"


class Started(NamedTuple):
    """A service that was started for the first time."""

    origin: str
    link: str


@pytest.fixture(scope="module")
async def started(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Started]:
    """`consent serve` in an empty folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONSENT_")}
    command = str(Path(sys.executable).with_name("consent"))
    process = await asyncio.create_subprocess_exec(
        command, "serve", "--port", "0", "--json", cwd=tmp_path_factory.mktemp("start"),
        stdout=asyncio.subprocess.PIPE, env=environment,
    )  # fmt: skip
    assert process.stdout is not None
    told = json.loads(await process.stdout.readline())
    yield Started(told["account_link"].partition("/account/")[0], told["account_link"])
    process.terminate()
    await process.wait()


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await launch(playwright)
        yield browser
        await browser.close()


async def opened(browser: Browser, size: tuple[int, int], scheme: Any, state: Any = None) -> tuple[Page, list[str]]:
    """A page, and what its console complains of."""
    context = await browser.new_context(
        viewport=ViewportSize(width=size[0], height=size[1]), color_scheme=scheme, storage_state=state
    )
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    return page, errors


@pytest.fixture(scope="module")
async def owner(chromium: Browser, started: Started) -> Any:
    """The owner's cookies, after the first link was used by keyboard alone."""
    page, errors = await opened(chromium, (1280, 900), "light")
    await page.goto(started.link)
    await expect(page.locator("#f-email")).to_be_focused()  # `autofocus` comes a moment after the page's load
    for text in (EMAIL, people.PASSWORD, people.PASSWORD):
        await page.keyboard.type(text)
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_url(lambda url: "/account/link" not in url)
    await expect(page.locator(".who")).to_have_text(EMAIL)
    assert errors == []
    state = await page.context.storage_state()
    await page.context.close()
    return state


async def invite(page: Page, started: Started, folder: Path) -> None:
    """Two people from a file that is chosen in the form."""
    path = folder / "people.csv"
    path.write_text(
        "Name;Address;Role\nAnn;ann.with.a.rather.long.name@customer-care.shop.example;auditor\nBob;bob@shop.example;\n"
    )
    await page.goto(f"{started.origin}/operators")
    await page.set_input_files("#f-file", path)
    await expect(page.locator("#f-people")).to_have_value(re.compile("bob@"))
    await page.click("text=Invite them all")
    await page.wait_for_selector("text=Hand them this link")


async def test_axe_finds_nothing(chromium: Browser, started: Started, owner: Any, tmp_path: Path) -> None:
    """All its rules on every page of this room, wide and narrow, light and dark; no error in the console."""
    found: list[str] = []
    for number, (size, scheme) in enumerate(MODES):
        page, errors = await opened(chromium, size, scheme, owner)
        if number == 0:
            await invite(page, started, tmp_path)
        for path in PAGES:
            await page.goto(started.origin + path)
            await page.evaluate("document.querySelectorAll('main details').forEach((one) => (one.open = true))")
            if PICTURES:
                await page.screenshot(path=picture(path, size[0], scheme), full_page=True)
            if await page.evaluate(SIDEWAYS) > 0:
                found.append(f"{path} is wider than the window of {size[0]}")
            found += [f"{path} {one}" for one in await axe(page)]
        found += [error for error in errors if "404" not in error]  # the link that was used up
        await page.context.close()

    assert found == [], "\n".join(found)


@pytest.mark.parametrize(("width", "scheme"), FIREFOX)
async def test_firefox_shows_every_page(
    started: Started, owner: Any, width: int, scheme: Literal["light", "dark"]
) -> None:
    """The same pages in the other engine: nothing is empty or wider than the window, no error."""
    cookies = [Cookie(one["name"], one["value"], "127.0.0.1") for one in owner["cookies"]]
    try:
        found = await firefox_finds(started.origin, cookies, PAGES, width, scheme)
    except NoBrowserError as error:
        pytest.skip(str(error))

    assert found == []


async def test_signing_out_and_in(chromium: Browser, started: Started, owner: Any) -> None:
    """The menu signs out; a page leads to signing in and back to it; a wrong password says so and keeps the address."""
    page, _ = await opened(chromium, (360, 740), "dark")
    await page.goto(f"{started.origin}/account")
    assert page.url == f"{started.origin}/account/sign-in?to=%2Faccount"
    await page.fill("#f-email", EMAIL)
    await page.fill("#f-password", "not the password")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("[role=alert]")
    assert await page.input_value("#f-email") == EMAIL
    await page.fill("#f-password", people.PASSWORD)
    await page.check("#f-remember")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{started.origin}/account")
    cookies = {one["name"]: one for one in await page.context.cookies()}
    assert {one["httpOnly"] for one in cookies.values()} == {True}
    assert {one["sameSite"] for one in cookies.values()} == {"Strict"}
    await page.click("header .menu.end summary")
    await page.click("text=Sign out")
    await page.wait_for_selector("text=You are signed out")
    kept = {one["name"] for one in await page.context.cookies()}

    assert kept == {"consent-email"}
    assert await page.input_value("#f-email") == EMAIL
    await page.go_back()
    await page.wait_for_url("**/account/sign-in**")
    await page.context.close()


async def test_a_foreign_page_cannot_act(chromium: Browser, started: Started, owner: Any, tmp_path: Path) -> None:
    """A form on another page, sent by a browser that is signed in, comes without the cookie and changes nothing."""
    page, _ = await opened(chromium, (1280, 900), "light", owner)
    (tmp_path / "evil.html").write_text(
        f'<form method="post" action="{started.origin}/account/sessions/end"><button>Win</button></form>'
    )
    await page.goto((tmp_path / "evil.html").as_uri())
    async with page.expect_response("**/account/sessions/end") as answer:
        await page.click("text=Win")

    led = (await (await answer.value).all_headers())["location"]
    assert led.startswith("/account/sign-in")  # the browser kept the cookie back: nobody did anything
    await page.context.close()
