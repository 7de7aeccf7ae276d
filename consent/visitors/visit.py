"""Visitors and their visits: who is new, who comes back, which visit it is. Pure; clock and chance are handed in."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

DAY = 86_400_000

LASTS = 390
"""Days a visitor is known, from the first one on and never longer: 13 months of 30 days, the most that audience
measurement may take (CNIL) and less than the 400 that browsers keep a cookie."""

IDLE = 30 * 60_000
"""Milliseconds without a request after which a visit is over."""

LONGEST = DAY
"""Milliseconds a visit lasts at most, however busy: a page that is left open and asks on its own is no person."""

TOUCH = 60_000
"""Milliseconds: a session cookie is written anew when its last request is older, so idle time is exact to a minute."""

SKEW = 60_000
"""Milliseconds that a time sealed by another machine of ours may lie ahead."""

VISITS = 65_535

Chance = Callable[[int], bytes]


class Visitor(NamedTuple):
    """Who comes back: a random id of 16 bytes, the day first seen (since 1970), and visits so far."""

    id: bytes
    first: int
    visits: int

    def is_over(self, now: int) -> bool:
        """Whether the time is up, or has not begun: then nobody is known."""
        return not self.first * DAY <= now + SKEW or now >= (self.first + LASTS) * DAY


class Session(NamedTuple):
    """One visit: an id of 16 bytes in the order of time, whose, when it began and was last heard of (ms)."""

    id: bytes
    visitor: bytes
    began: int
    last: int

    def is_over(self, now: int) -> bool:
        """Whether it was idle or lasted too long, or a clock was set back by more than machines differ."""
        return not -SKEW <= now - self.last < IDLE or not -SKEW <= now - self.began < LONGEST


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """What one request makes of them, and which of the two cookies has to be written."""

    visitor: Visitor
    session: Session
    is_new: bool
    writes_visitor: bool
    writes_session: bool


def arrive(visitor: Visitor | None, session: Session | None, now: int, chance: Chance) -> Arrival:
    """A request at `now` (ms) by a visitor who granted the purpose; what was read of their cookies, None where nothing.

    A session of somebody else, or whose visitor is not known, is none. A new visit counts one further; the visitor's
    time does not begin anew.
    """
    known = visitor if visitor is not None and not visitor.is_over(now) else None
    going = session if session is not None and known is not None and session.visitor == known.id else None
    if known is not None and going is not None and not going.is_over(now):
        stale = now - going.last >= TOUCH
        return Arrival(known, going._replace(last=now) if stale else going, False, False, stale)
    if known is None:
        visit = Visitor(chance(16), now // DAY, 1)
    else:
        visit = known._replace(visits=min(known.visits + 1, VISITS))
    return Arrival(visit, Session(ordered(now, chance), visit.id, now, now), known is None, True, True)


def ordered(now: int, chance: Chance) -> bytes:
    """An id whose first six bytes are the time (ms) and whose others are random: rows of one time lie together."""
    return now.to_bytes(6, "big") + chance(10)
