"""Takes what pages, apps and logs tell of visits, as far as each visitor's choice lets it; nothing here speaks HTTP.

What a visitor did not agree to is dropped before it is looked at; without a grant no cookie is opened but to forget it.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping

import msgspec

from consent.db import Database
from consent.policy.queries import Version, since
from consent.records.published import Live
from consent.telemetry import facts, rows
from consent.telemetry.case import Case
from consent.telemetry.door import Door, Shut
from consent.telemetry.event import Batch
from consent.telemetry.facts import Seen
from consent.telemetry.hit import VIEW, EventRow, Hit
from consent.telemetry.rows import Around, Coarse
from consent.telemetry.sent import Outcome, Sent
from consent.telemetry.standing import Judge
from consent.telemetry.terms import VERSIONS, TermsBook
from consent.visitors.behaviour import PAGES_A_MINUTE
from consent.visitors.cookies import Jar
from consent.visitors.customer import Customer, within
from consent.visitors.place import Places
from consent.visitors.reverse import Reverse
from consent.visitors.spot import Spot
from consent.visitors.visit import DAY, Arrival, Chance, arrive

PACES = 8_192
"""Sessions whose page views of a minute are counted; when there are more, all begin anew."""

MINUTE = 60_000


class Intake:
    """Takes batches of events. `chance` gives random bytes; `door` is where they go; `reverse` knows hosts' names."""

    def __init__(
        self,
        *,
        db: Database,
        door: Door,
        jar: Jar,
        places: Places,
        chance: Chance,
        reverse: Reverse | None = None,
    ) -> None:
        self.door = door
        self._reverse = reverse
        self._db = db
        self._jar = jar
        self._places = places
        self._chance = chance
        self._judge = Judge(jar)
        self._same: dict[tuple[int, int], Collection[str]] = {}
        self._terms = TermsBook()
        self._paces: dict[bytes, tuple[int, int]] = {}

    def remembered(self, version: Version) -> Collection[str] | None:
        """What `same` said before; None where it has to be asked."""
        return self._same.get((version.site_id, version.version))

    async def same(self, version: Version) -> Collection[str]:
        """Older scopes under which a choice is as good as under this version's; it never changes. Raises StoreError."""
        key = (version.site_id, version.version)
        found = self._same.get(key)
        if found is None:
            scopes = await since(self._db, version)
            if len(self._same) >= VERSIONS:
                self._same.clear()
            found = self._same[key] = frozenset(scope for scope, worth in scopes.items() if worth == "same")
        return found

    def take(
        self,
        live: Live,
        sent: Sent,
        batch: Batch,
        *,
        same: Collection[str],
        now: int,
        lost: Mapping[str, int] | None = None,
    ) -> Outcome:
        """Take a batch at `now` (ms). It does not wait, and raises nothing that depends on what was sent.

        Args:
            live: the site.
            sent: who sent it.
            batch: what it says. Its `choice` does not count here: `sent` has it.
            same: what `same` says of the site's version.
            lost: events that could not be read, by reason.
        """
        dropped: defaultdict[str, int] = defaultdict(int, lost or ())
        terms = self._terms.of(live.version)
        if terms is None:
            dropped["no-log"] += len(batch.events)
            return Outcome("nothing", 0, dropped)
        known = self._judge.judge(live, sent, same, now)
        case = Case(live, terms, sent, batch, known, now, dropped)
        if known.level == "nothing":
            return case.nothing()
        if isinstance(self.door, Shut):  # nobody new begins, and who is known stays it until the log is open again
            dropped["no-store"] += len(batch.events)
            return case.outcome(0)
        if known.level == "full" and (batch.app or sent.where == "page" or sent.secure):
            return self._full(case)
        if known.level == "full" and not terms.telemetry.counts:
            dropped["no-identity"] += len(batch.events)
            self._note(live.site.site_id, now - now % DAY, dropped)
            return case.outcome(0)
        return self._counted(case)

    def _counted(self, case: Case) -> Outcome:
        """Add up what the law exempts. No id is looked at, and what is dropped counts for the day's first hour."""
        around, agent = case.around(case.now), facts.coarse(case.sent.lines)
        place = case.sent.place
        country = place.country if place else self._places.place(case.sent.address, case.now).country
        coarse = Coarse(agent.device, agent.browser, case.batch.screen, country)
        site_id, taken = case.live.site.site_id, 0
        for event in case.batch.events:
            page = rows.place(event, around)
            if isinstance(page, str):
                case.dropped[page] += 1
            else:
                taken += self.door.count(rows.counted(event, page, around, site_id, coarse))
        self._note(site_id, case.now - case.now % DAY, case.dropped)
        return Outcome("count", taken, case.dropped, case.removals())

    def _full(self, case: Case) -> Outcome:
        """Rows of a visitor who agreed, and the cookies that make the next ones the same visitor's."""
        site, sent, found = case.live.site, case.sent, case.known.found
        if found.visitor and self.door.is_forgotten(site.site_id, case.known.digest):
            case.dropped["withdrawn"] += len(case.batch.events)
            self._note(site.site_id, case.now, case.dropped)
            return case.outcome(0, case.removals())
        arrival = arrive(found.visitor, found.session, case.now, self._chance)
        if case.is_late(arrival):
            case.dropped["no-visit"] += len(case.batch.events)
            self._note(site.site_id, case.now, case.dropped)
            return case.outcome(0)
        cookies: list[str] = []
        if arrival.writes_visitor or arrival.writes_session:
            cookies = self._jar.write(arrival, site.key, case.now, where=sent.where, secure=sent.secure)
        customer = before = within(found.customer, case.terms.customer)
        if case.batch.customer is not None:
            customer = case.customer(before)
            if customer is not None and customer is not before:
                cookies += self._jar.write_customer(
                    customer, arrival.visitor, site.key, where=sent.where, secure=sent.secure
                )
        if not self.door.has_room(len(case.batch.events)):
            case.dropped["buffer-full"] += len(case.batch.events)
            self._note(site.site_id, case.now, case.dropped)
            return case.outcome(0, tuple(cookies))
        around = case.around(arrival.session.began)
        taken = case.rows(around)
        wanted = bool(taken) or customer is not before
        if wanted and not self.door.put(self._hit(case, around, arrival, taken, customer)):
            taken = ()
        self._note(site.site_id, case.now, case.dropped)
        return case.outcome(len(taken), tuple(cookies))

    def _hit(
        self, case: Case, around: Around, arrival: Arrival, taken: tuple[EventRow, ...], customer: Customer | None
    ) -> Hit:
        sent, now = case.sent, case.now
        landing, begins = ("", "", ""), arrival.session.id not in self._paces
        if begins:  # of a session that was heard of it is known
            landing = case.landing(around)
        seen = Seen(
            lines=case.lines(),
            accepted=sent.languages,
            spot=self._spot(case),
            place=sent.place,
            told=case.told(),
            hurries=self._hurries(arrival.session.id, taken, now),
            version=case.live.version.version,
        )
        referrer, source, campaign = landing
        known = facts.full(seen)
        return Hit(
            site_id=case.live.site.site_id,
            visitor=arrival.visitor.id.hex(),
            first=arrival.session.began if arrival.visitor.visits == 1 else arrival.visitor.first * DAY,
            visit=arrival.visitor.visits,
            session=arrival.session.id.hex(),
            began=arrival.session.began,
            facts=facts.bounded(known, around.site.distinct) if begins else known,
            events=taken,
            referrer=referrer,
            source=source,
            campaign=campaign,
            customer=customer.id if customer else "",
            customer_fields=msgspec.json.encode(customer.fields).decode() if customer else "",
        )

    def _spot(self, case: Case) -> Spot:
        """Whose network it is: by the databases, and what they do not know by the address's name, once that came."""
        address, now = case.sent.address, case.now
        spot = self._places.place(address, now)
        if self._reverse is None or spot.domain:
            return spot
        domain = self._reverse.domain(address, case.terms.keeping, now)
        return msgspec.structs.replace(spot, domain=domain) if domain else spot

    def _hurries(self, session: bytes, taken: tuple[EventRow, ...], now: int) -> bool:
        """Whether a session has more page views in this minute than anybody reads."""
        minute = now // MINUTE
        before, views = self._paces.get(session, (minute, 0))
        views = (views if before == minute else 0) + sum([row.event == VIEW for row in taken])
        if len(self._paces) >= PACES:
            self._paces.clear()
        self._paces[session] = (minute, views)
        return views > PAGES_A_MINUTE

    def _note(self, site_id: int, time: int, dropped: defaultdict[str, int]) -> None:
        for reason, number in dropped.items():
            self.door.drop(site_id, time, reason, number)
