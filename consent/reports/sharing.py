"""What a shared view is asked, and what it answers: closed months, one dimension, nothing of few people. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

from consent.db import Row
from consent.errors import Problem
from consent.reports import figures, period, suppression
from consent.reports.period import DAY, Period
from consent.reports.subjects import SUBJECTS, Grain

SETTLES = 2 * DAY
"""Milliseconds after a month's end until its numbers are final: what comes late has come."""

MONTHS = 12


class Open(NamedTuple):
    """What of a subject may be shared: dimensions that say nothing of each other, counts that a line is judged by, and
    metrics that are made of these alone."""

    dims: tuple[str, ...]
    counts: tuple[str, ...]
    metrics: tuple[str, ...]


OPEN: Mapping[str, Open] = {
    "consent": Open(
        ("country", "language", "device", "version"), ("agreed", "refused"), ("agreed", "refused", "choices", "opt_in")
    ),
    "shown": Open(("language", "device"), ("shown",), ("shown",)),
    "visits": Open(("country", "language", "device", "source"), ("sessions", "visitors"), ("sessions", "visitors")),
    "pages": Open(("page",), ("views",), ("views",)),
    "services": Open(("host",), ("blocked",), ("blocked",)),
}


class Month(NamedTuple):
    """One month as it was counted: sums by the value of the dimension asked by, and of all."""

    name: str
    rows: Mapping[str, Row]
    total: Row


class Shared(NamedTuple):
    """What may be shown: sums of lines and of all, and how many lines are hidden, or are without some months."""

    lines: list[tuple[tuple[str, ...], dict[str, int]]]
    total: dict[str, int]
    hidden: int


def check(
    subject: str, metrics: Sequence[str], by: Sequence[str], *, grain: Grain | None, span: Period, now: int
) -> None:
    """Raises Problem, with the field, for what a shared view does not answer."""
    rules = OPEN.get(subject)
    if rules is None:
        raise _refused("shared", f"{subject} is not shared.", f"Shared are: {', '.join(OPEN)}.")
    for name in metrics:
        if name not in rules.metrics:
            raise _refused("metrics", f"{name} is not shared.", f"Shared are: {', '.join(rules.metrics)}.")
    if len(by) > 1 or not set(by) <= set(rules.dims) or grain not in (None, "month"):
        remedy = f"By month and one of: {', '.join(rules.dims)}."
        raise _refused("by", "A shared view is not divided like this.", remedy)
    if _month_of(span.start) != span.start or _month_of(span.end) != span.end or span.end > last_closed(now):
        remedy = "Name the first and the last day of months that ended two days ago or more."
        raise _refused("from", "A shared view is of whole months that are over.", remedy)


def usual(now: int) -> Period:
    """The last twelve months that are over."""
    end = last_closed(now)
    moment = datetime.fromtimestamp(end / 1000, UTC)
    start = moment.replace(year=moment.year - MONTHS // 12)
    return Period(max(0, int(start.timestamp() * 1000)), end)


def last_closed(now: int) -> int:
    """Where the last month ends that is over and settled."""
    return _month_of(now - SETTLES)


def months(span: Period) -> list[Period]:
    """The months of a span of whole months."""
    starts = [*period.starts("month", span), span.end]
    return [Period(start, end) for start, end in pairwise(starts)]


def published(subject: str, found: Sequence[Month], threshold: int, *, by_month: bool, by: bool) -> Shared:
    """What of these months may be shown."""
    about = SUBJECTS[subject]
    lines: dict[tuple[str, ...], dict[str, int]] = {}
    total = dict.fromkeys(about.columns, 0)
    hidden: set[tuple[str, ...]] = set()
    for month in found:
        front = (month.name,) if by_month else ()
        rows = {key: _numbers(subject, row) for key, row in month.rows.items()}
        kept = suppression.shown(
            {key: numbers for key, numbers in rows.items() if any(numbers)}, _numbers(subject, month.total), threshold
        )
        if kept is None:
            hidden |= {(*front, key) for key in rows} if by else {front or (month.name,)}
            continue
        total = figures.added(about.columns, [total, month.total])
        hidden |= {(*front, key) for key, numbers in rows.items() if any(numbers) and key not in kept}
        shown = {(*front, key): month.rows[key] for key in kept} if by else {front: month.total}
        for place, row in shown.items():
            lines[place] = figures.added(about.columns, [lines[place], row] if place in lines else [row])
    ordered = sorted(lines.items(), key=lambda line: (line[0][:1] if by_month else (), -_first(subject, line[1]), line))
    return Shared(ordered if by or by_month else [], total, len(hidden))


def _numbers(subject: str, row: Row) -> tuple[int, ...]:
    about = SUBJECTS[subject]
    return tuple(sum(row[column] for column in about.metrics[name].plus) for name in OPEN[subject].counts)


def _first(subject: str, row: Row) -> int:
    return sum(_numbers(subject, row))


def _month_of(moment: int) -> int:
    """The beginning of a moment's month, ms."""
    found = datetime.fromtimestamp(moment / 1000, UTC)
    return int(datetime(found.year, found.month, 1, tzinfo=UTC).timestamp() * 1000)


def _refused(field: str, sentence: str, remedy: str) -> Problem:
    return Problem("not_shared", sentence, remedy, field=field)
