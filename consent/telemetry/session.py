"""A session as it grows: opened by its first hit, changed by later ones. Pure."""

from collections.abc import Sequence

import msgspec

from consent.db import Row, Value
from consent.telemetry.hit import ENGAGEMENT, VIEW, EventRow, Facts, Hit

_FACTS = Facts.__struct_fields__


class Session(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One visit. Times are ms since 1970, `engaged` seconds; `entry` and `exit` are host and path of a view.

    `opens_day`: whether it is the visitor's first that UTC day.
    """

    site_id: int
    id: str
    visitor: str
    visit: int
    began: int
    last: int
    views: int = 0
    events: int = 0
    engaged: int = 0
    opens_day: bool = False
    entry: str = ""
    exit: str = ""
    referrer: str = ""
    source: str = ""
    campaign: str = ""
    facts: Facts


_OWN = tuple(name for name in Session.__struct_fields__ if name != "facts")
COLUMNS = (*_OWN, *_FACTS)


def opened(hit: Hit, opens_day: bool) -> Session:
    """A session that has no event yet."""
    return Session(
        site_id=hit.site_id,
        id=hit.session,
        visitor=hit.visitor,
        visit=hit.visit,
        began=hit.began,
        last=hit.began,
        opens_day=opens_day,
        referrer=hit.referrer,
        source=hit.source,
        campaign=hit.campaign,
        facts=hit.facts,
    )


def grown(session: Session, facts: Facts, events: Sequence[EventRow]) -> Session:
    """The session after these events, none of which it had. Facts stay as they were, but a bot may be found out."""
    last, views, counted, engaged = session.last, session.views, session.events, session.engaged
    entry, leaving = session.entry, session.exit
    for event in events:
        engaged += event.engaged
        if event.event == VIEW:
            views += 1
            page = event.host + event.path
            entry = entry or page
            leaving = page if event.time >= last or not leaving else leaving
        elif event.event != ENGAGEMENT:
            counted += 1
        last = max(last, event.time)
    known = session.facts
    if facts.bot and not known.bot:
        known = msgspec.structs.replace(known, bot=facts.bot)
    return msgspec.structs.replace(
        session, last=last, views=views, events=counted, engaged=engaged, entry=entry, exit=leaving, facts=known
    )


def as_values(session: Session) -> tuple[Value, ...]:
    """How it is stored, in the order of `COLUMNS`."""
    return msgspec.structs.astuple(session)[:-1] + msgspec.structs.astuple(session.facts)


def from_row(row: Row) -> Session:
    """As it was stored."""
    own = {name: row[name] for name in _OWN} | {"opens_day": bool(row["opens_day"])}
    return Session(facts=Facts(**{name: row[name] for name in _FACTS}), **own)


def event_from_row(row: Row) -> EventRow:
    """An event as it was stored."""
    return EventRow(**{name: row[name] for name in EventRow.__struct_fields__} | {"whole": bool(row["whole"])})
