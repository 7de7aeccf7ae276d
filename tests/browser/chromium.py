"""Chromium, through Playwright's connection but with our own eyes: what it reports about requests is never used.

Each page is a process with a fresh profile on disk. A shared process with private windows would start faster, but there
Chromium switches off `preconnect` and `dns-prefetch`, and a leak that visitors have would not be seen.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import BrowserContext, CDPSession, Playwright, async_playwright
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page as PlaywrightPage

from tests.browser.driver import ANYONE, Cookie, NoBrowserError, PageError, Profile, World

WAITS: dict[str, Literal["load", "domcontentloaded", "commit"]] = {
    "load": "load",
    "dom": "domcontentloaded",
    "none": "commit",
}
LACKS = {"hiding": "Chromium with a debugger shows every tab as if it were in front: see test_undriven.py"}
GPC_PROPERTY = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {value: true, configurable: true})"

UNDRIVEN = ("--no-first-run", "--password-store=basic", "--disable-popup-blocking")


def arguments(world: World) -> list[str]:
    """Command line: nothing in the background, our key trusted, the recorder's network."""
    flags = [
        "--headless=new",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-domain-reliability",
        "--disable-sync",
        "--metrics-recording-only",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--mute-audio",
        f"--ignore-certificate-errors-spki-list={world.key_hash}",
    ]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    if not world.network.own:
        flags.append(f"--host-resolver-rules=MAP * 127.0.0.1:{world.port}")
    return flags


class ChromiumPage:
    """One tab of one context."""

    def __init__(self, page: PlaywrightPage, devtools: CDPSession, errors: list[str]) -> None:
        self._page = page
        self._devtools = devtools
        self._errors = errors
        self.folder: Path | None = None
        self.open_again: Callable[[], Awaitable[BrowserContext]] | None = None

    async def goto(self, url: str, *, wait: Literal["load", "dom", "none"] = "load") -> None:
        try:
            await self._page.goto(url, wait_until=WAITS[wait], timeout=20_000)
        except PlaywrightError as error:
            raise PageError(f"{url}: {error.message}") from error

    async def eval(self, script: str) -> Any:
        """Through the inspector, which no page's policy can forbid (Playwright's own way is `eval`)."""
        asked = {"expression": script, "awaitPromise": True, "returnByValue": True, "userGesture": True}
        try:
            answer = await self._devtools.send("Runtime.evaluate", asked)
        except PlaywrightError as error:
            raise PageError(error.message) from error
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise PageError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    async def click(self, css: str) -> None:
        try:
            await self._page.locator(css).locator("visible=true").first.click(timeout=5_000)
        except PlaywrightError as error:
            raise PageError(f"click {css}: {error.message}") from error

    async def type(self, css: str, text: str) -> None:
        await self._page.locator(css).first.click(timeout=5_000)
        await self._page.keyboard.type(text)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self._page.keyboard.press(key)

    async def viewport(self, width: int, height: int) -> None:
        await self._page.set_viewport_size({"width": width, "height": height})

    async def cookies(self) -> list[Cookie]:
        return [
            Cookie(
                name=cookie["name"],
                value=cookie["value"],
                domain=cookie["domain"],
                path=cookie["path"],
                expires=cookie["expires"],
                http_only=cookie["httpOnly"],
                secure=cookie["secure"],
                same_site=cookie["sameSite"],
            )
            for cookie in await self._page.context.cookies()
        ]

    async def set_cookie(self, cookie: Cookie) -> None:
        asked: dict[str, Any] = {"name": cookie.name, "value": cookie.value, "domain": cookie.domain}
        asked |= {"path": cookie.path, "expires": cookie.expires, "secure": cookie.secure}
        await self._page.context.add_cookies([asked])  # type: ignore[list-item]  # a TypedDict by its keys

    async def restart(self) -> None:
        """The process ends, and another one begins with the same folder."""
        assert self.open_again is not None, "only the first tab knows how it was opened"
        await self._page.context.close()
        fresh = await dress((await self.open_again()).pages[0], self._errors)
        self._page, self._devtools = fresh._page, fresh._devtools

    async def disguise(self, agent: str, metadata: dict[str, Any]) -> None:
        """From now on it is another device: its user agent, and what its Client Hints say (CDP UserAgentMetadata)."""
        asked = {"userAgent": agent, "userAgentMetadata": metadata}
        await self._devtools.send("Emulation.setUserAgentOverride", asked)

    async def back(self) -> None:
        await self._travel(-1)

    async def forward(self) -> None:
        await self._travel(1)

    async def _travel(self, steps: int) -> None:
        """By the page's own history: Playwright's verb waits for events that a cached page never sends."""
        here = "location.href + ' ' + performance.timeOrigin"
        before = await self.eval(here)
        await self.eval(f"void history.go({steps})")
        for _ in range(200):
            await asyncio.sleep(0.02)
            try:
                if await self.eval(here) != before and await self.eval("document.readyState") == "complete":
                    return
            except PageError:
                continue
        raise PageError(f"history.go({steps}) led nowhere")

    async def reload(self) -> None:
        await self._page.reload(timeout=20_000)

    async def tab(self) -> "ChromiumPage":
        return await dress(await self._page.context.new_page(), self._errors)

    async def screenshot(self) -> bytes:
        return await self._page.screenshot()

    def errors(self) -> list[str]:
        return list(self._errors)

    async def close(self) -> None:
        if self.folder is None:
            await self._page.close()
            return
        await self._page.context.close()
        shutil.rmtree(self.folder, ignore_errors=True)


async def dress(page: PlaywrightPage, errors: list[str]) -> ChromiumPage:
    page.on("pageerror", lambda error: errors.append(f"uncaught: {error}"))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    return ChromiumPage(page, await page.context.new_cdp_session(page), errors)


class Chromium:
    """Starts a process for each profile."""

    name = "chromium"

    def __init__(self, playwright: Playwright, binary: str | None, world: World) -> None:
        self.lacks = LACKS
        self.version = ""
        self._playwright = playwright
        self._binary = binary
        self._arguments = arguments(world)

    async def page(self, profile: Profile = ANYONE) -> ChromiumPage:
        folder = Path(tempfile.mkdtemp(prefix="consent-chromium-"))

        async def start() -> BrowserContext:
            context = await self._context(profile, folder)
            if profile.gpc:
                await context.add_init_script(GPC_PROPERTY)
            return context

        context = await start()
        self.version = context.browser.version if context.browser else self.version
        page = await dress(context.pages[0], [])
        page.folder, page.open_again = folder, start
        return page

    def command(self, folder: Path) -> list[str]:
        """What starts it with a profile in that folder, and nobody attached."""
        binary = self._binary or self._playwright.chromium.executable_path
        return [binary, *self._arguments, *UNDRIVEN, f"--user-data-dir={folder}"]

    async def _context(self, profile: Profile, folder: Path) -> BrowserContext:
        return await self._playwright.chromium.launch_persistent_context(
            folder,
            executable_path=self._binary,
            args=self._arguments,
            ignore_default_args=["--disable-back-forward-cache", "--headless", "--enable-automation"],
            viewport={"width": profile.viewport[0], "height": profile.viewport[1]},
            java_script_enabled=profile.javascript,
            color_scheme=profile.colour_scheme,
            reduced_motion="reduce" if profile.reduced_motion else "no-preference",
            forced_colors="active" if profile.forced_colours else "none",
            locale=profile.language,
            extra_http_headers={"Sec-GPC": "1"} if profile.gpc else {},
        )

    async def close(self) -> None:
        await self._playwright.stop()


async def launch(world: World) -> Chromium:
    """Find Debian's `chromium`, the one named by `CHROMIUM`, or Playwright's own, and see that it starts."""
    binary = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    chromium = Chromium(await async_playwright().start(), binary, world)
    try:
        page = await chromium.page()
    except PlaywrightError as error:
        await chromium.close()
        reason = error.message.splitlines()[0]
        raise NoBrowserError(f"Chromium: {reason} (install chromium, or name it in CHROMIUM)") from error
    await page.close()
    return chromium
