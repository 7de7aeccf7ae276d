"""Counts of records in the store."""

import secrets
from collections.abc import Iterable, Sequence
from itertools import chain, groupby
from operator import itemgetter
from typing import get_args

from consent.db import Database, Row, Statement, Value
from consent.records import rollup
from consent.records.decision import Action
from consent.records.rollup import HOURS, Cell, Cells, Seen, Share

COUNTED = (
    "id", "time", "action", "control", "layer", "language", "notice", "version", "purposes", "services", "regime",
    "region", "gpc", "widget", "epoch", "leaf",
)  # fmt: skip
"""Columns of a record that its cells, and its place before or behind the backlog's mark, depend on."""

ACTIONS: tuple[Action, ...] = get_args(Action)

_KEY = ("site_id", "kind", *Cell._fields)
_COLUMNS = (*_KEY, *ACTIONS)
_NOTE = "insert into consent_uncounted (site_id, id, said) values (:site_id, :id, :said)"
_ADD = (
    f"insert into consent_rollup ({', '.join(_COLUMNS)})"  # noqa: S608  # only names of columns
    f" values ({', '.join(f':{name}' for name in _COLUMNS)}) on conflict ({', '.join(_KEY)})"
    f" do update set {', '.join(f'{name} = consent_rollup.{name} + excluded.{name}' for name in ACTIONS)}"
)


def noting(site_id: int, rows: Iterable[tuple[Row, Seen | None]]) -> Statement:
    """What notes records of a site as still to be counted; goes into the transaction that stores them."""
    said = rollup.written(rollup.shares(rows))
    return Statement(_NOTE, [{"site_id": site_id, "id": secrets.token_hex(8), "said": said}])


def counting(site_id: int, found: Iterable[Share], kind: str = "said") -> list[Statement]:
    """What adds shares of a site to its counts."""
    return adding_cells(site_id, rollup.cells(found), kind)


def adding_cells(site_id: int, found: Cells, kind: str = "said") -> list[Statement]:
    """What adds numbers to cells of a site."""
    cells: list[tuple[Value, ...]] = [
        (site_id, kind, *cell, *[counts.get(action, 0) for action in ACTIONS]) for cell, counts in sorted(found.items())
    ]
    return [Statement(_ADD, cells)] if cells else []


async def add_up(db: Database, limit: int) -> bool:
    """Count what so many group commits noted; whether there is more."""
    if await db.fetch_one("select id from consent_uncounted limit 1") is None:
        return False
    async with db.transaction() as held:
        rows = await held.fetch(
            "select site_id, id, said from consent_uncounted order by site_id, id limit :limit", limit=limit
        )
        for site_id, noted in groupby(rows, key=itemgetter("site_id")):
            await held.batch(counting(site_id, chain.from_iterable(rollup.read(row["said"]) for row in noted)))
        await held.execute_many("delete from consent_uncounted where site_id = :site_id and id = :id", rows)
    return len(rows) == limit


async def uncount(db: Database, site_id: int, rows: Sequence[Row]) -> None:
    """Count records as gone, in the transaction that deletes them; those not counted yet are counted first."""
    behind = await backlog(db, site_id)
    late = [row for row in rows if behind and is_behind(row, behind)]
    await db.batch(counting(site_id, _bare(late)) + counting(site_id, _bare(rows), "gone"))


def is_behind(row: Row, behind: Row) -> bool:
    """Whether a record is still to be counted by who works through the backlog."""
    place = (row["epoch"], row["leaf"])
    return bool(behind["mark"] < row["id"] <= behind["last"] and place <= (behind["epoch"], behind["leaf"]))


async def backlog(db: Database, site_id: int) -> Row | None:
    """What is still to be counted of a site's records of before there were counts."""
    return await db.fetch_one(
        "select site_id, epoch, leaf, last, mark from consent_backlog where site_id = :site_id", site_id=site_id
    )


async def backlogs(db: Database) -> list[Row]:
    """The backlogs of all sites that have one."""
    return await db.fetch("select site_id, epoch, leaf, last, mark from consent_backlog order by site_id")


async def uncounted(db: Database, site_id: int) -> list[Share]:
    """What of a site waits to be added up."""
    rows = await db.fetch("select said from consent_uncounted where site_id = :site_id", site_id=site_id)
    return [share for row in rows for share in rollup.read(row["said"])]


async def days(db: Database, site_id: int) -> range:
    """The days (since 1970) that a site's counts or records are of, from the first to the last."""
    added = await db.fetch_one(
        "select min(bucket) as first, max(bucket) as last from consent_rollup"
        " where site_id = :site_id and dim = 'total' and grain = 'day'",
        site_id=site_id,
    )
    said = await db.fetch_one(
        "select min(id) as first, max(id) as last from consent_record where site_id = :site_id", site_id=site_id
    )
    found = [added[name] for name in ("first", "last") if added and added[name] is not None]
    found += [rollup.day_of(said[name]) for name in ("first", "last") if said and said[name]]
    return range(min(found), max(found) + 1) if found else range(0)


async def records_between(db: Database, site_id: int, after: str, until: str, limit: int) -> list[Row]:
    """Records with ids between these two, as much of them as is counted, in the order of time."""
    return await db.fetch(
        f"select {', '.join(COUNTED)} from consent_record"  # noqa: S608  # only names of columns
        " where site_id = :site_id and id > :after and id < :until order by id limit :limit",
        site_id=site_id, after=after, until=until, limit=limit,
    )  # fmt: skip


async def cells_of_day(db: Database, site_id: int, day: int) -> list[Row]:
    """All cells of a day and of its hours."""
    found = []
    for grain, first, last in (("day", day, day), ("hour", day * HOURS, day * HOURS + HOURS - 1)):
        for dim in rollup.DIMS:
            found += await db.fetch(
                "select * from consent_rollup where site_id = :site_id and dim = :dim and grain = :grain"
                " and kind in ('said', 'gone') and bucket >= :first and bucket <= :last",
                site_id=site_id, dim=dim, grain=grain, first=first, last=last,
            )  # fmt: skip
    return found


async def take_up(db: Database, behind: Row, limit: int) -> bool:
    """Count so many records of a backlog; whether there are more."""
    async with db.transaction() as held:
        current = await backlog(held, behind["site_id"])
        if current is None:
            return False
        rows = await held.fetch(
            f"select {', '.join(COUNTED)} from consent_record"  # noqa: S608  # only names of columns
            " where site_id = :site_id and id > :mark and id <= :last"
            " and (epoch < :epoch or (epoch = :epoch and leaf <= :leaf)) order by id limit :limit",
            **current, limit=limit,
        )  # fmt: skip
        await held.batch(counting(behind["site_id"], _bare(rows)))
        if len(rows) < limit:
            await held.execute("delete from consent_backlog where site_id = :site_id", site_id=behind["site_id"])
            return False
        await held.execute(
            "update consent_backlog set mark = :mark where site_id = :site_id",
            site_id=behind["site_id"], mark=rows[-1]["id"],
        )  # fmt: skip
    return True


def _bare(rows: Iterable[Row]) -> list[Share]:
    """Shares of records alone, of whose browsers nobody knows any more."""
    return rollup.shares((row, None) for row in rows)
