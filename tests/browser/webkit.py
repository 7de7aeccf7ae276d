"""WebKitGTK's MiniBrowser, through classic WebDriver: the nearest thing to Safari that runs on Linux.

MiniBrowser has no headless mode, so it gets a screen of its own from Xvfb. One browser process a page.
"""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Literal

from tests.browser import pointing
from tests.browser.driver import ANYONE, Cookie, NoBrowserError, PageError, Profile, World
from tests.browser.firefox import KEYS

LACKS = {
    "foreign cookies": "WebKit keeps no cookies of another host than the page's",
    "javascript": "MiniBrowser cannot switch JavaScript off through WebDriver",
    "gpc": "WebKitGTK does not send Global Privacy Control",
    "errors": "WebDriver classic tells nothing of the console",
    "forced_colours": "WebKitGTK has no forced colours",
    "language": "WebDriver cannot set it",
    "hints": "WebKit has no Client Hints",
    "hiding": "MiniBrowser opens windows beside each other, of which none is hidden",
}
QUIET: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
SETTINGS = {
    "GDK_BACKEND": "x11",
    "GSETTINGS_BACKEND": "memory",
    "LIBGL_ALWAYS_SOFTWARE": "1",
    "NO_AT_BRIDGE": "1",
    "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
    "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1",
}


class Driver:
    """A running WebKitWebDriver, which serves one session."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.base = f"http://127.0.0.1:{port}"

    async def close(self) -> None:
        self.process.terminate()
        await asyncio.to_thread(self.process.wait)

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One command. Raises PageError with the driver's own words."""
        return await asyncio.to_thread(self._call, method, path, body)

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> Any:
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            with error:
                value = json.load(error)["value"]
            raise PageError(f"{value['error']}: {value['message']}") from None
        except OSError as error:
            raise PageError(f"WebKitWebDriver: {error}") from error


class WebKitPage:
    """One window of one session."""

    def __init__(self, driver: Driver, session: str, window: str, *, first: bool) -> None:
        self._driver = driver
        self._session = session
        self._window = window
        self._first = first

    async def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        if not self._first or self._has_tabs:
            await self._driver.call("POST", f"/session/{self._session}/window", {"handle": self._window})
        return await self._driver.call(method, f"/session/{self._session}{path}", body)

    _has_tabs = False

    async def goto(self, url: str, *, wait: Literal["load", "dom", "none"] = "load") -> None:
        if wait == "load":
            await self._send("POST", "/url", {"url": url})
            return
        await self.eval(f"void setTimeout(() => location.assign({json.dumps(url)}), 0)")
        if wait == "dom":
            await asyncio.sleep(0.1)
            for _ in range(100):
                if await self.eval("document.readyState") != "loading":
                    return
                await asyncio.sleep(0.03)

    async def eval(self, script: str) -> Any:
        wrapped = (
            "const done = arguments[arguments.length - 1];"
            "const fail = (e) => done({error: String(e && e.stack || e)});"
            f"Promise.resolve().then(() => ({script})).then((value) => done({{value}}), fail)"
        )
        answer = await self._send("POST", "/execute/async", {"script": wrapped, "args": []})
        if "error" in answer:
            raise PageError(answer["error"])
        return answer.get("value")

    async def click(self, css: str) -> None:
        await pointing.click(self, css, self._press)

    async def _press(self, x: int, y: int) -> None:
        moves: list[dict[str, Any]] = [{"type": "pointerMove", "x": x, "y": y, "duration": 0}]
        moves += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        await self._act({"type": "pointer", "id": "mouse", "actions": moves})

    async def type(self, css: str, text: str) -> None:
        await self.click(css)
        await self.press(*text)

    async def press(self, *keys: str) -> None:
        steps = []
        for key in keys:
            names = [KEYS.get(part, part) for part in (key.split("+") if len(key) > 1 else [key])]
            steps += [{"type": "keyDown", "value": name} for name in names]
            steps += [{"type": "keyUp", "value": name} for name in reversed(names)]
        await self._act({"type": "key", "id": "keyboard", "actions": steps})

    async def _act(self, source: dict[str, Any]) -> None:
        await self._send("POST", "/actions", {"actions": [source]})

    async def viewport(self, width: int, height: int) -> None:
        await self._send("POST", "/window/rect", {"width": width, "height": height})

    async def cookies(self) -> list[Cookie]:
        return [
            Cookie(
                name=cookie["name"],
                value=cookie["value"],
                domain=cookie["domain"],
                path=cookie["path"],
                expires=cookie.get("expiry", -1),
                http_only=cookie["httpOnly"],
                secure=cookie["secure"],
                same_site=cookie.get("sameSite", ""),
            )
            for cookie in await self._send("GET", "/cookie")
        ]

    async def set_cookie(self, cookie: Cookie) -> None:
        asked = {"name": cookie.name, "value": cookie.value, "domain": cookie.domain, "path": cookie.path}
        await self._send("POST", "/cookie", {"cookie": {**asked, "secure": cookie.secure}})

    async def restart(self) -> None:
        for cookie in await self.cookies():
            if cookie.expires < 0:
                await self._send("DELETE", f"/cookie/{cookie.name}")

    async def back(self) -> None:
        await self._send("POST", "/back")

    async def forward(self) -> None:
        await self._send("POST", "/forward")

    async def reload(self) -> None:
        await self._send("POST", "/refresh")

    async def tab(self) -> "WebKitPage":
        self._has_tabs = True
        answer = await self._send("POST", "/window/new", {"type": "window"})
        return WebKitPage(self._driver, self._session, answer["handle"], first=False)

    async def screenshot(self) -> bytes:
        return base64.b64decode(await self._send("GET", "/screenshot"))

    def errors(self) -> list[str]:
        return []

    async def close(self) -> None:
        if self._first:
            with contextlib.suppress(PageError):
                await self._driver.call("DELETE", f"/session/{self._session}")
            await self._driver.close()
        else:
            await self._send("DELETE", "/window")


class Screen:
    """An Xvfb, a folder to be at home in, and the programs that run there."""

    def __init__(self, xvfb: str, program: str, binary: str) -> None:
        self.program = program
        self.binary = binary
        self.folder = Path(tempfile.mkdtemp(prefix="consent-webkit-"))
        answer, written = os.pipe()
        command = [xvfb, "-displayfd", str(written), "-screen", "0", "1400x1000x24", "-nolisten", "tcp"]
        self.process = subprocess.Popen(command, pass_fds=(written,), **QUIET)
        os.close(written)
        with os.fdopen(answer) as lines:
            number = lines.readline().strip()
        home = str(self.folder)
        self.environment = os.environ | {"DISPLAY": f":{number}", "HOME": home, "XDG_RUNTIME_DIR": home} | SETTINGS

    def driver(self) -> Driver:
        port = _free_port()
        return Driver(subprocess.Popen([self.program, f"--port={port}"], env=self.environment, **QUIET), port)

    async def close(self) -> None:
        self.process.terminate()
        await asyncio.to_thread(self.process.wait)
        shutil.rmtree(self.folder, ignore_errors=True)


class WebKit:
    """Starts a driver, and with it a browser, for each profile."""

    name = "webkit"

    def __init__(self, screen: Screen) -> None:
        self.lacks = LACKS
        self.version = ""
        self._screen = screen

    async def page(self, profile: Profile = ANYONE) -> WebKitPage:
        driver = self._screen.driver()
        try:
            return await self._open(driver, profile)
        except PageError:
            await driver.close()
            raise

    async def _open(self, driver: Driver, profile: Profile) -> WebKitPage:
        await _awake(driver)
        options = {"binary": self._screen.binary, "args": ["--automation"]}
        asked = {"acceptInsecureCerts": True, "webkitgtk:browserOptions": options}
        answer = await driver.call("POST", "/session", {"capabilities": {"alwaysMatch": asked}})
        self.version = answer["capabilities"]["browserVersion"]
        path = f"/session/{answer['sessionId']}"
        await driver.call("POST", f"{path}/timeouts", {"pageLoad": 20_000, "script": 20_000})
        window = await driver.call("GET", f"{path}/window")
        page = WebKitPage(driver, answer["sessionId"], window, first=True)
        await page.viewport(*profile.viewport)
        return page

    async def close(self) -> None:
        await self._screen.close()


async def launch(world: World) -> WebKit:
    """Start Xvfb, and see that a page opens."""
    if not world.network.own:
        raise NoBrowserError("WebKit: needs the network of its own, it cannot be told where names lead")
    program, xvfb = shutil.which("WebKitWebDriver"), shutil.which("Xvfb")
    binary = _minibrowser()
    if program is None or xvfb is None or binary is None:
        raise NoBrowserError("WebKit: WebKitWebDriver, MiniBrowser or Xvfb is missing (webkit2gtk-driver, xvfb)")
    webkit = WebKit(await asyncio.to_thread(Screen, xvfb, program, str(binary)))
    try:
        page = await webkit.page()
    except PageError as error:
        await webkit.close()
        raise NoBrowserError(f"WebKit: {error}") from error
    await page.close()
    return webkit


def _minibrowser() -> Path | None:
    """Not on the PATH: it lies beside the engine."""
    return next(iter(sorted(Path("/usr").glob("lib*/**/webkit2gtk-4.*/MiniBrowser"))), None)


async def _awake(driver: Driver) -> None:
    for _ in range(100):
        with contextlib.suppress(PageError):
            await driver.call("GET", "/status")
            return
        await asyncio.sleep(0.05)
    raise PageError("WebKitWebDriver does not answer")


def _free_port() -> int:
    with socket.socket() as handle:
        handle.bind(("127.0.0.1", 0))
        return int(handle.getsockname()[1])
