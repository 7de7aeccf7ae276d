"""The visitors' log as its pages ask for it: counts by time and value, frequent visitors, one of them."""

from collections.abc import Sequence

from consent.db import Row
from consent.db.reading import Reader
from consent.reports.span import Span
from consent.telemetry.hit import EventRow, Measures
from consent.telemetry.session import Session, event_from_row, from_row

_SUMS = ", ".join(f"sum({name}) as {name}" for name in Measures._fields)
_WHERE = (
    " from rollup where site_id = :site_id and dim = :dim and grain = :grain and kind = :kind"
    " and bucket >= :first and bucket <= :last"
)
KINDS = ("full", "count")

FREQUENT = 50
"""Frequent visitors on a page."""

VISITS = 20
"""Visits of one visitor on a page."""

EVENTS = 200
"""Events of one visit on a page."""


async def by_time(db: Reader, site_id: int, kind: str, span: Span, dim: str = "total") -> list[Row]:
    """Measures by bucket: of the span's stored grain, anonymous counts and all but totals by day."""
    grain = span.stored if kind == "full" and dim == "total" else "day"
    first, last = span.buckets if grain == "hour" else (span.first, span.last)
    return await db.fetch(
        f"select bucket, {_SUMS}{_WHERE} group by bucket",
        site_id=site_id, dim=dim, grain=grain, kind=kind, first=first, last=last,
    )  # fmt: skip


async def largest(db: Reader, site_id: int, dim: str, column: str, span: Span, *, limit: int) -> list[Row]:
    """Values of a dimension with the sum of one measure (`n`), visitors who agreed and others, the largest first."""
    assert column in Measures._fields
    return await db.fetch(
        f"select val, sum({column}) as n from rollup where site_id = :site_id and dim = :dim and grain = 'day'"  # noqa: S608
        " and kind in ('full', 'count') and bucket >= :first and bucket <= :last"
        " group by val order by n desc, val limit :limit",
        site_id=site_id, dim=dim, first=span.first, last=span.last, limit=limit,
    )  # fmt: skip


async def of_values(db: Reader, site_id: int, dim: str, values: Sequence[str], span: Span) -> list[Row]:
    """All measures of some values, by kind."""
    names = {f"v{number}": value for number, value in enumerate(values)}
    return await db.fetch(
        f"select val, kind, {_SUMS} from rollup where site_id = :site_id and dim = :dim and grain = 'day'"  # noqa: S608
        " and kind in ('full', 'count') and bucket >= :first and bucket <= :last"
        f" and val in ({', '.join(':' + name for name in names)}) group by val, kind",
        site_id=site_id, dim=dim, first=span.first, last=span.last, **names,
    )  # fmt: skip


async def blocked(db: Reader, site_id: int, span: Span, limit: int) -> list[Row]:
    """Hosts that were refused (`val`) with their service (`also`), how often, and the first and last day since 1970."""
    return await db.fetch(
        "select val, also, min(bucket) as first, max(bucket) as last, sum(events) as events from rollup"
        " where site_id = :site_id and dim = 'blocked' and grain = 'day' and kind in ('full', 'count')"
        " and bucket >= :first and bucket <= :last group by val, also order by events desc, val limit :limit",
        site_id=site_id, first=span.first, last=span.last, limit=limit,
    )  # fmt: skip


async def frequent(db: Reader, site_id: int, limit: int = FREQUENT) -> list[Row]:
    """Visitors who came most often, of those the latest; none who withdrew and is being deleted."""
    return await db.fetch(
        "select id, first, last, visits, views, customer from visitor where site_id = :site_id"
        " and not leaving order by visits desc, last desc limit :limit",
        site_id=site_id, limit=limit,
    )  # fmt: skip


async def visitor(db: Reader, site_id: int, wanted: str) -> Row | None:
    """One visitor who has not withdrawn, with the fields that the site told of them (JSON)."""
    rows = await db.fetch(
        "select id, first, last, visits, views, customer, customer_fields from visitor"
        " where site_id = :site_id and id = :id and not leaving",
        site_id=site_id, id=wanted,
    )  # fmt: skip
    return rows[0] if rows else None


async def visits_of(db: Reader, site_id: int, wanted: str, before: str) -> list[Session]:
    """A page of a visitor's visits and one more, the newest first; `before` is the id to go on before, or empty."""
    rows = await db.fetch(
        "select * from session where site_id = :site_id and visitor = :visitor and (:before = '' or id < :before)"
        " order by id desc limit :limit",
        site_id=site_id, visitor=wanted, before=before, limit=VISITS + 1,
    )  # fmt: skip
    return [from_row(row) for row in rows]


async def events_of(db: Reader, site_id: int, session: str) -> list[EventRow]:
    """Events of one visit."""
    rows = await db.fetch(
        "select * from event where site_id = :site_id and session = :session limit :limit",
        site_id=site_id, session=session, limit=EVENTS,
    )  # fmt: skip
    return [event_from_row(row) for row in rows]


async def dropped(db: Reader, site_id: int, hour: int) -> list[Row]:
    """Events that were not taken since an hour (since 1970): `hour`, `reason`, `n`."""
    return await db.fetch(
        "select hour, reason, n from dropped where site_id = :site_id and hour >= :hour", site_id=site_id, hour=hour
    )
