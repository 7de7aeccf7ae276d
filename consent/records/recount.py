"""Counts and records must agree: what was recorded is counted, also that of before there were counts, and any
difference is found and mended.
"""

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

from consent.db import Database
from consent.records import rollup, rollup_queries
from consent.records.identifier import first_of
from consent.records.rollup import HOUR, HOURS, SEEN, Cell, Cells
from consent.records.rollup_queries import ACTIONS, is_behind

SLICE = 500
"""Records counted in one transaction: some milliseconds of the writer's time."""

PAUSE = 0.02
"""Seconds between slices, in which choices are recorded."""

GROUPS = 200
"""Group commits whose choices are added up in one transaction."""

PAGE = 2_000
"""Records read at once."""

_DAY = HOUR * HOURS

Numbers = tuple[int, ...]
"""Numbers of records, in the order of actions."""


class Difference(NamedTuple):
    """A cell in which something else is counted than the records say."""

    cell: Cell
    stored: Numbers
    rows: Numbers


async def add_up(db: Database) -> None:
    """Add to the counts what was recorded since the last time. Reports are behind by no more than the time between."""
    while True:
        if not await rollup_queries.add_up(db, GROUPS):
            break
        await asyncio.sleep(PAUSE)


async def catch_up(db: Database, slice_: int = SLICE) -> None:
    """Count all records of before there were counts; what is interrupted goes on where it was."""
    for behind in await rollup_queries.backlogs(db):
        while True:
            if not await rollup_queries.take_up(db, behind, slice_):
                break
            await asyncio.sleep(PAUSE)


async def differences(db: Database, site_id: int) -> list[Difference]:
    """Where the counts of a site, less what is gone, are not what its records say; compared at one moment, while others
    write. Nothing can say whether the counts of browsers and devices are right, for no record holds them.
    """
    found: list[Difference] = []
    async with db.snapshot() as held:
        for day in await rollup_queries.days(held, site_id):
            found += _compare(await _stored(held, site_id, day), await _from_records(held, site_id, day))
    return found


async def mend(db: Database, site_id: int, found: list[Difference]) -> None:
    """Add what is missing, take away what is too much. What was added since they were found stays added."""
    missing = {
        one.cell: {name: right - had for name, right, had in zip(ACTIONS, one.rows, one.stored, strict=True)}
        for one in found
    }
    await db.batch(rollup_queries.adding_cells(site_id, missing))


async def _from_records(db: Database, site_id: int, day: int) -> Cells:
    """What the records of a day come to; without those that are still to be counted."""
    cells: Cells = {}
    behind = await rollup_queries.backlog(db, site_id)
    after, until = first_of(day * _DAY), first_of((day + 1) * _DAY)
    while rows := await rollup_queries.records_between(db, site_id, after, until, PAGE):
        after = rows[-1]["id"]
        counted = ((row, None) for row in rows if not (behind and is_behind(row, behind)))
        rollup.merge(cells, rollup.cells(rollup.shares(counted)))
    return cells


async def _stored(db: Database, site_id: int, day: int) -> Cells:
    """What is said less what is gone of a day, with what waits to be added."""
    waiting = await rollup_queries.uncounted(db, site_id)
    cells = rollup.cells(share for share in waiting if share.hour // HOURS == day)
    for row in await rollup_queries.cells_of_day(db, site_id, day):
        sign = 1 if row["kind"] == "said" else -1
        cell = Cell(*(row[name] for name in Cell._fields))
        rollup.merge(cells, {cell: {action: sign * row[action] for action in ACTIONS}})
    return {cell: counts for cell, counts in cells.items() if cell.dim not in SEEN}


def _compare(stored: Cells, said: Cells) -> Iterator[Difference]:
    for cell in sorted(stored.keys() | said.keys()):
        one, other = (tuple(cells.get(cell, {}).get(action, 0) for action in ACTIONS) for cells in (stored, said))
        if one != other:
            yield Difference(cell, one, other)
