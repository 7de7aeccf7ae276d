"""Counts of choices in the store, as the pages ask for them: by time, by value, by purpose. Only rollups are read."""

from collections.abc import Sequence

from consent.db import Row
from consent.db.reading import Reader
from consent.reports.span import Span

_SUMS = ", ".join(f"sum({name}) as {name}" for name in ("given", "partly", "refused", "changed", "withdrawn"))
_WHERE = (
    " from consent_rollup where site_id = :site_id and dim = :dim and grain = :grain and kind = 'said'"
    " and bucket >= :first and bucket <= :last"
)

SITES = 500
"""Sites that are asked for at once."""

VALUES = 200
"""Values of a breakdown that a page shows."""


async def by_time(db: Reader, site_id: int, span: Span) -> list[Row]:
    """Choices by bucket of the span's stored grain."""
    first, last = span.buckets
    return await db.fetch(
        f"select bucket, {_SUMS}{_WHERE} group by bucket",
        site_id=site_id, dim="total", grain=span.stored, first=first, last=last,
    )  # fmt: skip


async def by_site(db: Reader, sites: Sequence[int], span: Span) -> dict[int, Row]:
    """Choices of each site in whole days; of many sites in few questions."""
    found: dict[int, Row] = {}
    for at in range(0, len(sites), SITES):
        names = {f"s{number}": site_id for number, site_id in enumerate(sites[at : at + SITES])}
        rows = await db.fetch(
            f"select site_id, {_SUMS} from consent_rollup where site_id in ({', '.join(f':{name}' for name in names)})"  # noqa: S608
            " and dim = 'total' and grain = 'day' and kind = 'said' and bucket >= :first and bucket <= :last"
            " group by site_id",
            first=span.first, last=span.last, **names,
        )  # fmt: skip
        found |= {row["site_id"]: row for row in rows}
    return found


async def by_value(db: Reader, site_id: int, dim: str, span: Span) -> list[Row]:
    """Choices by both values of a dimension (`version*country`: version and country)."""
    return await db.fetch(
        f"select val, also, {_SUMS}{_WHERE} group by val, also",
        site_id=site_id, dim=dim, grain="day", first=span.first, last=span.last,
    )  # fmt: skip


async def of_version(db: Reader, site_id: int, by: str, version: int, span: Span) -> list[Row]:
    """Choices of one version by a dimension that is counted with it; the value stands in `also`."""
    return await db.fetch(
        f"select also, {_SUMS}{_WHERE} and val = :version group by also",
        site_id=site_id, dim=f"version*{by}", grain="day", first=span.first, last=span.last, version=str(version),
    )  # fmt: skip


async def over_time(db: Reader, site_id: int, dim: str, values: Sequence[str], span: Span) -> list[Row]:
    """Choices by day of some values of a dimension."""
    names = {f"v{number}": value for number, value in enumerate(values)}
    listed = ", ".join(f":{name}" for name in names)
    return await db.fetch(
        f"select val, bucket, {_SUMS}{_WHERE} and val in ({listed}) group by val, bucket",
        site_id=site_id, dim=dim, grain="day", first=span.first, last=span.last, **names,
    )  # fmt: skip


async def shown(db: Reader, site_id: int, span: Span) -> dict[int, int]:
    """How often the first layer was shown, by day."""
    rows = await db.fetch(
        "select day, sum(shown) as shown from shown_day"
        " where site_id = :site_id and day >= :first and day <= :last and layer = 1 group by day",
        site_id=site_id, first=span.first, last=span.last,
    )  # fmt: skip
    return {row["day"]: int(row["shown"]) for row in rows}


async def answered(db: Reader, site_id: int, span: Span) -> list[Row]:
    """Choices by day under the laws under which first layers were counted in the span."""
    return await db.fetch(
        f"select bucket, {_SUMS}{_WHERE} and val in (select regime from shown_day"  # noqa: S608
        " where site_id = :site_id and day >= :first and day <= :last and layer = 1) group by bucket",
        site_id=site_id, dim="regime", grain="day", first=span.first, last=span.last,
    )  # fmt: skip


async def anything(db: Reader, site_id: int) -> bool:
    """Whether anybody ever chose."""
    return bool(await db.fetch("select id from consent_record where site_id = :site_id limit 1", site_id=site_id))


async def versions(db: Reader, site_id: int, most: int = 200) -> list[Row]:
    """Published versions, the newest first: number, hash, scope, when (ms)."""
    return await db.fetch(
        "select version, hash, scope, published from policy_version where site_id = :site_id"
        " order by version desc limit :most",
        site_id=site_id, most=most,
    )  # fmt: skip
