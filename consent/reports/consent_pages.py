"""GET /sites/SITE/overview and /consent: what visitors chose."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.db import Row
from consent.db.reading import Reader
from consent.errors import Problem
from consent.policy.resolved import Resolved
from consent.records import identifier
from consent.reports import breakdown, log_queries, overview, page_queries
from consent.reports import span as spans
from consent.reports.breakdown import Breakdown
from consent.reports.choices import Choices, choices, total
from consent.reports.desk import Desk, both
from consent.reports.overview import Asked, Live, Overview
from consent.reports.span import Span
from consent.web import figures
from consent.web.gate import Need, route

MINUTES = 60
"""Of the live figures."""

YEAR = 364
"""Days: whole weeks, so that the same days of the week are compared."""

_AGAINST = {"": "Nothing", "before": "The span before", "year": "The same weeks a year before"}


class ConsentPages:
    """Overview and breakdowns."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[BaseRoute]:
        """Every path of these pages, for the app's one list."""
        return [
            *both("/sites/{site}/overview", self.overview, Need.FIGURES),
            *both("/sites/{site}/consent", self.consent, Need.FIGURES),
            route("/sites/{site}/live.json", self.live, methods=["GET"], needs=Need.FIGURES, polled=True),
        ]

    async def overview(self, request: Request) -> Response:
        """How many were asked and answered, and what they said."""
        span = self._desk.span(request)
        async with self._desk.answers.reading() as readers:
            page = await self._overview(readers["main"], request, span)
        return await self._desk.answer(
            request,
            "overview.html",
            "overview",
            _face(span, page, now=page.now, before=page.before),
            title="Overview",
            span=span,
            page=page,
            choices_chart=overview.choices_chart(page),
            rate_chart=overview.rate_chart(page),
            shown_chart=overview.shown_chart(page),
            live_chart=overview.live_chart(page.live),
            anything=bool(page.now.total or page.before.total)
            or await page_queries.anything(self._desk.db, request.state.site_id),
        )

    async def live(self, request: Request) -> Response:
        """The last hour as the page's script takes it: bars by their number, figures by their name."""
        async with self._desk.answers.reading() as readers:
            live = await self._live(readers["main"], request.state.site_id)
        chart = overview.live_chart(live)
        bars = [{"y": bar.y, "height": bar.height} for bar in chart.bars]
        told = {"total": figures.number(live.choices.total), "opt_in": figures.share(live.choices.opt_in)}
        face = {"bars": bars, "figures": told, "ticks": [tick.text for tick in chart.ticks], "live": live}
        return await self._desk.answer(request, "", "overview", face, title="")

    async def consent(self, request: Request) -> Response:
        """Choices by one dimension, compared with another time or version."""
        span, asked = self._desk.span(request), _asked(request.query_params)
        async with self._desk.answers.reading() as readers:
            known = await page_queries.versions(readers["main"], request.state.site_id)
            page = await _breakdown(readers["main"], request.state.site_id, span, asked)
        return await self._desk.answer(
            request,
            "consent.html",
            "consent",
            _face(span, page),
            title=f"Consent by {breakdown.DIMS[page.by].lower()}",
            span=span,
            page=page,
            asked=asked,
            dims=breakdown.DIMS,
            named=breakdown.named(page.by, page.rows),
            rate_chart=breakdown.rate_chart(page),
            comparisons=_comparisons(asked, known),
            ways=[(key, name, _kept(key, asked["against"])) for key, name in breakdown.DIMS.items()],
            versions=[("", "All"), *((str(row["version"]), f"Version {row['version']}") for row in known)]
            if page.by in breakdown.WITH_VERSION
            else [],
        )

    async def _overview(self, db: Reader, request: Request, span: Span) -> Overview:
        site_id = request.state.site_id
        steps = tuple(spans.steps(span))
        now = _stepped(span, await page_queries.by_time(db, site_id, span))
        earlier = span.before
        before = _stepped(earlier, await page_queries.by_time(db, site_id, earlier))
        version = self._desk.policy(request)
        asked = await page_queries.by_value(db, site_id, "purpose", span)
        shown = await _shown(db, site_id, span)
        return Overview(
            steps=steps,
            by_step=overview.by_steps(steps, now),
            before_by_step=overview.by_steps(spans.steps(earlier), before),
            shown_by_step=shown[0] if shown else None,
            answered_by_step=shown[1] if shown else None,
            purposes=purposes(asked, version.resolved) if version else (),
            live=await self._live(db, site_id),
        )

    async def _live(self, db: Reader, site_id: int) -> Live:
        minute = self._desk.now() // 60_000
        first = minute - MINUTES + 1
        rows = await log_queries.minutes(db, site_id, identifier.first_of(first * 60_000))
        by_minute: dict[int, int] = defaultdict(int)
        said: dict[str, int] = defaultdict(int)
        for row in rows:
            by_minute[row["minute"]] += row["n"]
            said[row["action"]] += row["n"]
        whole = sum(said.values()) < log_queries.LIVE
        found = Choices(**{name: said[name] for name in Choices.__struct_fields__})
        return Live(tuple(by_minute[first + at] for at in range(MINUTES)), found, whole)


async def _shown(db: Reader, site_id: int, span: Span) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """First layers and first answers under the same laws by step, which are counted by day; None where no layer was
    counted, or the steps are hours."""
    counted = await page_queries.shown(db, site_id, span)
    if not counted or span.grain == "hour":
        return None
    sums: dict[int, int] = defaultdict(int)
    for day, number in counted.items():
        sums[spans.step_of(span, day)] += number
    steps = spans.steps(span)
    answers = overview.by_steps(steps, _stepped(span, await page_queries.answered(db, site_id, span)))
    return tuple(sums[step.first] for step in steps), tuple(one.answered for one in answers)


async def _breakdown(db: Reader, site_id: int, span: Span, asked: dict[str, str]) -> Breakdown:
    by, version = asked["by"], int(asked["version"] or 0)
    now = await _values(db, site_id, by, span, version)
    other, words = _other(span, asked["against"], version)
    before = await _values(db, site_id, by, other[0], other[1]) if other else None
    rows = breakdown.rows(now, before)
    drawn = [row.value for row in rows[: breakdown.DRAWN] if row.choices.answered]
    return Breakdown(
        by=by,
        against=words,
        rows=tuple(rows[: page_queries.VALUES]),
        more=max(0, len(rows) - page_queries.VALUES),
        whole=breakdown.whole(by, rows),
        steps=tuple(spans.steps(_daily(span))),
        series=() if version or by in breakdown.ANSWERED else await _series(db, site_id, by, drawn, _daily(span)),
    )


async def _values(db: Reader, site_id: int, by: str, span: Span, version: int) -> dict[str, Choices]:
    """Choices by value; a purpose or service counts as given where it was granted, else as refused."""
    if version:
        rows = await page_queries.of_version(db, site_id, by, version, span)
        return {row["also"]: choices(row) for row in rows}
    rows = await page_queries.by_value(db, site_id, by, span)
    if by not in breakdown.ANSWERED:
        return {row["val"]: choices(row) for row in rows}
    return {key: Choices(given=granted, refused=denied) for key, (granted, denied) in granted_of(rows).items()}


async def _series(
    db: Reader, site_id: int, by: str, values: list[str], span: Span
) -> tuple[tuple[str, tuple[Choices, ...]], ...]:
    if not values:
        return ()
    found: dict[str, list[Row]] = defaultdict(list)
    for row in await page_queries.over_time(db, site_id, by, values, span):
        found[row["val"]].append(row)
    steps = spans.steps(span)
    return tuple((value, overview.by_steps(steps, _stepped(span, found[value]))) for value in values)


def purposes(rows: Iterable[Row], resolved: Resolved) -> tuple[Asked, ...]:
    """The purposes that a policy asks, in its order, with what first answers said."""
    said = granted_of(rows)
    asked = [purpose for purpose in resolved.purposes if not purpose.required]
    titles = {purpose.key: purpose.texts[resolved.languages[0]].title for purpose in asked}
    return tuple(Asked(one.key, titles[one.key], *said.get(one.key, (0, 0))) for one in asked)


def granted_of(rows: Iterable[Row]) -> dict[str, tuple[int, int]]:
    """How many first answers granted each purpose or service, and how many did not."""
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        granted, denied = found.get(row["val"], (0, 0))
        number = choices(row).answered
        found[row["val"]] = (granted + number, denied) if row["also"] == "granted" else (granted, denied + number)
    return found


def _stepped(span: Span, rows: Iterable[Row]) -> dict[int, Choices]:
    """Choices by step, from rows by bucket."""
    found: dict[int, list[Choices]] = defaultdict(list)
    for row in rows:
        found[spans.step_of(span, row["bucket"])].append(choices(row))
    return {step: total(them) for step, them in found.items()}


def _daily(span: Span) -> Span:
    """The same days in steps of days at least: most dimensions are not counted by the hour."""
    return span if span.grain != "hour" else Span(span.last - 6, span.last)


def _asked(given: Mapping[str, str]) -> dict[str, str]:
    """`by`, `against` and `version`, checked. Raises Problem with the field."""
    by, against, version = given.get("by", "country"), given.get("against", ""), given.get("version", "")
    if by not in breakdown.DIMS:
        known = ", ".join(breakdown.DIMS)
        raise Problem("dimension", f"Choices are not counted by {by[:40]!r}.", f"One of: {known}.", field="by")
    number = against.removeprefix("version-")
    if against not in _AGAINST and not (against != number and _is_number(number)):
        remedy = "One of: before, year, version-3."
        raise Problem("against", f"There is nothing to compare with named {against[:40]!r}.", remedy, field="against")
    if version and not _is_number(version):
        raise Problem("version", f"version is no number: {version[:40]!r}.", "Such as 3.", field="version")
    if (version or against != number) and by not in breakdown.WITH_VERSION:
        known = ", ".join(breakdown.WITH_VERSION)
        raise Problem("dimension", f"Versions are not counted by {by}.", f"One of: {known}.", field="by")
    return {"by": by, "against": against, "version": version}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 9


def _other(span: Span, against: str, version: int) -> tuple[tuple[Span, int] | None, str]:
    """What is compared with: its days and version, and its name."""
    if against == "before":
        return (span.before, version), str(span.before)
    if against == "year":
        earlier = Span(span.first - YEAR, span.last - YEAR)
        return (earlier, version), str(earlier)
    if against:
        number = int(against.removeprefix("version-"))
        return (span, number), f"version {number}"
    return None, ""


def _comparisons(asked: dict[str, str], known: list[Row]) -> list[tuple[str, str]]:
    found = list(_AGAINST.items())
    if asked["by"] in breakdown.WITH_VERSION:
        found += [(f"version-{row['version']}", f"Version {row['version']}") for row in known]
    return found


def _kept(by: str, against: str) -> str:
    """What is compared with, as far as another dimension can be compared with it."""
    return against if against in _AGAINST or by in breakdown.WITH_VERSION else ""


def _face(span: Span, page: msgspec.Struct, **more: Any) -> dict[str, Any]:
    first, last = span.dates
    return {"from": first, "to": last, "grain": span.grain, **msgspec.structs.asdict(page), **more}
