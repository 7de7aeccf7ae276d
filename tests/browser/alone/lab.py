"""Opens the layers alone in Chromium: `Lab.open` gives a page on which they run over a stand-in store."""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, Locator, Page, Playwright, Route, ViewportSize

from tests.browser.alone import page as site

DESKTOP = (1280, 800)
PHONE = (390, 844)
SMALL = (320, 256)
AXE = site.ROOT / "widget" / "node_modules" / "axe-core" / "axe.min.js"
ADDRESS = "https://shop.example/"

#: What the page notes about itself before anything else runs.
WITNESS = """
  window.shifts = 0;
  new PerformanceObserver((list) => { for (const one of list.getEntries()) shifts += one.value })
    .observe({ type: "layout-shift", buffered: true });
  window.roots = () => [...document.querySelectorAll("consent-banner,consent-control,consent-placeholder")]
    .map((host) => host.shadowRoot);
  window.focused = () => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    return element;
  };
"""


@dataclass
class Lab:
    """One Chromium and the built bundles."""

    browser: Browser
    built: Path
    contexts: list[BrowserContext] = field(default_factory=list)

    async def open(
        self,
        case: site.Json | None = None,
        *,
        layer: Literal[0, 1, 2] = 1,
        size: tuple[int, int] = DESKTOP,
        scheme: Literal["light", "dark"] = "light",
        motion: Literal["reduce", "no-preference"] = "reduce",
        forced: bool = False,
        body: str | None = None,
        csp: str = "",
        nonce: str = "n0nce",
        before: str = "",
    ) -> Page:
        """A page with a layer open, `0` for none. `before` is a script that runs first; `csp` the page's own policy."""
        context = await self.browser.new_context(
            viewport=ViewportSize(width=size[0], height=size[1]),
            color_scheme=scheme,
            reduced_motion=motion,
            forced_colors="active" if forced else "none",
        )
        self.contexts.append(context)
        page = await context.new_page()
        await page.add_init_script(WITNESS + before)
        text = site.html(case or site.case(), body=body, nonce=nonce)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        setattr(page, "errors", errors)  # noqa: B010

        async def answer(route: Route) -> None:
            path = self.built / route.request.url.rpartition("/")[2]
            if route.request.url == ADDRESS:
                headers = {"Content-Security-Policy": csp} if csp else {}
                await route.fulfill(body=text, content_type="text/html", headers=headers)
            elif path.is_file():
                await route.fulfill(path=path, content_type="text/javascript")
            else:
                await route.fulfill(body="<title>elsewhere</title>", content_type="text/html")

        await page.route("**/*", answer)
        await page.goto(ADDRESS)
        if layer:
            await page.evaluate(f"store.show({layer})")
        return page

    async def close(self) -> None:
        """Close the pages of one test."""
        while self.contexts:
            await self.contexts.pop().close()


def errors_of(page: Page) -> list[str]:
    """What the page's console and scripts complained of."""
    found: list[str] = getattr(page, "errors")  # noqa: B009
    return found


def build(folder: Path) -> Path:
    """Bundle the layers and the stand-in store. Needs what `npm ci` in `widget/` brings."""
    script = site.ROOT / "widget" / "test" / "banner" / "build.mjs"
    subprocess.run(["node", str(script), str(folder)], check=True, cwd=script.parent, capture_output=True)
    return folder


async def launch(playwright: Playwright) -> Browser:
    """The system's Chromium, else Playwright's own."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return await playwright.chromium.launch(executable_path=found, args=root)


async def axe(page: Page) -> list[str]:
    """Violations that axe-core finds, all its rules on, each as `rule: where`."""
    await page.evaluate(AXE.read_text("utf-8"))
    found: list[dict[str, Any]] = await page.evaluate(
        "axe.run(document, {resultTypes: ['violations'], iframes: false}).then(r => r.violations)"
    )
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]


def act(page: Page, action: str) -> Locator:
    """The button with this `data-consent` in either layer."""
    return page.locator(f"consent-banner [data-consent={action}]")


async def decisions(page: Page) -> list[dict[str, Any]]:
    """What reached the store."""
    found: list[dict[str, Any]] = await page.evaluate("store.decisions")
    return found


async def press(page: Page, key: str, times: int) -> None:
    """Press a key some times."""
    for _ in range(times):
        await page.keyboard.press(key)


async def unfold(page: Page) -> None:
    """Open all details of the second layer."""
    await page.evaluate("roots().forEach(root => root.querySelectorAll('details').forEach(one => one.open = true))")


async def sideways(page: Page) -> list[str]:
    """Elements of ours that are wider inside than outside, or that leave the window."""
    found: list[str] = await page.evaluate(
        """() => roots().flatMap(root => [...root.querySelectorAll("*")]).filter(e => {
          const r = e.getBoundingClientRect();
          const unseen = e.closest("consent-control") || getComputedStyle(e).clipPath.startsWith("inset");
          if (!r.width || unseen) return false;
          return r.left < -1 || r.right > innerWidth + 1 || (e.clientWidth && e.scrollWidth > e.clientWidth + 1);
        }).map(e => e.outerHTML.slice(0, 80))"""
    )
    return found


async def cut(page: Page) -> list[str]:
    """Buttons, labels and headings whose text does not fit into them."""
    found: list[str] = await page.evaluate(
        """() => roots().flatMap(root => [...root.querySelectorAll(".do, label, h2, summary, a")])
          .filter(e => e.clientHeight && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1))
          .map(e => e.outerHTML.slice(0, 80))"""
    )
    return found
