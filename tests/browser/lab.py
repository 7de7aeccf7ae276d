"""Where a test stands: the recorder, the site's pages, the consent service, and a browser to send there."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.browser import kinds, own
from tests.browser.arrivals import REQUESTS, Arrival, Log, foreign, now, under
from tests.browser.driver import Browser, Page, PageError
from tests.browser.recorder import Recorder
from tests.browser.service import HOST as SERVICE
from tests.browser.service import Service

# The hosts of the fixtures that the policy declares necessary.
NECESSARY = ("fonts.brandcdn.test", "js.payments.test")
OURS = (own.HOST, SERVICE)
QUIET = 0.35  # seconds without an arrival after which a page is taken to be done


@dataclass(frozen=True)
class Bare:
    """What a page without the snippet does in one browser: the yardstick for all others."""

    foreign: frozenset[str]
    own: frozenset[str]


@dataclass
class Lab:
    """One for the session."""

    recorder: Recorder
    site: own.Site
    service: Service
    bare: dict[tuple[str, str], Bare] = field(default_factory=dict)

    @property
    def log(self) -> Log:
        return self.recorder.log

    async def settle(self, *, least: float = 0.4, most: float = 8.0) -> None:
        """Wait until nothing has arrived for a while; at least and at most so many seconds."""
        start = now()
        while now() - start < most:
            if now() - start > least and now() - self.log.last() > QUIET:
                return
            await asyncio.sleep(0.02)

    async def arrive(self, mark: int, wanted: set[str], *, seconds: float = 8.0) -> set[str]:
        """Wait until a request has arrived at each of `wanted` (`host/path`) since `mark`; return the missing."""
        deadline = now() + seconds
        missing = wanted - places(self.log.since(mark, kinds=REQUESTS))
        while missing and now() < deadline:
            await asyncio.sleep(0.05)
            missing = wanted - places(self.log.since(mark, kinds=REQUESTS))
        return missing

    async def visit(self, page: Page, name: str, variant: str = "bare", *, least: float = 0.4) -> list[Arrival]:
        """Open a page of the site, let it finish, and return everything that arrived anywhere."""
        mark = self.log.mark()
        await page.goto(self.site.url(name, variant))
        await self.settle(least=least)
        return self.log.since(mark)

    async def kinds(self, page: Page, variant: str, *, before: str = "", least: float = 1.2) -> dict[str, str]:
        """Load the page of all kinds, click what is to be clicked; each kind that arrived, and how far it came:
        `request`, or `connection` when no more than a name look-up or a greeting reached the host."""
        mark = self.log.mark()
        run = f"r{mark}"
        self.site.generated["kinds"] = lambda _: kinds.page(run, variant, before=before)
        await page.goto(self.site.url("kinds", variant), wait="dom")
        await self.settle(least=least)
        for click in kinds.CLICK:
            try:
                await page.click(f"#{click}")
            except PageError:  # a popup may have taken the page's place; what arrived is counted all the same
                continue
        await self.settle(least=0.3)
        arrivals = self.log.since(mark)
        seen = kinds.arrived((arrival.host for arrival in arrivals), run)
        asked = kinds.arrived((arrival.host for arrival in arrivals if arrival.kind in {*REQUESTS, "udp"}), run)
        return {kind: "request" if kind in asked else "connection" for kind in sorted(seen)}


def requests(arrivals: Iterable[Arrival]) -> list[Arrival]:
    """Requests and sockets at hosts that are neither ours nor declared necessary."""
    return [arrival for arrival in foreign(arrivals, (*OURS, *NECESSARY)) if arrival.kind in REQUESTS]


def places(arrivals: Iterable[Arrival]) -> set[str]:
    """`host/path` of each, for comparing two loads."""
    return {arrival.place for arrival in arrivals}


def own_places(arrivals: Iterable[Arrival]) -> set[str]:
    """What was asked of the site itself and of necessary hosts, without the variant in front; not of the service.
    Favicons are left out: browsers ask for them once in a while."""
    wanted = (own.HOST, *NECESSARY)
    mine = [a for a in arrivals if under(a.host, wanted) and a.kind in REQUESTS and a.path != "/favicon.ico"]
    return {a.host + (a.path.split("/", 2)[-1] if under(a.host, (own.HOST,)) else a.path) for a in mine}


def loads(arrivals: Iterable[Arrival], name: str) -> int:
    """How often the site's page `name` was asked for as a document."""
    return sum(
        1
        for arrival in arrivals
        if arrival.host == own.HOST
        and arrival.path.endswith(f"/{name}")
        and arrival.kind == "http"
        and arrival.headers.get("sec-fetch-dest", "document") == "document"
    )


async def bare(lab: Lab, browser: Browser, name: str) -> Bare:
    """What page `name` asks for without the snippet; measured once a session and browser, by a visitor of its own."""
    known = lab.bare.get((browser.name, name))
    if known is None:
        page = await browser.page()
        arrivals = await lab.visit(page, name, least=1.0)
        await page.close()
        known = Bare(frozenset(places(requests(arrivals))), frozenset(own_places(arrivals)))
        lab.bare[(browser.name, name)] = known
    return known
