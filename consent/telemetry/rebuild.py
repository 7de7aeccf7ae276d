"""Whether what is added up is what the rows say, and mending it where it is not.

What is full less what is gone has to be the sum over the rows that are there. Anonymous counts have no rows: nothing
can say whether they are right.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from consent.db import Database, Value
from consent.telemetry import queries
from consent.telemetry import rebuild_queries as rows
from consent.telemetry.hit import GRAINS, Cell, Cells, Measures
from consent.telemetry.rollup import Sums

WINDOW = 31
"""Days compared at once: so much is in memory."""

MARGIN = 2
"""Days by which an event may lie outside its session's own day: a visit lasts a day, and clocks are a day wrong."""

PAGE = 200
"""Sessions read at once."""

WAITING = 100_000
"""Chunks that may wait to be folded in; there are a few."""

CELLS = 256
"""Cells mended in one transaction."""

_DAY = GRAINS["day"]

Progress = Callable[[int, int], None]
"""Told how many days of how many are compared."""


class Difference(NamedTuple):
    """A cell in which something else is added up than the rows say."""

    cell: Cell
    stored: Measures
    rows: Measures


async def differences(db: Database, site_id: int, progress: Progress = lambda _done, _all: None) -> list[Difference]:
    """Where the rollups of a site are not what its rows say; compared at one moment, while others write."""
    found: list[Difference] = []
    async with db.snapshot() as held:
        span = await rows.days(held, site_id)
        if span is None:
            return []
        first, last = span
        waiting = (await _waiting(held, site_id)).cells()
        for start in range(first, last + 1, WINDOW):
            end = min(start + WINDOW, last + 1)
            said = await _from_rows(held, site_id, start, end)
            found += _compare(await _stored(held, site_id, start, end, waiting), said)
            progress(end - first, last + 1 - first)
    return found


async def mend(db: Database, site_id: int, found: list[Difference]) -> None:
    """Add what is missing, take away what is too much. What was added since they were found stays added."""
    cells = [_correction(site_id, one) for one in found]
    for start in range(0, len(cells), CELLS):
        await db.batch(queries.adding(cells=cells[start : start + CELLS]))


async def _from_rows(db: Database, site_id: int, start: int, end: int) -> Cells:
    """What the rows say of the days from `start` to before `end`."""
    sums = Sums()
    after, until = (f"{max(0, day) * _DAY:012x}" for day in (start - MARGIN, end + MARGIN))
    while sessions := await rows.sessions_between(db, site_id, after, until, PAGE):
        after = sessions[-1].id
        by_session = {session.id: session for session in sessions}
        for session in sessions:
            sums.session(session)
        for one, events in (await rows.events_between(db, site_id, sessions[0].id, after)).items():
            sums.events(by_session[one], events)
    return {cell: measures for cell, measures in sums.cells().items() if start <= _day(cell) < end}


async def _stored(db: Database, site_id: int, start: int, end: int, waiting: Cells) -> Cells:
    """What is full less what is gone, of these days, with what waits to be in it."""
    found = {cell: list(measures) for cell, measures in waiting.items() if start <= _day(cell) < end}
    for day in range(start, end):
        for row in await rows.cells_of_day(db, site_id, day):
            cell = Cell(*(row[name] for name in Cell._fields))
            sign = 1 if row["kind"] == "full" else -1
            sums = found.setdefault(cell, [0] * len(Measures._fields))
            for at, name in enumerate(Measures._fields):
                sums[at] += sign * row[name]
    return {cell: Measures(*sums) for cell, sums in found.items() if any(sums)}


async def _waiting(db: Database, site_id: int) -> Sums:
    """What is not in the rollups yet, and counts as if it were."""
    sums = Sums()
    for row in await queries.uncounted(db, WAITING, site_id):
        sums.add_text(row["cells"])
    return sums


def _compare(stored: Cells, said: Cells) -> Iterator[Difference]:
    for cell in sorted(stored.keys() | said.keys()):
        one, other = stored.get(cell, Measures()), said.get(cell, Measures())
        if one != other:
            yield Difference(cell, one, other)


def _correction(site_id: int, difference: Difference) -> tuple[Value, ...]:
    pairs = zip(difference.rows, difference.stored, strict=True)
    dim, grain, bucket, val, also = difference.cell
    return (site_id, dim, grain, "full", bucket, val, also, *(said - stored for said, stored in pairs))


def _day(cell: Cell) -> int:
    return cell.bucket if cell.grain == "day" else cell.bucket // 24
