"""What every page of a site shares: who asks, what surrounds the page, and its two faces, HTML and JSON."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.config import Config
from consent.db import Database
from consent.policy.queries import Version
from consent.records.published import Published
from consent.reports import span as spans
from consent.reports.answers import Answers
from consent.reports.span import Span
from consent.sites.queries import all_sites
from consent.sites.site import Site
from consent.web.gate import Need, route, signed
from consent.web.pages import HEADERS, PAGES, Shell, Templates

NEEDS = {
    "overview": Need.FIGURES, "consent": Need.FIGURES, "log": Need.LOG, "visits": Need.FIGURES,
    "services": Need.FIGURES, "health": Need.LOG, "site": Need.LOG,
}  # fmt: skip
"""What one has to be allowed for a page of the menu."""


class Around(Protocol):
    """Makes what stands around a page; `here` is its key in the menu."""

    def __call__(self, request: Request, /, *, here: str) -> Awaitable[Shell]: ...


Notes = Callable[[], tuple[str, ...]]
"""Whose data pages show, for the footer."""

_TEMPLATES = Templates("consent.reports")
_JSON = {"Cache-Control": "no-store", "Vary": "Accept"}


class Desk:
    """Makes the pages' shells and answers.

    Args:
        db: the store.
        answers: has readers of its own for what may take long: nobody who writes waits for a page.
        config: the settings.
        published: the sites and their policies in force.
        around: makes the shell of a page for who asks.
        notes: whose data is shown.
        now: the clock, in ms since 1970.
    """

    def __init__(
        self,
        db: Database,
        answers: Answers,
        config: Config,
        published: Published,
        *,
        around: Around,
        notes: Notes = tuple,
        now: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.db = db
        self.answers = answers
        self.config = config
        self.published = published
        self.now = now
        self._around = around
        self._notes = notes

    def span(self, request: Request) -> Span:
        """The days that a request asks about. Raises Problem."""
        return spans.parse(request.query_params, spans.today(self.now()))

    def policy(self, request: Request) -> Version | None:
        """The policy in force at the request's site."""
        live = self.published.site(request.path_params["site"])
        return live.version if live else None

    async def sites(self, request: Request) -> list[Site]:
        """The sites at which who asks may do anything."""
        who = signed(request)
        known = await all_sites(self.db)
        return [site for site in known if any(who.may(need, site.site_id) for need in set(NEEDS.values()))]

    async def answer(
        self, request: Request, template: str, here: str, face: Any, *, title: str, status: int = 200, **values: Any
    ) -> Response:
        """The page, or its JSON face when the address ends so."""
        if request.url.path.endswith(".json"):
            body = msgspec.json.encode(face)
            return Response(body, status, headers=_JSON, media_type="application/json")
        shell = await self._shell(request, here)
        return _TEMPLATES.render(template, title=title, shell=shell, status=status, headers=HEADERS, **values)

    async def _shell(self, request: Request, here: str) -> Shell:
        """What accounts put around a page, with the pages of the site that one may open."""
        shell, who = await self._around(request, here=here), signed(request)
        may = tuple(page for page, _ in PAGES if who.may(NEEDS[page], request.state.site_id)) if shell.site else ()
        sites = await self.sites(request) if here in NEEDS and len(shell.sites) > 1 else []
        open_at = frozenset(site.key for site in sites if who.may(NEEDS[here], site.site_id))
        return msgspec.structs.replace(shell, pages=may, open_at=open_at, notes=self._notes())


def both(path: str, endpoint: Callable[..., Any], needs: Need, personal: str = "") -> list[BaseRoute]:
    """A page and its JSON face."""
    return [
        route(f"{path}.json", endpoint, methods=["GET"], needs=needs, personal=personal),
        route(path, endpoint, methods=["GET"], needs=needs, personal=personal),
    ]
