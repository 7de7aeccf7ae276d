"""Firefox, through WebDriver BiDi alone. One process for each set of preferences, one container a page."""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Literal

from websockets.exceptions import WebSocketException

from tests.browser import bidi, pointing
from tests.browser.driver import ANYONE, Cookie, NoBrowserError, PageError, Profile, Shelf, World

# Nothing in the background, and nothing else than a visitor's Firefox has: the recommended preferences of remote
# control switch off speculative connections, which are to be measured here.
PREFERENCES: dict[str, bool | int | str] = {
    "remote.prefs.recommended": False,
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.aboutConfig.showWarning": False,
    "browser.contentblocking.category": "standard",
    "browser.dom.window.dump.enabled": False,
    "browser.ml.enable": False,
    "browser.newtabpage.enabled": False,
    "browser.region.network.url": "",
    "browser.safebrowsing.blockedURIs.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "browser.search.geoSpecificDefaults": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "browser.topsites.contile.enabled": False,
    "browser.uitour.enabled": False,
    "captivedetect.canonicalURL": "",
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.usage.uploadEnabled": False,
    "dom.disable_open_during_load": True,
    "dom.push.connection.enabled": False,
    "extensions.blocklist.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "geo.provider.testing": True,
    "media.gmp-manager.updateEnabled": False,
    "messaging-system.rsexperimentloader.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.manage-offline-status": False,
    "network.trr.mode": 5,
    "network.proxy.type": 0,
    "nimbus.rollouts.enabled": False,
    "privacy.trackingprotection.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "signon.autofillForms": False,
    "signon.rememberSignons": False,
    "toolkit.cosmeticAnimations.enabled": True,
    "toolkit.startup.max_resumed_crashes": -1,
    "toolkit.telemetry.server": "data:,",
}
LACKS = {"hints": "Firefox has no Client Hints"}
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Space": " ", "Shift": "\ue008", "Backspace": "\ue003"}
KEYS |= {"ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015"}
KEYS |= {"Home": "\ue011", "End": "\ue010", "Control": "\ue009", "Alt": "\ue00a"}


def preferences(world: World, profile: Profile) -> dict[str, bool | int | str]:
    """The preferences of the process that serves `profile`."""
    chosen = dict(PREFERENCES)
    if not profile.javascript:
        chosen["javascript.enabled"] = False
    if profile.gpc:
        chosen |= {
            "privacy.globalprivacycontrol.enabled": True,
            "privacy.globalprivacycontrol.functionality.enabled": True,
        }
    if profile.colour_scheme == "dark":
        chosen["layout.css.prefers-color-scheme.content-override"] = 0
    if profile.reduced_motion:
        chosen["ui.prefersReducedMotion"] = 1
    if profile.forced_colours:
        chosen["browser.display.document_color_use"] = 2
    if profile.language != "en":
        chosen["intl.accept_languages"] = f"{profile.language},en"
    if not world.network.own:
        chosen["network.dns.forceResolve"] = "127.0.0.1"
        chosen["network.socket.forcePort"] = f"80={world.port};443={world.port}"
    return chosen


class FirefoxPage:
    """One tab of one container."""

    def __init__(self, connection: bidi.Connection, container: str, context: str, errors: list[str]) -> None:
        self._connection = connection
        self._container = container
        self._context = context
        self._errors = errors
        self._first = True

    async def goto(self, url: str, *, wait: Literal["load", "dom", "none"] = "load") -> None:
        ready = {"load": "complete", "dom": "interactive", "none": "none"}[wait]
        await self._connection.send("browsingContext.navigate", context=self._context, url=url, wait=ready)

    async def eval(self, script: str) -> Any:
        """In the page's own world; the inspector's evaluation is not subject to the page's policy."""
        answer = await self._connection.send(
            "script.evaluate",
            expression=script,
            target={"context": self._context},
            awaitPromise=True,
            userActivation=True,
            serializationOptions={"maxObjectDepth": 8, "maxDomDepth": 0},
        )
        if answer["type"] == "exception":
            raise PageError(answer["exceptionDetails"]["text"])
        return bidi.plain(answer["result"])

    async def click(self, css: str) -> None:
        await pointing.click(self, css, self._press)

    async def _press(self, x: int, y: int) -> None:
        await self._act(
            {
                "type": "pointer",
                "id": "mouse",
                "actions": [
                    {"type": "pointerMove", "x": x, "y": y},
                    {"type": "pointerDown", "button": 0},
                    {"type": "pointerUp", "button": 0},
                ],
            }
        )

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
        await self._connection.send("input.performActions", context=self._context, actions=[source])

    async def viewport(self, width: int, height: int) -> None:
        shape = {"width": width, "height": height}
        await self._connection.send("browsingContext.setViewport", context=self._context, viewport=shape)

    async def cookies(self) -> list[Cookie]:
        answer = await self._connection.send(
            "storage.getCookies", partition={"type": "storageKey", "userContext": self._container}
        )
        return [
            Cookie(
                name=cookie["name"],
                value=cookie["value"]["value"],
                domain=cookie["domain"],
                path=cookie["path"],
                expires=cookie.get("expiry", -1),
                http_only=cookie["httpOnly"],
                secure=cookie["secure"],
                same_site=cookie["sameSite"],
            )
            for cookie in answer["cookies"]
        ]

    async def set_cookie(self, cookie: Cookie) -> None:
        asked: dict[str, Any] = {"name": cookie.name, "value": {"type": "string", "value": cookie.value}}
        asked |= {"domain": cookie.domain, "path": cookie.path, "secure": cookie.secure}
        if cookie.expires > 0:
            asked["expiry"] = int(cookie.expires)
        await self._connection.send(
            "storage.setCookie", cookie=asked, partition={"type": "storageKey", "userContext": self._container}
        )

    async def restart(self) -> None:
        where = {"type": "storageKey", "userContext": self._container}
        for cookie in await self.cookies():
            if cookie.expires < 0:
                named = {"name": cookie.name, "domain": cookie.domain}
                await self._connection.send("storage.deleteCookies", filter=named, partition=where)

    async def back(self) -> None:
        await self._travel(-1)

    async def forward(self) -> None:
        await self._travel(1)

    async def _travel(self, steps: int) -> None:
        here = "location.href + ' ' + performance.timeOrigin"
        before = await self.eval(here)
        await self._connection.send("browsingContext.traverseHistory", context=self._context, delta=steps)
        for _ in range(200):
            with contextlib.suppress(PageError):
                if await self.eval(here) != before and await self.eval("document.readyState") == "complete":
                    return
            await asyncio.sleep(0.02)
        raise PageError(f"history.go({steps}) led nowhere")

    async def reload(self) -> None:
        await self._connection.send("browsingContext.reload", context=self._context, wait="complete")

    async def tab(self) -> "FirefoxPage":
        page = await open_tab(self._connection, self._container, self._errors)
        page._first = False
        return page

    async def screenshot(self) -> bytes:
        answer = await self._connection.send("browsingContext.captureScreenshot", context=self._context)
        return base64.b64decode(answer["data"])

    def errors(self) -> list[str]:
        return list(self._errors)

    async def close(self) -> None:
        if self._first:
            await self._connection.send("browser.removeUserContext", userContext=self._container)
        else:
            await self._connection.send("browsingContext.close", context=self._context)


async def open_tab(connection: bidi.Connection, container: str, errors: list[str]) -> FirefoxPage:
    answer = await connection.send("browsingContext.create", type="tab", userContext=container)
    context = answer["context"]

    def heard(entry: dict[str, Any]) -> None:
        if entry["level"] == "error" and entry["source"].get("context") == context:
            errors.append(entry["text"] or "")

    connection.on("log.entryAdded", heard)
    return FirefoxPage(connection, container, context, errors)


class Process:
    """One running Firefox, and the session with it."""

    def __init__(self, child: asyncio.subprocess.Process, folder: Path) -> None:
        self.child = child
        self.folder = folder
        self.connection: bidi.Connection | None = None
        self.draining: asyncio.Task[None] | None = None
        self.version = ""

    async def close(self) -> None:
        if self.connection is not None:
            await self.connection.close()
        with contextlib.suppress(ProcessLookupError):
            self.child.terminate()
        await self.child.wait()
        if self.draining is not None:
            await self.draining
        shutil.rmtree(self.folder, ignore_errors=True)


async def start(binary: str, world: World, profile: Profile) -> Process:
    """Start Firefox with the preferences of `profile`, and connect to it."""
    folder = Path(tempfile.mkdtemp(prefix="consent-firefox-"))
    lines = [f"user_pref({_js(name)}, {_js(value)});" for name, value in preferences(world, profile).items()]
    (folder / "user.js").write_text("\n".join(lines), encoding="utf-8")
    child = await asyncio.create_subprocess_exec(
        binary,
        *("--headless", "--no-remote", "--profile", str(folder), "--remote-debugging-port", "0"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1", "MOZ_HEADLESS": "1"},
    )
    process = Process(child, folder)
    try:
        address = await asyncio.wait_for(_address(child), 40)
        process.draining = asyncio.create_task(_drain(child.stderr))
        process.connection, capabilities = await bidi.open_session(address + "/session")
    except (TimeoutError, OSError, WebSocketException, NoBrowserError) as error:
        await process.close()
        raise NoBrowserError(f"Firefox: {error!r}") from error
    process.version = str(capabilities["browserVersion"])
    await process.connection.send("session.subscribe", events=["log.entryAdded"])
    return process


async def _address(child: asyncio.subprocess.Process) -> str:
    """The WebSocket address that Firefox prints; the rest of what it says is read and dropped."""
    assert child.stderr is not None
    async for line in child.stderr:
        text = line.decode("utf-8", "replace")
        if "WebDriver BiDi listening on" in text:
            return text.split()[-1]
    raise NoBrowserError("it ended before it listened")


async def _drain(stream: asyncio.StreamReader | None) -> None:
    """Read what the browser keeps saying, so that its pipe never fills."""
    while stream is not None and await stream.read(65536):
        pass


def _js(value: bool | int | str) -> str:
    return json.dumps(value)


class Firefox:
    """The processes, by what is different in their preferences."""

    name = "firefox"

    def __init__(self, binary: str, world: World) -> None:
        self.lacks = LACKS
        self.version = ""
        self._shelf = Shelf(lambda profile: start(binary, world, profile))
        self._world = world

    async def page(self, profile: Profile = ANYONE) -> FirefoxPage:
        key = tuple(sorted(preferences(self._world, profile).items()))
        process: Process = await self._shelf.get(key, profile)
        self.version = process.version
        assert process.connection is not None
        answer = await process.connection.send("browser.createUserContext")
        page = await open_tab(process.connection, answer["userContext"], [])
        await page.viewport(*profile.viewport)
        return page

    async def close(self) -> None:
        for process in self._shelf.kept.values():
            await process.close()


async def launch(world: World) -> Firefox:
    """Find `firefox-esr`, `firefox`, or the one named by `FIREFOX`, and start it."""
    binary = os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")
    if binary is None:
        raise NoBrowserError("Firefox: not installed (install firefox-esr, or name it in FIREFOX)")
    firefox = Firefox(binary, world)
    page = await firefox.page()
    await page.close()
    return firefox
