"""What of the visitors' log was kept long enough."""

from collections.abc import Sequence

from consent.db import Database, Row, Statement
from consent.telemetry.queries import UNSCRUBBED


async def began_before(db: Database, site_id: int, first: str, limit: int) -> list[str]:
    """Ids of sessions that are smaller than this one, the oldest first: ids are in the order of time."""
    rows = await db.fetch(
        "select id from session where site_id = :site_id and id < :first order by id limit :limit",
        site_id=site_id,
        first=first,
        limit=limit,
    )
    return [row["id"] for row in rows]


AWAY = (
    "with recursive known (visits) as ("
    "select min(visits) from visitor where site_id = :site_id"
    " union all select (select min(v.visits) from visitor v where v.site_id = :site_id and v.visits > known.visits)"
    " from known where known.visits is not null)"
    " select v.id from known cross join visitor v"
    " where v.site_id = :site_id and v.visits = known.visits and v.last < :time limit :limit"
)
"""Goes through the index of who comes often, from one number of visits to the next: of who stays nothing is read."""


async def away_since(db: Database, site_id: int, time: int, limit: int) -> list[str]:
    """Ids of visitors who came last before a moment (ms)."""
    rows = await db.fetch(AWAY, site_id=site_id, time=time, limit=limit)
    return [row["id"] for row in rows]


async def whole_addresses(db: Database, site_id: int, time: int, limit: int) -> list[Row]:
    """Events of before a moment (ms) whose address is in full."""
    return await db.fetch(
        "select site_id, session, id, address from event where site_id = :site_id and time < :time and whole"
        " order by time limit :limit",
        site_id=site_id,
        time=time,
        limit=limit,
    )


async def cut(db: Database, rows: Sequence[Row]) -> None:
    """Put these addresses in place of those in full."""
    change = (
        "update event set address = :address, whole = false"
        " where site_id = :site_id and session = :session and id = :id"
    )
    await db.batch([Statement(change, rows), UNSCRUBBED])


async def customers(db: Database, site_id: int, after: tuple[str, str], limit: int) -> list[Row]:
    """Visitors of whom the site told something, by customer and id."""
    return await db.fetch(
        "select * from visitor where site_id = :site_id and customer <> '' and (customer, id) > (:customer, :id)"
        " order by customer, id limit :limit",
        site_id=site_id,
        customer=after[0],
        id=after[1],
        limit=limit,
    )


async def expire_dropped(db: Database, site_id: int, hour: int) -> None:
    """Delete what was dropped before an hour (since 1970)."""
    await db.execute("delete from dropped where site_id = :site_id and hour < :hour", site_id=site_id, hour=hour)
