"""Requests that are over: what access logs and servers tell of them goes in under the same gate as what pages tell.

Their answers are gone, so nobody becomes a visitor by one: a row needs the sealed cookies that came with the request,
and a refusal in it forgets nobody. Bots by their user agent are counted as dropped, apart from people's visits.
"""

from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

import msgspec

from consent.records.published import Live
from consent.telemetry import clean, facts, rows
from consent.telemetry.clean import Page
from consent.telemetry.door import Door
from consent.telemetry.event import Event
from consent.telemetry.facts import Seen, Told
from consent.telemetry.hit import VIEW, EventRow, Facts, Hit
from consent.telemetry.rows import Around, Coarse, How
from consent.telemetry.sent import Sent
from consent.telemetry.standing import Judge
from consent.telemetry.terms import Terms, TermsBook
from consent.visitors.address import kept
from consent.visitors.place import Places
from consent.visitors.visit import DAY, Session, Visitor

COUNTED = "counted"
STORED = "stored"

REQUEST = "request"
"""What is no view of a page: a form that was sent, a page that is not there. Rows alone have it."""

NO_PAGE = (204, 205, 206)
"""Answers without a page, and with a part of one: whoever goes on loading has seen it begin."""

UNKNOWN = b"und"
"""Languages that nobody told; that there are none is a sign of a bot."""


class Request(NamedTuple):
    """One request for a page, and who sent it. `id`: 32 hex digits, the same whenever it is told again; `time`: ms.

    `took`: ms until the answer was whole, -1 where nobody knows.
    """

    id: str
    time: int
    url: str
    referrer: str
    sent: Sent
    took: int = -1

    @property
    def is_view(self) -> bool:
        """Whether a page was shown for it."""
        status = self.sent.status
        return self.sent.method == "GET" and (200 <= status < 300 or status == 304) and status not in NO_PAGE


class Past:
    """Takes requests; `door` is where they go."""

    def __init__(self, judge: Judge, places: Places, door: Door) -> None:
        self._judge = judge
        self._places = places
        self._door = door
        self._terms = TermsBook()

    def take(self, live: Live, request: Request, same: Collection[str]) -> str:
        """Take one: `COUNTED`, `STORED`, or the reason why it was not. Raises nothing that depends on what was sent.

        Args:
            live: the site.
            request: what is told.
            same: older scopes under which a choice is worth as much as under the site's version.
        """
        what = self._take(live, request, same)
        if what not in (COUNTED, STORED, "not-allowed", "buffer-full"):
            self._door.drop(live.site.site_id, request.time - request.time % DAY, what)
        return what

    def _take(self, live: Live, request: Request, same: Collection[str]) -> str:
        terms = self._terms.of(live.version)
        if terms is None:
            return "no-log"
        known = self._judge.judge(live, request.sent, same, request.time)
        if known.level == "nothing":
            return "not-allowed"  # of who was not asked not even a number is kept
        event = Event(request.id, VIEW, request.time, request.url, request.referrer)
        around = Around(terms.declared, terms.telemetry, live.origins, request.time, request.time, 0)
        page = rows.place(event, around)
        if isinstance(page, str):
            return page
        visitor, session = known.found.visitor, known.found.session
        if known.level == "full" and visitor and session and not session.is_over(request.time):
            if self._door.is_forgotten(live.site.site_id, known.digest):
                return "withdrawn"
            row = _row(request, event, page, around, How(
                kept(request.sent.address, terms.keeping), terms.keeping.address == "full", known.present,
                request.sent.method, request.sent.status, live.version.version,
            ))  # fmt: skip
            if isinstance(row, str):
                return row
            hit = self._hit(request, row, page, terms, (visitor, session))
            return STORED if self._door.put(hit) else "buffer-full"
        return self._count(live, request, event, page, around, is_full=known.level == "full")

    def _count(self, live: Live, request: Request, event: Event, page: Page, around: Around, *, is_full: bool) -> str:
        sent, place = request.sent, request.sent.place
        agent = facts.coarse(sent.lines)
        if agent.device == "bot":
            return "bot"
        if not request.is_view:
            return "no-view"
        if is_full:  # without cookies no row; and whoever agreed is counted where that needs no consent
            day = request.time // DAY
            if not (place and around.terms.counts and self._judge.law(live.version, place, day).exempt):
                return "no-identity"
        coarse = Coarse(agent.device, agent.browser, "", place.country if place else "")
        counted = rows.counted(event, page, around, live.site.site_id, coarse)
        return COUNTED if self._door.count(counted) else "buffer-full"

    def _hit(self, request: Request, row: EventRow, page: Page, terms: Terms, who: tuple[Visitor, Session]) -> Hit:
        sent, version, (visitor, session) = request.sent, terms.version.version, who
        spot = self._places.place(sent.address, request.time)
        seen = Seen(sent.lines, sent.languages or UNKNOWN, spot, sent.place, Told(), hurries=False, version=version)
        came = clean.referrer(request.referrer, terms.declared.hosts)
        return Hit(
            site_id=terms.version.site_id,
            visitor=visitor.id.hex(),
            first=session.began if visitor.visits == 1 else visitor.first * DAY,
            visit=visitor.visits,
            session=session.id.hex(),
            began=session.began,
            facts=facts.bounded(_facts(seen), terms.declared.distinct),
            events=(row,),
            referrer=came.referrer,
            source=terms.declared.distinct.keep("source", came.host),
            campaign=terms.declared.distinct.campaign(page.campaign),
        )


def _row(request: Request, event: Event, page: Page, around: Around, how: How) -> EventRow | str:
    event.event = VIEW if request.is_view else REQUEST
    if request.took >= 0:
        event.props = msgspec.Raw(b'{"took":%d}' % request.took)
    made = rows.row(event, page, around, how)
    return made if isinstance(made, str) else msgspec.structs.replace(made, client_time=0)


@lru_cache(maxsize=facts.CACHED)
def _facts(seen: Seen) -> Facts:
    found = facts.full(seen)
    return msgspec.structs.replace(found, language="", languages="") if seen.accepted == UNKNOWN else found
