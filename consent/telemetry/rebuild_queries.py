"""Rows and rollups of the visitors' log, read to compare them."""

from consent.db import Database, Row, Value
from consent.telemetry.hit import GRAINS, EventRow
from consent.telemetry.rollup import DIMENSIONS
from consent.telemetry.session import Session, event_from_row, from_row


async def days(db: Database, site_id: int) -> tuple[int, int] | None:
    """The first and the last day (since 1970) that a site's rollups or rows are of; None where there are none."""
    added = await db.fetch_one(
        "select min(bucket) as first, max(bucket) as last from rollup"
        " where site_id = :site_id and dim = 'total' and grain = 'day' and kind in ('full', 'gone')",
        site_id=site_id,
    )
    began = await db.fetch_one(
        "select min(id) as first, max(id) as last from session where site_id = :site_id", site_id=site_id
    )
    found = [added[name] for name in ("first", "last") if added and added[name] is not None]
    found += [int(began[name][:12], 16) // GRAINS["day"] for name in ("first", "last") if began and began[name]]
    return (min(found), max(found)) if found else None


async def sessions_between(db: Database, site_id: int, after: str, until: str, limit: int) -> list[Session]:
    """Sessions with ids between these two, in their order, which is that of time."""
    rows = await db.fetch(
        "select * from session where site_id = :site_id and id > :after and id < :until order by id limit :limit",
        site_id=site_id,
        after=after,
        until=until,
        limit=limit,
    )
    return [from_row(row) for row in rows]


async def events_between(db: Database, site_id: int, first: str, last: str) -> dict[str, list[EventRow]]:
    """Events of the sessions from one to another, by session."""
    rows = await db.fetch(
        "select * from event where site_id = :site_id and session >= :first and session <= :last",
        site_id=site_id,
        first=first,
        last=last,
    )
    found: dict[str, list[EventRow]] = {}
    for row in rows:
        found.setdefault(row["session"], []).append(event_from_row(row))
    return found


async def cells_of_day(db: Database, site_id: int, day: int) -> list[Row]:
    """What is added up of the rows of one day (since 1970): its hours and itself."""
    names: dict[str, Value] = {f"d{number}": dim for number, dim in enumerate(DIMENSIONS)}
    listed = ", ".join(f":{name}" for name in names)
    rows: list[Row] = []
    for grain, first, last in (("hour", day * 24, day * 24 + 23), ("day", day, day)):
        rows += await db.fetch(
            f"select * from rollup where site_id = :site_id and dim in ({listed}) and grain = :grain"  # noqa: S608  # only names
            " and kind in ('full', 'gone') and bucket >= :first and bucket <= :last",
            site_id=site_id,
            grain=grain,
            first=first,
            last=last,
            **names,
        )
    return rows
