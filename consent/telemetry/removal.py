"""Deletes rows of sessions, and adds what they told to what is gone, in the same transactions."""

from collections.abc import Sequence

from consent.db import Statement
from consent.telemetry import queries
from consent.telemetry.log import Log
from consent.telemetry.rollup import Sums

SLICE = 128
"""Events deleted in one transaction: some milliseconds of the writer's time."""


async def remove(log: Log, site_id: int, ids: Sequence[str]) -> int:
    """Delete sessions and their events, slice by slice; the number of events deleted. A crash leaves whole slices."""
    waiting, deleted = sorted(ids), 0
    while waiting:
        async with log.turn:
            done, events = await _slice(log, site_id, waiting[:SLICE])
            log.forget((site_id, one) for one in waiting[:SLICE])
        waiting = waiting[done:]
        deleted += events
    return deleted


async def _slice(log: Log, site_id: int, ids: Sequence[str]) -> tuple[int, int]:
    """How many of these sessions are gone, and how many events were deleted in this transaction."""
    there = {session.id: session for session in await queries.sessions(log.db, site_id, ids)}
    sums = Sums()
    statements: list[Statement] = []
    done, room = 0, SLICE
    for one in ids:
        if one in there and room:
            session = there[one]
            events = await queries.events_of(log.db, site_id, one, limit=room + 1)
            whole, events = len(events) <= room, events[:room]
            sums.events(session, events)
            if whole:
                sums.session(session)
            statements += queries.removing(session, events, whole=whole)
            room -= len(events)
            if not whole:
                break
        elif one in there:
            break
        done += 1
    if statements:
        statements += queries.adding(cells=sums.rows(site_id, "gone"))
        await log.db.batch([*statements, queries.UNSCRUBBED])
    return done, SLICE - room
