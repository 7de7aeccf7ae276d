"""GET /sites/SITE/visits, /visitors and /services: who came, what they saw, and what their browsers refused to load."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from consent.catalogue.service import load_catalogue
from consent.db import Row
from consent.db.reading import Reader
from consent.errors import NotFound, Problem
from consent.reports import blocked, chart, page_queries, visit_queries, visits
from consent.reports import span as spans
from consent.reports.blocked import Host, Services
from consent.reports.consent_pages import granted_of
from consent.reports.desk import Desk, both
from consent.reports.span import Span
from consent.reports.visits import Frequent, Told, Top, Value, Visits
from consent.telemetry.hit import Measures
from consent.web.gate import Need, route, signed

MOST = 100
"""Values of one dimension on a page, and hosts."""

_VISITOR = re.compile("[0-9a-f]{32}", re.ASCII)

PLURAL = {
    "page": "Pages", "source": "Referrers", "country": "Countries", "language": "Languages", "browser": "Browsers",
    "system": "Systems", "device": "Devices", "isp_domain": "ISP domains", "frequency": "How often they came",
    "campaign": "Campaigns", "event": "Events", "outbound": "Links followed",
}  # fmt: skip


Forget = Callable[[int, str], None]
"""Deletes a visitor's rows soon: the site's id, the visitor's."""


class VisitPages:
    """Visits in numbers, visitors one by one, services."""

    def __init__(self, desk: Desk, forget: Forget) -> None:
        self._desk = desk
        self._forget = forget

    def routes(self) -> list[BaseRoute]:
        """Every path of these pages, for the app's one list."""
        return [
            *both("/sites/{site}/visits", self.visits, Need.FIGURES),
            *both("/sites/{site}/visitors", self.frequent, Need.VISITS, "visitors"),
            *both("/sites/{site}/visitors/{visitor}", self.visitor, Need.VISITS, "visitor"),
            route(
                "/sites/{site}/visitors/{visitor}/delete",
                self.delete,
                methods=["POST"],
                needs=Need.MANAGE,
                fresh=True,
                personal="visitor deleted",
            ),
            *both("/sites/{site}/services", self.services, Need.FIGURES),
        ]

    async def visits(self, request: Request) -> Response:
        """All of it in short, or by one dimension."""
        span, by = self._desk.span(request), request.query_params.get("by", "")
        if by:
            return await self._by(request, span, by)
        async with self._desk.answers.reading(["visitors"]) as readers:
            page = await _visits(readers.get("visitors"), request.state.site_id, span)
        version = self._desk.policy(request)
        return await self._desk.answer(
            request,
            "visits.html",
            "visits",
            _face(span, **msgspec.structs.asdict(page), agreed=page.agreed, counted=page.counted),
            title="Visits",
            span=span,
            page=page,
            on=bool(page.views) or (version is not None and version.resolved.telemetry is not None),
            may_visitors=signed(request).may(Need.VISITS, request.state.site_id),
            views_chart=visits.views_chart(page),
            visitors_chart=visits.visitors_chart(page),
            **_HELP,
        )

    async def frequent(self, request: Request) -> Response:
        """Visitors who came most often."""
        async with self._desk.answers.reading(["visitors"]) as readers:
            db = readers.get("visitors")
            rows = await visit_queries.frequent(db, request.state.site_id) if db else []
        found = [msgspec.convert(row, Frequent) for row in rows]
        return await self._desk.answer(
            request,
            "visitors.html",
            "visits",
            {"visitors": found},
            title="Frequent visitors",
            visitors=found,
            deleted="deleted" in request.query_params,
        )

    async def visitor(self, request: Request) -> Response:
        """One visitor's history."""
        wanted, before = request.path_params["visitor"], request.query_params.get("before", "")
        if before and not _VISITOR.fullmatch(before):
            remedy = "Follow the link `Earlier visits` of the page before, or begin anew."
            raise Problem("cursor", "before is no cursor of this history.", remedy, field="before")
        async with self._desk.answers.reading(["visitors"]) as readers:
            db, site_id = readers.get("visitors"), request.state.site_id
            row = await visit_queries.visitor(db, site_id, wanted) if db else None
            if db is None or row is None:
                remedy = "They may have withdrawn, or been gone for as long as rows are kept."
                raise NotFound("unknown_visitor", f"There is no visitor {wanted[:40]!r} at this site.", remedy)
            told, older = await _history(db, site_id, wanted, before)
        request.state.about = wanted[:12]
        fields = _fields(row["customer_fields"])
        known = Frequent(**{name: row[name] for name in Frequent.__struct_fields__})
        return await self._desk.answer(
            request,
            "visitor.html",
            "visits",
            {"visitor": known, "customer_fields": fields, "visits": told, "before": older or None},
            title=f"Visitor {wanted[:12]}",
            may_delete=signed(request).may(Need.MANAGE, site_id),
            visitor=known,
            fields=fields,
            visits=told,
            older=older,
        )

    async def delete(self, request: Request) -> Response:
        """Delete every row of a visitor who asked for it by letter; counts, which hold nobody, stay."""
        wanted, site_id = request.path_params["visitor"], request.state.site_id
        async with self._desk.answers.reading(["visitors"]) as readers:
            db = readers.get("visitors")
            known = await visit_queries.visitor(db, site_id, wanted) if db else None
        if known is None:
            remedy = "They may have withdrawn, or been gone for as long as rows are kept."
            raise NotFound("unknown_visitor", f"There is no visitor {wanted[:40]!r} at this site.", remedy)
        self._forget(site_id, wanted)
        request.state.about = wanted[:12]
        return RedirectResponse(f"/sites/{request.path_params['site']}/visitors?deleted=yes", 303)

    async def services(self, request: Request) -> Response:
        """What was refused, and what is declared."""
        span = self._desk.span(request)
        page = await self._services(request, span)
        return await self._desk.answer(
            request,
            "services.html",
            "services",
            _face(span, **msgspec.structs.asdict(page)),
            title="Services",
            span=span,
            page=page,
            refused_chart=blocked.refused_chart(page),
            standings=blocked.STANDINGS,
            date=lambda number: spans.day(number).isoformat(),
        )

    async def _by(self, request: Request, span: Span, by: str) -> Response:
        if by not in visits.DIMS:
            known = ", ".join(visits.DIMS)
            raise Problem("dimension", f"Visits are not counted by {by[:40]!r}.", f"One of: {known}.", field="by")
        async with self._desk.answers.reading(["visitors"]) as readers:
            found = await _values(readers.get("visitors"), request.state.site_id, by, span)
        return await self._desk.answer(
            request,
            "visits_by.html",
            "visits",
            _face(span, by=by, rows=found[:MOST], more=max(0, len(found) - MOST)),
            title=f"Visits by {visits.DIMS[by].lower()}",
            span=span,
            by=by,
            rows=found[:MOST],
            more=len(found) > MOST,
            counted=any(one.count.views for one in found[:MOST]),
            of_pages=by in visits.BY_VIEWS,
            of_events=by in visits.BY_EVENTS,
            **_HELP,
        )

    async def _services(self, request: Request, span: Span) -> Services:
        site_id, version = request.state.site_id, self._desk.policy(request)
        resolved = version.resolved if version else None
        keys = {service.key for service in resolved.services} if resolved else set()
        async with self._desk.answers.reading(["visitors"]) as readers:
            main, db = readers["main"], readers.get("visitors")
            hosts = hosts_of(await visit_queries.blocked(db, site_id, span, MOST) if db else [], keys)
            purposes = granted_of(await page_queries.by_value(main, site_id, "purpose", span))
            alone = granted_of(await page_queries.by_value(main, site_id, "service", span))
            by_step = [await _by_step(db, site_id, kind, span, "blocked") for kind in visit_queries.KINDS]
        times: dict[str, int] = defaultdict(int)
        for host in hosts:
            times[host.service] += host.times
        return Services(
            services=blocked.declared(resolved, purposes, alone, times) if resolved else (),
            hosts=hosts,
            steps=tuple(spans.steps(_daily(span))),
            refused=tuple(sum(one.events for one in ones) for ones in zip(*by_step, strict=True)),
            told=resolved is not None and resolved.telemetry is not None,
        )


async def _visits(db: Reader | None, site_id: int, span: Span) -> Visits:
    tops = {by: tuple(await _tops(db, site_id, by, span)) for by in visits.CARDS}
    full, count = [await _by_step(db, site_id, kind, span) for kind in visit_queries.KINDS]
    steps = tuple(spans.steps(_daily(span)))
    told = span.days if span.grain == "hour" else len(steps)
    return Visits(steps=steps, told=told, full=full, count=count, tops=tops)


async def _by_step(db: Reader | None, site_id: int, kind: str, span: Span, dim: str = "total") -> tuple[Measures, ...]:
    span = _daily(span)
    found: dict[int, list[Measures]] = defaultdict(list)
    for row in await visit_queries.by_time(db, site_id, kind, span, dim) if db else []:
        found[spans.step_of(span, row["bucket"])].append(visits.measures(row))
    return tuple(visits.added(found[step.first]) for step in spans.steps(span))


async def _tops(db: Reader | None, site_id: int, by: str, span: Span) -> list[Top]:
    """The most frequent values of a dimension."""
    if db is None:
        return []
    rows = await visit_queries.largest(db, site_id, by, visits.column(by), span, limit=visits.TOP)
    return [Top(row["val"], row["n"]) for row in rows if row["n"]]


async def _values(db: Reader | None, site_id: int, by: str, span: Span) -> list[Value]:
    """Values of a dimension with all their measures, the most frequent first, and one more than are shown."""
    if db is None:
        return []
    rows = await visit_queries.largest(db, site_id, by, visits.column(by), span, limit=MOST + 1)
    ranked = [row["val"] for row in rows]
    none = Measures()
    found: dict[tuple[str, str], Measures] = defaultdict(lambda: none)
    for row in await visit_queries.of_values(db, site_id, by, ranked, span) if ranked else []:
        found[row["val"], row["kind"]] = visits.measures(row)
    return [Value(value, found[value, "full"], found[value, "count"]) for value in ranked]


def hosts_of(rows: Iterable[Row], declared: set[str]) -> tuple[Host, ...]:
    """Hosts that were refused, the most frequent first, from rows by host and service."""
    catalogue = load_catalogue()
    return tuple(
        Host(
            host=row["val"],
            service=row["also"],
            name=catalogue[row["also"]].name if row["also"] in catalogue else row["also"],
            kind=catalogue[row["also"]].kind if row["also"] in catalogue else "",
            standing=blocked.standing(row["also"], declared, catalogue),
            times=row["events"],
            first=row["first"],
            last=row["last"],
        )
        for row in rows
    )


async def _history(db: Reader, site_id: int, wanted: str, before: str) -> tuple[list[Told], str]:
    """A page of visits with their events, and the id to go on before; empty at the end."""
    found = await visit_queries.visits_of(db, site_id, wanted, before)
    shown = found[: visit_queries.VISITS]
    told = [Told(one, visits.ordered(await visit_queries.events_of(db, site_id, one.id))) for one in shown]
    return told, shown[-1].id if len(found) > len(shown) else ""


def _daily(span: Span) -> Span:
    """The same days in steps of days at least: anonymous counts know no hour."""
    return span if span.grain != "hour" else Span(span.last - 6, span.last)


def _fields(text: str) -> dict[str, str]:
    try:
        return msgspec.json.decode(text, type=dict[str, str]) if text else {}
    except msgspec.DecodeError:
        return {}


def _load(full: Measures, count: Measures) -> float | None:
    """Seconds in which pages loaded, in the mean."""
    return visits.per((full.load_time + count.load_time) / 1_000, full.loaded + count.loaded)


def _face(span: Span, **page: Any) -> dict[str, Any]:
    first, last = span.dates
    return {"from": first, "to": last, **{name: _named(value) for name, value in page.items()}}


def _named(value: Any) -> Any:
    """Measures by their names, wherever they stand."""
    if isinstance(value, Measures):
        return value._asdict()
    if isinstance(value, Value):
        return {name: _named(part) for name, part in msgspec.structs.asdict(value).items()}
    return [_named(one) for one in value] if isinstance(value, list | tuple) else value


_HELP: dict[str, Any] = {
    "per": visits.per, "column": visits.column, "weighed": visits.weighed, "label": visits.label,
    "dims": visits.DIMS, "plural": PLURAL, "part": chart.part, "load": _load,
}  # fmt: skip
"""Functions that the templates of visits call."""
