"""One batch of events on its way: what it comes to under the policy, and what is dropped of it. Pure."""

from collections import defaultdict

import msgspec

from consent.records.published import Live
from consent.telemetry import clean, facts, rows
from consent.telemetry.event import Batch, hint_lines
from consent.telemetry.facts import Told
from consent.telemetry.hit import ENGAGEMENT, VIEW, EventRow
from consent.telemetry.rows import Around, How
from consent.telemetry.sent import Outcome, Sent
from consent.telemetry.standing import Known
from consent.telemetry.terms import Terms
from consent.visitors.address import kept
from consent.visitors.cookies import removals
from consent.visitors.customer import Customer, declared
from consent.visitors.visit import DAY, Arrival

HOUR = 3_600_000
"""Ms after which what a page says of its customer is written anew, though it is the same."""


class Case(msgspec.Struct, frozen=True, gc=False):
    """The batch, who sent it and how they stand, at `now` (ms)."""

    live: Live
    terms: Terms
    sent: Sent
    batch: Batch
    known: Known
    now: int
    dropped: defaultdict[str, int]

    def around(self, began: int) -> Around:
        """What holds for all its events."""
        newest = min(max([event.time for event in self.batch.events], default=self.now), self.now + DAY)
        return Around(self.terms.declared, self.terms.telemetry, self.live.origins, self.now, newest, began)

    def outcome(self, taken: int, cookies: tuple[str, ...] = ()) -> Outcome:
        """What came of it."""
        return Outcome(self.known.level, taken, self.dropped, cookies)

    def removals(self) -> tuple[str, ...]:
        """What takes away the cookies of ours that came."""
        return tuple(removals(where=self.sent.where, secure=self.sent.secure)) if self.known.ours else ()

    def nothing(self) -> Outcome:
        """Nothing is kept, not even how much that was; cookies of ours that came all the same are taken away."""
        self.dropped["not-allowed"] += len(self.batch.events)
        withdrew = self.known.found.visitor if self.known.refused else None
        return Outcome("nothing", 0, self.dropped, self.removals(), withdrew)

    def is_late(self, arrival: Arrival) -> bool:
        """Whether there is but the time of a page whose visit is over, or whose cookies are gone: no new visit."""
        before, events = self.known.found.session, self.batch.events
        begins = before is None or arrival.session.id != before.id
        return begins and bool(events) and all(event.event == ENGAGEMENT for event in events)

    def rows(self, around: Around) -> tuple[EventRow, ...]:
        """The rows, the oldest first; each id once."""
        sent, keeps, version = self.sent, self.terms.keeping, self.terms.version.version
        address = kept(sent.address, keeps)
        how = How(address, keeps.address == "full", self.known.present, sent.method, sent.status, version)
        made: dict[str, EventRow] = {}
        for event in self.batch.events:
            page = rows.place(event, around)
            row = page if isinstance(page, str) else rows.row(event, page, around, how)
            if isinstance(row, str):
                self.dropped[row] += 1
            elif row.id in made:
                self.dropped["duplicate"] += 1
            else:
                made[row.id] = row
        if len(made) < 2:
            return tuple(made.values())
        return tuple(sorted(made.values(), key=_time))

    def landing(self, around: Around) -> tuple[str, str, str]:
        """Where the visitor came from, that host, and the campaign: as the first page view says."""
        first = next((event for event in self.batch.events if event.event == VIEW), None)
        page = clean.page(first.url, around.terms.query) if first else None
        if first is None or page is None:
            return "", "", ""
        came = clean.referrer(first.referrer, around.site.hosts)
        distinct = around.site.distinct
        return came.referrer, distinct.keep("source", came.host), distinct.campaign(page.campaign)

    def told(self) -> Told:
        """What page or app say of the device."""
        batch, app = self.batch, self.batch.app
        if app is None:
            return Told(batch.screen, batch.webdriver)
        return Told(batch.screen, False, app.name, app.version, app.device, app.system, app.system_version)

    def lines(self) -> tuple[bytes, ...]:
        """The headers of browser and device; what a page asked the device for fills in those that did not come."""
        lines, hints = self.sent.lines, self.batch.hints
        if hints is None:
            return lines
        said = hint_lines(hints)
        return tuple([line or said.get(name, b"") for name, line in zip(facts.AGENT, lines, strict=True)])

    def customer(self, before: Customer | None) -> Customer | None:
        """What the page says of a customer, as far as the policy lets it; what the cookie has where it is the same."""
        said, names = self.batch.customer, self.terms.customer
        assert said is not None
        if not names:
            self.dropped["customer-undeclared"] += 1
            return before
        told, reasons = declared(said.id, said.fields, names, self.now)
        for reason in reasons:
            self.dropped[reason] += 1
        if told is None or (
            before and (before.id, before.fields) == (told.id, told.fields) and self.now - before.said < HOUR
        ):
            return before
        return told


def _time(row: EventRow) -> int:
    return row.time
