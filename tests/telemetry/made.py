"""Hits as tests make them, and the rollups that rows should have."""

from collections.abc import AsyncIterator
from typing import Any

from consent.db import Database
from consent.telemetry import queries
from consent.telemetry.hit import Cell, Cells, EventRow, Facts, Hit, Measures
from consent.telemetry.rollup import Sums, contributions
from consent.telemetry.session import Session, from_row

NOW = 1_790_000_000_000
HOUR = 3_600_000
DAY = 24 * HOUR

FACTS = Facts(
    browser="Firefox", browser_version="131.0", system="Windows", system_version="11", device="desktop", language="de",
    languages="de,en", screen="large", country="AT", region="AT-9", isp_domain="a1.net", network="A1", policy_version=3,
)  # fmt: skip


def event(number: int, time: int = NOW, name: str = "view", path: str = "/", **more: Any) -> EventRow:
    """An event of a page of the shop."""
    return EventRow(id=f"{number:032x}", time=time, event=name, host="shop.example", path=path, **more)


def hit(visitor: int, *events: EventRow, session: int = 0, began: int = NOW, visit: int = 1, **more: Any) -> Hit:
    """A hit of a session with these events; the session's number is the visitor's unless one is given."""
    usual: dict[str, Any] = {"site_id": 1, "facts": FACTS, "first": NOW, "visit": visit, "began": began}
    names = {"visitor": f"{visitor:032x}", "session": f"{began:012x}{session or visitor:020x}"}
    return Hit(**usual | names | more, events=events)


async def stored(db: Database, kind: str = "full", site_id: int = 1) -> Cells:
    """The rollups as they are stored, but for cells in which nothing is left."""
    rows = await db.fetch("select * from rollup where site_id = :site_id and kind = :kind", site_id=site_id, kind=kind)
    found = {Cell(*(row[name] for name in Cell._fields)): _measures(row) for row in rows}
    if kind == "full":
        sums = Sums()
        for row in await queries.uncounted(db, 1_000, site_id):
            sums.add_text(row["cells"])
        for cell, more in sums.cells().items():
            found[cell] = Measures(*map(sum, zip(found.get(cell, Measures()), more, strict=True)))
    return {cell: measures for cell, measures in found.items() if any(measures)}


async def from_rows(db: Database, site_id: int = 1) -> Cells:
    """The rollups as the rows would have them."""
    found: dict[Cell, list[int]] = {}
    async for session, events in visits(db, site_id):
        for cell, measures in contributions(session, events).items():
            sums = found.setdefault(cell, [0] * len(Measures._fields))
            found[cell] = [one + more for one, more in zip(sums, measures, strict=True)]
    return {cell: Measures(*sums) for cell, sums in found.items() if any(sums)}


async def visits(db: Database, site_id: int = 1) -> AsyncIterator[tuple[Session, list[EventRow]]]:
    """Every session with its events."""
    for row in await db.fetch("select * from session where site_id = :site_id order by id", site_id=site_id):
        yield from_row(row), await queries.events_of(db, site_id, row["id"], limit=100_000)


def less(full: Cells, gone: Cells) -> Cells:
    """What is left of `full`."""
    left = {}
    for cell in full.keys() | gone.keys():
        pairs = zip(full.get(cell, Measures()), gone.get(cell, Measures()), strict=True)
        left[cell] = Measures(*(one - other for one, other in pairs))
    return {cell: measures for cell, measures in left.items() if any(measures)}


def _measures(row: dict[str, Any]) -> Measures:
    return Measures(*(row[name] for name in Measures._fields))
