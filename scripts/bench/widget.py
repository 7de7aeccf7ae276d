"""What the widget costs a page: bytes to a visible banner, main-thread script time, layout shift, first paint.

Chromium loads the same 160 kB page with and without the snippet, in turns, each time with an empty cache. Script time
is the main thread's processor time (`wall` counts what that thread waits for, too): once until the banner is visible,
once until all that is fetched when idle is there.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, sync_playwright

CONSENT = Path(sys.executable).parent / "consent"
CHROMIUM = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
PARAGRAPH = "<p>" + "A lamp is a promise that the evening will be kind. " * 20 + "</p>\n"
#: Milliseconds after `load` at which the banner and all that is fetched when idle are there.
SETTLED = 1500
#: A page on which the browser is never idle: nothing comes after the banner.
NEVER_IDLE = "<script>requestIdleCallback=()=>{}</script>"
VISIBLE = """() => { const b = document.querySelector('consent-banner');
  const e = b && b.shadowRoot && b.shadowRoot.querySelector('[data-consent="accept"]');
  return !!e && e.getBoundingClientRect().height > 0 }"""
SHIFT = """() => new Promise(done => {
  let sum = 0;
  new PerformanceObserver(list => list.getEntries().forEach(entry => sum += entry.value))
    .observe({type: 'layout-shift', buffered: true});
  new PerformanceObserver(list => {
    const paint = list.getEntriesByName('first-contentful-paint')[0];
    if (paint) setTimeout(() => done([sum, paint.startTime]), 50);
  }).observe({type: 'paint', buffered: true});
})"""


class Load(NamedTuple):
    """One page load: script and all main-thread time in ms, layout shift (unitless), first contentful paint in ms."""

    script: float
    task: float
    shift: float
    paint: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        service = subprocess.Popen(
            [str(CONSENT), "serve", "--port", "0", "--data", data, "--json"], stdout=subprocess.PIPE, text=True
        )
        try:
            base, snippet = welcome(service)
            figures = weight(base, snippet) | cost(pages(snippet), options.loads)
        finally:
            service.terminate()
            service.wait(15)
    if options.json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>28}  {value}")


def welcome(service: subprocess.Popen[str]) -> tuple[str, str]:
    """The service's address and the lines to paste for its demo."""
    assert service.stdout
    line = service.stdout.readline()
    if not line:
        sys.exit("The service ended before it printed its address.")
    said = json.loads(line)
    return said["demo"].removesuffix("/demo/"), said["snippet"]


def weight(base: str, snippet: str) -> dict[str, Any]:
    """Bytes on the wire until a banner in English is visible, gzip."""
    bootstrap = fetch(f"{base}/c/demo.js")
    settings: dict[str, Any] = json.JSONDecoder().raw_decode(bootstrap, bootstrap.index('{"site":'))[0]
    layers = {name: fetch(base + settings["layers"]["en"][name]) for name in ("banner", "preferences")}
    sizes = {
        "snippet_bytes": len(snippet.encode()),
        "snippet_gzip": packed(snippet),
        "bootstrap_gzip": packed(bootstrap),
        "banner_gzip": packed(layers["banner"]),
        "preferences_gzip": packed(layers["preferences"]),
    }
    return sizes | {"visible_banner_gzip": sizes["snippet_gzip"] + sizes["bootstrap_gzip"] + sizes["banner_gzip"]}


def fetch(url: str) -> str:
    text: str = urllib.request.urlopen(url).read().decode()
    return text


def packed(text: str) -> int:
    return len(gzip.compress(text.encode(), 9))


def pages(snippet: str) -> dict[str, str]:
    head, body = (
        "<!doctype html><html lang=en><head>",
        f"<title>Lamps</title></head><body>{PARAGRAPH * 155}</body></html>",
    )
    return {
        "/bare": f"{head}{NEVER_IDLE}{body}",
        "/banner": f"{head}{snippet}{NEVER_IDLE}{body}",
        "/settled": f"{head}{snippet}{body}",
    }


def cost(pages: dict[str, str], loads: int) -> dict[str, Any]:
    server = serve(pages)
    turns = [(path, clock) for path in pages for clock in ("cpu", "wall")]
    found: dict[tuple[str, str], list[Load]] = {turn: [] for turn in turns}
    with sync_playwright() as playwright:
        executable = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=executable, args=CHROMIUM)
        for turn in range(loads + 1):
            for (path, clock), kept in found.items():
                address = f"http://127.0.0.1:{server.server_port}{path}"
                load = measure(browser, address, clock, banner=path != "/bare")
                if turn:  # the first load of each warms the browser
                    kept.append(load)
        browser.close()
    server.shutdown()
    return compare(found)


def serve(pages: dict[str, str]) -> ThreadingHTTPServer:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = pages.get(self.path, "").encode()
            self.send_response(200 if text else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def measure(browser: Browser, url: str, clock: str, *, banner: bool) -> Load:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks" if clock == "cpu" else "timeTicks"})
    page.goto(url, wait_until="load")
    page.wait_for_timeout(SETTLED)  # asking the page whether it is ready would be counted as its work
    metrics = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    assert page.evaluate(VISIBLE) == banner, f"The banner was to be {'visible' if banner else 'absent'}."
    shift, paint = page.evaluate(SHIFT)
    context.close()
    return Load(metrics["ScriptDuration"] * 1000, metrics["TaskDuration"] * 1000, shift, paint)


def compare(found: dict[tuple[str, str], list[Load]]) -> dict[str, Any]:
    def median(path: str, clock: str, name: str) -> float:
        return float(statistics.median(getattr(load, name) for load in found[path, clock]))

    def added(path: str, clock: str) -> float:
        return round(median(path, clock, "script") - median("/bare", clock, "script"), 2)

    task, task_bare = median("/settled", "cpu", "task"), median("/bare", "cpu", "task")
    paint, paint_bare = median("/settled", "wall", "paint"), median("/bare", "wall", "paint")
    return {
        "script_ms_to_banner": added("/banner", "cpu"),
        "script_ms_settled": added("/settled", "cpu"),
        "script_wall_ms_to_banner": added("/banner", "wall"),
        "script_wall_ms_settled": added("/settled", "wall"),
        "task_ms": round(task, 1),
        "task_ms_bare": round(task_bare, 1),
        "task_ratio": round(task / task_bare, 2),
        "layout_shift": max(load.shift for loads in found.values() for load in loads),
        "first_paint_ms": round(paint),
        "first_paint_ms_bare": round(paint_bare),
        "first_paint_ratio": round(paint / paint_bare, 2),
    }


if __name__ == "__main__":
    main()
