"""How the service's own pages look in Firefox, and where pictures of them go."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from tests.browser import firefox
from tests.browser.driver import Cookie, Profile, World
from tests.browser.net import Network

Scheme = Literal["light", "dark"]
PICTURES = os.environ.get("CONSENT_PICTURES", "")
"""A folder for a picture of every page in every mode; empty: none are taken."""

FLAT = "[...document.querySelectorAll('svg.plot')].filter((one) => one.getBoundingClientRect().width < 90).length"
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def picture(path: str, *mode: object) -> Path:
    """The file for a page's picture."""
    return Path(PICTURES) / ("-".join(map(str, (path.strip("/").replace("/", "_").replace("?", "_"), *mode))) + ".png")


async def firefox_finds(
    origin: str, cookies: Iterable[Cookie], paths: Iterable[str], width: int, scheme: Scheme
) -> list[str]:
    """What is wrong with these pages in Firefox: sideways scrolling, flat charts, nothing on the page, the other
    scheme, errors in the console (but of an answer that is meant to be 404 or 422). Raises `NoBrowserError`."""
    browser = await firefox.launch(World(Network(own=True)))
    page = await browser.page(Profile(colour_scheme=scheme))
    await page.goto(f"{origin}/livez")
    for cookie in cookies:
        await page.set_cookie(cookie)
    found = []
    for path in paths:
        await page.viewport(width, 800)
        await page.goto(origin + path)
        if await page.eval(SIDEWAYS) > 0:
            found.append(f"{path} is wider than {width}")
        if await page.eval(FLAT):
            found.append(f"{path}: a chart is flat")
        if await page.eval("document.querySelector('h1, .empty') === null"):
            found.append(f"{path} is empty")
        if await page.eval("matchMedia('(prefers-color-scheme: dark)').matches") != (scheme == "dark"):
            found.append(f"{path} is not {scheme}")
        if PICTURES:
            await page.viewport(width, await page.eval("document.documentElement.scrollHeight"))
            picture(path, width, scheme, "firefox").write_bytes(await page.screenshot())
    found += [error for error in page.errors() if "404" not in error and "422" not in error]
    await browser.close()
    return found
