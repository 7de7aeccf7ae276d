"""Questions over tables of counts: sums by bucket and value. Every answer is bounded."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from consent.db import Row, Value
from consent.db.reading import Reader
from consent.reports.period import DAY, HOUR, Period
from consent.reports.subjects import Held, Subject

MOST = 50_000
"""Rows that one query may give; more than questions allow lines times buckets."""


class Part(NamedTuple):
    """Which rows of a subject's table are looked at: one dimension's cells, a span of time, some values. Of its columns
    those are summed up that are wanted; the others are 0."""

    site_id: int
    subject: Subject
    held: Held
    period: Period
    hours: bool
    filter: Mapping[str, tuple[str, ...]]
    columns: frozenset[str]

    @property
    def unit(self) -> int:
        """Milliseconds of a bucket as the table holds it."""
        if self.subject.cells:
            return HOUR if self.hours else DAY
        return HOUR if self.subject.finest == "hour" else DAY


async def total(reader: Reader, part: Part) -> Row:
    """Everything summed up."""
    where, params = _where(part)
    sql = f"select {_sums(part)} from {part.subject.table} where {where}"  # noqa: S608  # see _where
    [row] = await reader.fetch(sql, **params)
    return row


async def largest(
    reader: Reader,
    part: Part,
    by: Sequence[str],
    *,
    weights: Sequence[str],
    limit: int,
    after: tuple[int, tuple[str, ...]] | None = None,
) -> list[Row]:
    """Sums by the values of dimensions (k0, k1), the largest first, with their `weight`; those behind `after`."""
    where, params = _where(part)
    keys = [part.held.columns[dim] for dim in by]
    named = [f"{column} as k{number}" for number, column in enumerate(keys)]
    order = [f"k{number}" for number in range(len(keys))]
    behind = ""
    if after is not None:
        weight, last = after
        params |= {"weight": weight} | {f"after{number}": text for number, text in enumerate(last)}
        marks = ", ".join(f":after{number}" for number in range(len(last)))
        behind = f" where (weight < :weight or (weight = :weight and ({', '.join(order)}) > ({marks})))"
    return await reader.fetch(
        f"with g as (select {', '.join(named)}, {_sums(part)} from {part.subject.table} where {where}"  # noqa: S608
        f" group by {', '.join(keys)}),"
        f" w as (select g.*, {' + '.join(weights)} as weight from g)"
        f" select * from w{behind} order by weight desc, {', '.join(order)} limit :limit",
        **params,
        limit=limit,
    )


async def over_time(reader: Reader, part: Part, by: Sequence[str], only: Sequence[tuple[str, ...]]) -> list[Row]:
    """Sums by bucket (`at`) and the values of dimensions; of these alone, where there are dimensions."""
    where, params = _where(part)
    keys = [part.held.columns[dim] for dim in by]
    if by:
        marks = []
        for number, values in enumerate(only):
            names = {f"o{number}_{place}": text for place, text in enumerate(values)}
            marks.append(f"({', '.join(f':{name}' for name in names)})")
            params |= names
        where += f" and ({', '.join(keys)}) in (values {', '.join(marks)})"
    named = [f"{column} as k{number}" for number, column in enumerate(keys)]
    bucket = part.subject.bucket
    return await reader.fetch(
        f"select {', '.join([f'{bucket} as at', *named])}, {_sums(part)}"  # noqa: S608  # see _where
        f" from {part.subject.table} where {where}"
        f" group by {', '.join([bucket, *keys])} order by {bucket} limit {MOST}",
        **params,
    )


async def is_counted(reader: Reader, site_id: int) -> bool:
    """Whether all records of a site are in its counts, those of before there were counts too."""
    return not await reader.fetch("select mark from consent_backlog where site_id = :site_id", site_id=site_id)


def _sums(part: Part) -> str:
    names, made = part.subject.columns, part.subject.made
    return ", ".join(
        f"coalesce(sum({made.get(name, name)}), 0) as {name}" if name in part.columns else f"0 as {name}"
        for name in names
    )


def _where(part: Part) -> tuple[str, dict[str, Value]]:
    """The rows of a part. Names of columns are the subject's own; every value is a parameter."""
    subject, unit = part.subject, part.unit
    params: dict[str, Value] = {
        "site_id": part.site_id,
        "first": part.period.start // unit,
        "last": -(-part.period.end // unit),
    }
    terms = ["site_id = :site_id", f"{subject.bucket} >= :first", f"{subject.bucket} < :last"]
    if subject.cells:
        params |= {"dim": part.held.cells, "grain": "hour" if part.hours else "day"}
        terms += ["dim = :dim", "grain = :grain", f"kind in ({', '.join(repr(kind) for kind in subject.kinds)})"]
    for place, (dim, values) in enumerate(sorted(part.filter.items())):
        names = {f"f{place}_{number}": value for number, value in enumerate(values)}
        params |= names
        terms.append(f"{part.held.columns[dim]} in ({', '.join(f':{name}' for name in names)})")
    return " and ".join(terms), params
