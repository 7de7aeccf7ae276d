"""One small interface over the browsers. Each page lives in a profile of its own, with no cookie of another test."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from tests.browser.net import Network

Shape = tuple[int, int]


class NoBrowserError(Exception):
    """This browser is not to be had here. The message says why, and is printed with the skip."""


class PageError(Exception):
    """The page, or the browser, refused what was asked of it."""


@dataclass(frozen=True)
class Profile:
    """How the visitor's browser is set up. Not every browser can do everything: see `Browser.lacks`."""

    javascript: bool = True
    gpc: bool = False
    colour_scheme: Literal["light", "dark"] = "light"
    reduced_motion: bool = False
    forced_colours: bool = False
    viewport: Shape = (1280, 800)
    language: str = "en"


@dataclass(frozen=True)
class World:
    """What a browser needs to know to live in the recorder's network."""

    network: Network
    port: int = 0
    key_hash: str = ""


@dataclass
class Cookie:
    """A cookie as the browser holds it. `expires`: seconds since 1970, -1 for one that ends with the browser."""

    name: str
    value: str
    domain: str
    path: str = "/"
    expires: float = -1
    http_only: bool = False
    secure: bool = False
    same_site: str = ""


ANYONE = Profile()


class Page(Protocol):
    """One tab. URLs are absolute. All times are seconds."""

    async def goto(self, url: str, *, wait: Literal["load", "dom", "none"] = "load") -> None: ...
    async def eval(self, script: str) -> Any:
        """The value of an expression, awaited if it is a promise; JSON-like values only."""

    async def click(self, css: str) -> None:
        """Click the first visible match, also inside open shadow roots; waits up to 5 s for it."""

    async def type(self, css: str, text: str) -> None: ...
    async def press(self, *keys: str) -> None:
        """Keys by their DOM names: `Tab`, `Escape`, `Enter`, `Space`, `Shift+Tab`, or one character."""

    async def viewport(self, width: int, height: int) -> None: ...
    async def cookies(self) -> list[Cookie]: ...
    async def set_cookie(self, cookie: Cookie) -> None: ...
    async def restart(self) -> None:
        """As if the browser had been closed and opened again: cookies that end with it are gone."""

    async def back(self) -> None: ...
    async def forward(self) -> None: ...
    async def reload(self) -> None: ...
    async def tab(self) -> "Page":
        """A second tab of the same profile."""

    async def screenshot(self) -> bytes:
        """What is in the viewport, as PNG."""

    def errors(self) -> list[str]:
        """Uncaught errors and console errors so far, in all tabs of the profile."""

    async def close(self) -> None:
        """Close the tab; with the first tab of a profile, the whole profile."""


class Browser(Protocol):
    """A running browser. `lacks` maps what it cannot do (`javascript`, `gpc`, `bfcache`, …) to the reason."""

    name: str
    version: str
    lacks: dict[str, str]

    async def page(self, profile: Profile = ANYONE) -> Page: ...
    async def close(self) -> None: ...


@dataclass
class Shelf:
    """Profiles by what had to be started for them; a process is kept for the session."""

    start: Callable[[Profile], Awaitable[Any]]
    kept: dict[object, Any] = field(default_factory=dict)

    async def get(self, key: object, profile: Profile) -> Any:
        if key not in self.kept:
            self.kept[key] = await self.start(profile)
        return self.kept[key]


async def wait_for(page: Page, script: str, *, seconds: float = 5.0) -> Any:
    """Ask until `script` is truthy, and return its value; `PageError` with the last answer when it never is."""
    deadline = asyncio.get_running_loop().time() + seconds
    value: Any = None
    while asyncio.get_running_loop().time() < deadline:
        try:
            value = await page.eval(script)
        except PageError as error:
            value = error
        else:
            if value:
                return value
        await asyncio.sleep(0.03)
    raise PageError(f"never true within {seconds} s: {script} (last: {value})")
