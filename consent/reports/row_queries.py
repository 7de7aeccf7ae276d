"""Rows put together by what is asked, for combinations that are not counted."""

import asyncio
from collections.abc import Iterable

from consent.db import Row, Value
from consent.db.reading import Reader
from consent.errors import Problem
from consent.records.identifier import first_of
from consent.reports import rows
from consent.reports.period import DAY, HOUR
from consent.reports.question import Question
from consent.reports.rows import Sums
from consent.telemetry.hit import ENGAGEMENT, VIEW

MOST = 20_000
"""Groups that are put together further in memory."""

_VISIT = (
    "count(*) as sessions, count(*) as logged, sum(case when s.opens_day then 1 else 0 end) as visitors,"
    " sum(case when s.visit = 1 then 1 else 0 end) as newcomers,"
    " sum(case when s.views <= 1 then 1 else 0 end) as bounces, sum(s.engaged) as engaged"
)
_EVENTS = (
    f"sum(case when e.event = '{VIEW}' then 1 else 0 end) as views,"
    f" sum(case when e.event in ('{VIEW}', '{ENGAGEMENT}') then 0 else 1 end) as events"
)
_LOADS = (
    "sum(e.engaged) as engaged, sum(case when e.load_time > 0 then 1 else 0 end) as loaded,"
    " sum(e.load_time) as load_time"
)
_OF_EVENTS = frozenset({"views", "events"})


async def read(reader: Reader, site_id: int, asked: Question) -> Sums:
    """What the rows say. Raises Problem where there are too many different ones."""
    if asked.subject == "consent":
        return await _summed(asked, rows.action_sums(await _records(reader, site_id, asked)))
    if asked.subject == "pages":
        return await _summed(asked, await _events(reader, site_id, asked, f"{_EVENTS}, {_LOADS}"))
    found = []
    needed = {name for metric in asked.metrics for name in _parts(asked, metric)}
    if needed - _OF_EVENTS or asked.about.weight in asked.metrics:
        found += await _sessions(reader, site_id, asked)
    if needed & _OF_EVENTS:
        found += await _events(reader, site_id, asked, _EVENTS)
    return await _summed(asked, found)


async def _summed(asked: Question, found: Iterable[Row]) -> Sums:
    """In a thread: it may take as long as the query, and choices are answered meanwhile."""
    return await asyncio.to_thread(rows.summed, asked, found)


def _parts(asked: Question, metric: str) -> tuple[str, ...]:
    one = asked.about.metrics[metric]
    return one.plus + one.minus + one.per


async def _records(reader: Reader, site_id: int, asked: Question) -> list[Row]:
    keys = [*_at("time", asked), *rows.columns(asked), "action"]
    sql = (
        f"select {', '.join(keys)}, count(*) as n from consent_record"  # noqa: S608  # only names of columns
        f" where site_id = :site_id and id >= :first and id < :last group by {_bare(keys)} limit {MOST + 1}"
    )
    return await _few(reader, sql, site_id=site_id, first=first_of(asked.period.start), last=first_of(asked.period.end))


async def _sessions(reader: Reader, site_id: int, asked: Question) -> list[Row]:
    keys = [*_at("s.began", asked), *(f"s.{name} as {name}" for name in rows.columns(asked))]
    sql = (
        f"select {', '.join([*keys, _VISIT])} from session s"  # noqa: S608  # only names of columns
        f" where s.site_id = :site_id and s.id >= :first and s.id < :last {_grouped(keys)} limit {MOST + 1}"
    )
    return await _few(reader, sql, site_id=site_id, first=f"{asked.period.start:012x}", last=f"{asked.period.end:012x}")


async def _events(reader: Reader, site_id: int, asked: Question, sums: str) -> list[Row]:
    """Events of the span, with what is asked of their sessions, which may have begun two days earlier."""
    own = {"host", "path"}
    keys = [
        *_at("e.time", asked),
        *(f"{'e' if name in own else 's'}.{name} as {name}" for name in rows.columns(asked)),
    ]
    sql = (
        f"select {', '.join([*keys, sums])} from session s join event e"  # noqa: S608  # only names of columns
        " on e.site_id = s.site_id and e.session = s.id"
        " where s.site_id = :site_id and s.id >= :early and s.id < :late and e.time >= :start and e.time < :end"
        f" {_grouped(keys)} limit {MOST + 1}"
    )
    span = asked.period
    return await _few(
        reader,
        sql,
        site_id=site_id,
        early=f"{max(0, span.start - 2 * DAY):012x}",
        late=f"{span.end + 2 * DAY:012x}",
        start=span.start,
        end=span.end,
    )


def _at(column: str, asked: Question) -> list[str]:
    """The bucket of a row, where it is asked by time."""
    return [f"{column} / {HOUR if asked.grain == 'hour' else DAY} as at"] if asked.grain else []


def _bare(keys: list[str]) -> str:
    return ", ".join(key.partition(" as ")[0] for key in keys)


def _grouped(keys: list[str]) -> str:
    return f"group by {_bare(keys)}" if keys else ""


async def _few(reader: Reader, sql: str, **params: Value) -> list[Row]:
    found = await reader.fetch(sql, **params)
    if len(found) > MOST:
        raise Problem(
            "combination",
            "Rows differ in too many ways for this question, which is not counted.",
            "Ask for a shorter time, or for fewer dimensions.",
            field="by",
        )
    return found
