"""Sites that keep a log of their visitors, and what it holds: the service under a page's own host, and on another."""

import asyncio
import json
import sqlite3
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.browser import banner
from tests.browser.arrivals import Arrival, now
from tests.browser.driver import Browser, Cookie, Page, wait_for
from tests.browser.httpd import Request, Response
from tests.browser.lab import Lab
from tests.browser.own import Variant
from tests.browser.service import Service

FRONT, STATS, ELSEWHERE = "front.test", "stats.test", "elsewhere.test"
SITES = {"front": FRONT, "first": "first.test", "second": "second.test"}
PATHS = ("/c/", "/v1/", "/n/", "/log/", "/choices/", "/.well-known/consent-log/")
COOKIES = ("__Host-consent-visitor", "__Host-consent-session", "__Host-consent-customer")

POLICY = """
site = "{site}"
origins = ["https://{host}"]
languages = ["en"]
[controller]
name = "Shop"
address = "1 High Street, Testville"
email = "privacy@{host}"
privacy_url = "https://{host}/privacy"
imprint_url = "https://{host}/imprint"
[services.clear-gif]
name = "Clear gif"
provider = "Clear Gif GmbH"
country = "DE"
purposes = ["marketing"]
kind = "beacon"
hosts = ["beacon.cleargif.test"]
privacy_url = "https://cleargif.test/privacy"
description = "Counts page views by an invisible picture."
[telemetry]
query = ["ref"]
customer = ["plan"]
"""

PAGE = """<!doctype html><html lang="en"><head>{{snippet}}<meta charset="utf-8"><title>A page</title></head>
<body style="height:3000px"><h1>A page</h1><img src="https://beacon.cleargif.test/clear.gif" alt="">
<p><a id="next" href="next">Next</a> <a id="out" href="https://elsewhere.test/shop?order=17">Elsewhere</a></p></body></html>"""

# What happens to a page, told to its own server, so that it need not be asked of the page.
TELLS = """<script>{
const told = (name) => navigator.sendBeacon(`seen/${name}`);
addEventListener("pageshow", ({ persisted }) => persisted && told("restored"));
document.addEventListener("visibilitychange", () => told(document.visibilityState));
if (document.prerendering) told("prerendering");
document.addEventListener("prerenderingchange", () => told("activated"));
}</script>"""


class Clocked(Service):
    """A service whose clock the tests set, with a log of visitors that they read."""

    def __init__(self, host: str, sites: tuple[str, ...]) -> None:
        super().__init__(f"https://{host}")
        self.clock = self.folder / "clock"
        self.policies = [self._policy(site) for site in sites]
        self.set_clock(0)

    def program(self) -> list[str]:
        return [sys.executable, "-m", "tests.faults.clock", str(self.clock)]

    def set_clock(self, seconds: int) -> None:
        """So far from the machine's own."""
        self.clock.write_text(str(seconds))

    def rows(self, table: str, site: str) -> list[dict[str, Any]]:
        """All rows of a site, as they are in the file now."""
        file = self.data / "telemetry.sqlite"
        number = self._number(site)
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as db:
            db.row_factory = sqlite3.Row
            found = db.execute(f"select * from {table} where site_id = ?", (number,)).fetchall()
        db.close()
        return [dict(row) for row in found]

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {"CONSENT_REGION_HEADER": "X-Country"}

    def _number(self, site: str) -> int:
        with sqlite3.connect(f"file:{self.data / 'consent.sqlite'}?mode=ro", uri=True) as db:
            [(number,)] = db.execute("select site_id from site where key = ?", (site,)).fetchall()
        db.close()
        return int(number)

    def _policy(self, site: str) -> Path:
        file = self.folder / f"{site}.toml"
        file.write_text(POLICY.format(site=site, host=SITES[site]))
        return file


@dataclass
class Diary:
    """The two services, and what arrives at them. `site` is a key of `SITES`."""

    lab: Lab
    front: Clocked = field(default_factory=lambda: Clocked(FRONT, ("front",)))
    stats: Clocked = field(default_factory=lambda: Clocked(STATS, ("first", "second")))
    cues: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

    def start(self) -> None:
        """Serve the sites; each page of theirs is `PAGE`."""
        serve = self.lab.recorder.serve
        serve(STATS, self.stats.answer)
        serve(FRONT, self._front)
        serve(ELSEWHERE, self._elsewhere)
        for site, host in SITES.items():
            service = self.service(site)
            if service.process is None:
                service.start()
            self.lab.site.variants[site] = Variant(service.snippet("meta", site))
            if host != FRONT:
                serve(host, self.lab.site.answer)
        for name in ("landing", "next", "two", "three", "four"):
            self.lab.site.generated[name] = lambda _: PAGE

    def stop(self) -> None:
        self.front.stop()
        self.stats.stop()

    def service(self, site: str) -> Clocked:
        """The service that a site uses."""
        return self.front if site == "front" else self.stats

    def url(self, site: str, name: str = "landing") -> str:
        return f"https://{SITES[site]}/{site}/{name}"

    async def open(self, page: Page, site: str, name: str = "landing") -> None:
        """Load a page, and let it finish; what is told while it is open has been told."""
        await page.goto(self.url(site, name))
        await banner.ready(page)
        await self.lab.settle(least=1.6)

    async def agree(self, page: Page, site: str, name: str = "landing") -> None:
        """Load a page, and accept everything there."""
        await page.goto(self.url(site, name))
        await banner.decide(page, "accept", reload=True)
        await banner.ready(page)
        await self.lab.settle(least=1.6)

    async def withdraw(self, page: Page) -> None:
        """Take everything back, by the permanent control."""
        before = await banner.born(page)
        await banner.click(page, "open")
        await banner.click(page, "withdraw")
        await banner.reloaded(page, before)
        await wait_for(page, "document.cookie.includes(':w') && !localStorage['consent.pending']")
        await self.lab.settle(least=0.8)

    def cue(self, name: str) -> None:
        """A page of the front site that asked for `/cue/NAME` is answered now: so it does the next thing by itself."""
        self.lab.recorder.run(self._cue(name))

    async def seen(self, site: str, mark: int, *names: str) -> None:
        """Wait until a page has told of each of these (`TELLS`), somewhere since `mark`."""
        wanted = {f"{SITES[site]}/{site}/seen/{name}" for name in names}
        missing = await self.lab.arrive(mark, wanted, seconds=20)
        assert missing == set()

    async def views(self, site: str, mark: int, least: int) -> list[dict[str, Any]]:
        """The views that are told since `mark`, when there are so many, or will be no more."""
        deadline = now() + 9
        while len(found := [one for one in self.events(site, mark) if one["event"] == "view"]) < least:
            if now() > deadline:
                break
            await asyncio.sleep(0.05)
        return found

    def posts(self, site: str, mark: int = 0, path: str = "events") -> list[Arrival]:
        """Requests that reached the visitors' log of a site."""
        host, place = self.service(site).base.removeprefix("https://"), f"/v1/{site}/{path}"
        return [one for one in self.lab.log.since(mark, kinds=["http"]) if one.host == host and one.path == place]

    def events(self, site: str, mark: int = 0) -> list[dict[str, Any]]:
        """The events in them, each once: what was not taken is sent again."""
        told = [event for post in self.posts(site, mark) for event in json.loads(post.body)["events"]]
        return list({event["id"]: event for event in told}.values())

    def asked(self, site: str, mark: int = 0) -> list[str]:
        """All that was asked for the visitors' log: its script, too."""
        host = self.service(site).base.removeprefix("https://")
        wanted = ("/telemetry.", "/events", "/visitor", "/pixel.gif")
        arrivals = self.lab.log.since(mark, kinds=["http"])
        return [str(one) for one in arrivals if one.host == host and any(part in one.path for part in wanted)]

    def ours(self, site: str, mark: int = 0) -> list[str]:
        """Requests, wherever to, that carried one of our cookies."""
        return [
            f"{one} {name}"
            for one in self.lab.log.since(mark, kinds=["http"])
            for name in COOKIES
            if name in one.headers.get("cookie", "")
        ]

    def ids(self, site: str) -> frozenset[str]:
        """Of all rows that the log of a site has by now."""
        found = [self.service(site).rows(table, site) for table in ("visitor", "session", "event")]
        return frozenset(str(row["id"]) for rows in found for row in rows)

    def others(self, site: str, known: frozenset[str]) -> set[str]:
        """Visitors and visits in the log of a site, those of its events included, that are not among `known`. What a
        page of an earlier test said as it closed may come only now: it is of a visit that was there.
        """
        whose = [("visitor", "id"), ("session", "id"), ("session", "visitor"), ("event", "session")]
        service = self.service(site)
        return {str(row[column]) for table, column in whose for row in service.rows(table, site)} - known

    async def new(self, site: str, table: str, known: frozenset[str], least: int) -> list[dict[str, Any]]:
        """The rows of a site that are not among `known`, oldest first, when there are so many; the log is written
        some time after it has answered."""
        found: list[dict[str, Any]] = []
        deadline = now() + 15
        while now() < deadline:
            found = [row for row in self.service(site).rows(table, site) if row["id"] not in known]
            if len(found) >= least:
                return sorted(found, key=lambda row: str(row["id"]))
            await asyncio.sleep(0.05)
        raise AssertionError(f"{len(found)} new rows in {table}, not {least}: {found}")

    async def _front(self, request: Request) -> Response:
        """The page's own host, with the service under the paths that a proxy would hand on."""
        mine = request.path.startswith(PATHS)
        if request.path.startswith("/cue/"):
            await self.cues[request.path.removeprefix("/cue/")].wait()
            return Response(b"")
        return await (self.front.answer(request) if mine else self.lab.site.answer(request))

    async def _cue(self, name: str) -> None:
        self.cues[name].set()

    async def _elsewhere(self, request: Request) -> Response:
        """Another site, with a link to each of ours."""
        links = "".join(
            f'<a id="{site}" href="{self.url(site)}?utm_source=mail&ref=a&secret=1">{site}</a> ' for site in SITES
        )
        return Response(f"<!doctype html><title>Elsewhere</title><body>{links}".encode())


async def held(page: Page) -> dict[str, Cookie]:
    """Our cookies, as the browser holds them for the page's own host."""
    return {cookie.name: cookie for cookie in await page.cookies() if cookie.name in COOKIES}


def knows(browser: Browser, site: str) -> bool:
    """Whether this browser is known again at a site: not on another host if it keeps no cookies of such."""
    return site == "front" or "foreign cookies" not in browser.lacks


def must_know(browser: Browser, site: str) -> None:
    """Skip what is about visitors who are known again."""
    if not knows(browser, site):
        pytest.skip(browser.lacks["foreign cookies"])
