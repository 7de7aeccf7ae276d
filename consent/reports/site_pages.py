"""GET /sites/, /sites/SITE and /sites/SITE/site: what a site publishes, and whether its pages carry it."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from consent.db import Row
from consent.delivery import snippet
from consent.errors import NotFound, Problem, TooMany
from consent.policy.change import asks_again
from consent.policy.queries import Version, by_version
from consent.policy.resolved import Resolved
from consent.reports import difference, page_queries, peek, presence
from consent.reports.choices import Choices, choices
from consent.reports.desk import NEEDS, Desk, both
from consent.reports.difference import Difference
from consent.reports.presence import Presence, Variant
from consent.reports.span import USUAL, Span, today
from consent.web.body import read_body
from consent.web.gate import Need, route, signed
from consent.web.limits import Buckets

LOOKS = 10
"""Pages of one site that are fetched in a minute."""

MOST_FORM = 8_192
"""Bytes of the form."""

_VARIANTS: dict[Variant, str] = {
    "meta": "The usual lines",
    "strict": "The strict variant: nothing but preconnections of static markup remains",
    "tag": "One script tag: blocks only what is marked up",
}


class Named(msgspec.Struct, frozen=True):
    """A site in the list, with the choices of the last days; None for who may not see figures."""

    key: str
    version: int
    choices: Choices | None


class Published(msgspec.Struct, frozen=True):
    """A version in the list; `asks`: whether it asked everybody again who had chosen, None for the first one."""

    version: int
    hash: str
    published: int
    asks: bool | None


class Looked(msgspec.Struct, frozen=True):
    """A version and what it changed; `before` is 0 for the first one."""

    version: int
    before: int
    changes: tuple[Difference, ...] = ()
    asks: bool | None = None


class Kept(msgspec.Struct, frozen=True):
    """A cookie or other thing that a service keeps in the browser."""

    name: str
    service: str
    purposes: tuple[str, ...]
    duration: str
    recipient: str


class SitePages:
    """The list of sites, and what one publishes."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._looks = Buckets(LOOKS)

    def routes(self) -> list[BaseRoute]:
        """Every path of these pages, for the app's one list."""
        return [
            *both("/sites/{site}/site", self.site, Need.LOG),
            route("/sites/{site}/site", self.look, methods=["POST"], needs=Need.LOG),
            route("/sites.json", self.listed, methods=["GET"], needs=Need.OWN),
            route("/sites/", self.listed, methods=["GET"], needs=Need.OWN),
            route("/sites/{site}", self.first, methods=["GET"], needs=Need.LOG),
        ]

    async def listed(self, request: Request) -> Response:
        """The sites that one may look at; where it is one, that one."""
        known = await self._desk.sites(request)
        if len(known) == 1 and not request.url.path.endswith(".json"):
            return RedirectResponse(f"/sites/{known[0].key}", 303)
        who, day = signed(request), today(self._desk.now())
        span = Span(day - USUAL + 1, day, USUAL)
        told = [site.site_id for site in known if who.may(Need.FIGURES, site.site_id)]
        async with self._desk.answers.reading() as readers:
            counted = await page_queries.by_site(readers["main"], told, span)
        found: list[Named] = []
        for site in known:
            said = None
            if who.may(Need.FIGURES, site.site_id):
                said = choices(counted[site.site_id]) if site.site_id in counted else Choices()
            live = self._desk.published.site(site.key)
            found.append(Named(site.key, live.version.version if live else 0, said))
        return await self._desk.answer(
            request, "sites.html", "", {"sites": found}, title="Sites", listed=found, days=USUAL
        )

    async def first(self, request: Request) -> Response:
        """The first page of a site that one may open."""
        who, site_id = signed(request), request.state.site_id
        page = next(page for page, need in NEEDS.items() if who.may(need, site_id))
        return RedirectResponse(f"/sites/{request.path_params['site']}/{page}", 303)

    async def site(self, request: Request) -> Response:
        """Lines to paste, versions and what they changed, cookies declared."""
        return await self._page(request, "", None)

    async def look(self, request: Request) -> Response:
        """Fetch a page of the site's own, and say whether the lines are on it."""
        form = parse_qs((await read_body(request.receive, MOST_FORM)).decode("utf-8", "replace"))
        url = form.get("url", [""])[0].strip()
        wait = self._looks.take(request.state.site_id, self._desk.now() / 1_000)
        if wait:
            raise TooMany(wait)
        policy = self._policy(request)
        try:
            allowed = policy.resolved.origins
            page = await peek.fetch(url, allowed, own=[one for one in allowed if self._is_ours(one)])
            found = presence.inspect(page, self._lines(policy))
        except Problem as problem:
            found = Presence("bad", problem.message, problem.remedy)
        return await self._page(request, url, found)

    async def _page(self, request: Request, url: str, found: Presence | None) -> Response:
        db, site_id = self._desk.db, request.state.site_id
        policy = self._policy(request)
        rows = await page_queries.versions(db, site_id)
        looked = await self._looked(site_id, _wanted(request.query_params, policy.version), rows)
        cookies = kept(policy.resolved)
        lines = self._lines(policy)
        return await self._desk.answer(
            request,
            "site.html",
            "site",
            {"policy": policy.resolved, "versions": rows, "looked": looked, "cookies": cookies, "lines": lines},
            title="Site",
            resolved=policy.resolved,
            lines=[(variant, name, lines[variant]) for variant, name in _VARIANTS.items()],
            url=url or f"{next(iter(policy.resolved.origins), '')}/",
            presence=found,
            versions=await self._listed(site_id, rows),
            looked=looked,
            cookies=cookies,
            may_manage=signed(request).may(Need.MANAGE, site_id),
        )

    def _policy(self, request: Request) -> Version:
        found = self._desk.policy(request)
        if found is None:
            key = request.path_params["site"]
            remedy = "Publish one: consent policy publish FILE."
            raise NotFound("no_policy", f"The site {key[:40]} has not published a policy yet.", remedy)
        return found

    def _lines(self, policy: Version) -> dict[Variant, str]:
        return {variant: snippet.render(policy, self._desk.config, variant).text for variant in _VARIANTS}

    def _is_ours(self, origin: str) -> bool:
        """Whether an origin is this service's own, by either name of this machine: the demo's."""
        same = {origin, origin.replace("localhost", "127.0.0.1"), origin.replace("127.0.0.1", "localhost")}
        return self._desk.config.base_url in same

    async def _listed(self, site_id: int, rows: list[Row]) -> list[Published]:
        """Versions with whether each asked again; those of long ago are told without."""
        found: list[Published] = []
        for row, before in zip(rows, [*rows[1:], None], strict=True):
            asks = None if before is None else row["scope"] != before["scope"]
            if asks and before is not None and len(found) < _READ:
                old = await by_version(self._desk.db, site_id, before["version"])
                new = await by_version(self._desk.db, site_id, row["version"])
                asks = asks_again(old.resolved, new.resolved) if old and new else asks
            found.append(Published(row["version"], row["hash"], row["published"], asks))
        return found

    async def _looked(self, site_id: int, wanted: int, rows: list[Row]) -> Looked:
        known = [row["version"] for row in rows]
        if wanted not in known:
            raise NotFound(
                "unknown_version", f"There is no version {wanted} of this policy.", "Choose one of the list."
            )
        earlier = max((version for version in known if version < wanted), default=0)
        new, old = [await by_version(self._desk.db, site_id, version) for version in (wanted, earlier)]
        if old is None or new is None:
            return Looked(wanted, 0)
        changes = tuple(difference.differences(old.resolved, new.resolved))
        return Looked(wanted, earlier, changes, asks_again(old.resolved, new.resolved))


_READ = 20
"""Newest versions that are compared in full for the list."""


def kept(resolved: Resolved) -> list[Kept]:
    """What the services of a policy keep in the browser."""
    return [*_kept(resolved)]


def _kept(resolved: Resolved) -> Iterable[Kept]:
    for service in resolved.services:
        for cookie in service.cookies:
            yield Kept(cookie.name, service.name, service.purposes, cookie.duration, cookie.recipient)
        for item in service.storage:
            yield Kept(item.name, service.name, service.purposes, item.duration or item.kind, service.provider)


def _wanted(given: Mapping[str, str], newest: int) -> int:
    text: Any = given.get("version", "")
    if text and not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise Problem("version", f"version is no number: {text[:40]!r}.", "Such as 3.", field="version")
    return int(text or newest)
