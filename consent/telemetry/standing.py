"""How a request stands: what its choice allows, and what its sealed cookies say. Remembered for a while, bounded."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import NamedTuple

import msgspec

from consent.policy.queries import Version
from consent.records import cookie as choices
from consent.records.cookie import Choice
from consent.records.published import Live
from consent.regimes.geo import Place
from consent.regimes.regime import Regime, choose, exempts, in_force, load_regimes
from consent.telemetry.gate import Level, is_covered, level, refuses, visits
from consent.telemetry.sent import Sent
from consent.visitors.cookies import NOBODY, Found, Jar, Standing, digest, name, parse
from consent.visitors.visit import DAY

REMEMBERED = 8_192
"""Requests that stand alike, by their cookies; when there are more, all are forgotten and judged anew."""

LONGEST = 2_048
"""Bytes of cookies that are remembered: with the rest some 40 MB at most."""

KINDS = ("visitor", "session", "customer")
OURS = frozenset(name(kind, secure=secure) for kind in ("visitor", "session", "customer") for secure in (True, False))


class Known(NamedTuple):
    """How a request stands. `refused`: by choice or signal. `present` names our cookies that it had; `digest` is the
    visitor's."""

    level: Level
    refused: bool
    found: Found = NOBODY
    digest: bytes = b""
    present: str = ""
    ours: bool = False


class Law(NamedTuple):
    """The law of a place: its key, empty where unknown, and whether it exempts an anonymous count there."""

    key: str
    exempt: bool


NO_LAW = Law("", False)


class Judge:
    """Judges requests. What it remembers depends on nothing but what was judged, the day, and whether older scopes were
    known then: where the store cannot tell them there are none."""

    def __init__(self, jar: Jar) -> None:
        self._jar = jar
        self._known: dict[object, Known] = {}
        self._laws: dict[object, Law] = {}

    def judge(self, live: Live, sent: Sent, same: Collection[str], now: int) -> Known:
        """How this request stands at `now` (ms). Never raises, whatever the cookies hold."""
        today = now // DAY
        law = self.law(live.version, sent.place, today) if sent.place else NO_LAW
        site, version = live.site.site_id, live.version.version
        key = (site, version, sent.cookies, sent.choice, sent.where, sent.secure, sent.gpc, law, today, len(same))
        known = self._known.get(key)
        if known is None:
            known = self._judge(live, sent, law, same, now)
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            if len(sent.cookies) <= LONGEST:
                self._known[key] = known
        return known

    def law(self, version: Version, place: Place, today: int) -> Law:
        """The law that the site follows at a place."""
        key = (version.site_id, version.version, place, today)
        law = self._laws.get(key)
        if law is None:
            if len(self._laws) >= REMEMBERED:
                self._laws.clear()
            law = self._laws[key] = _law(version, place, today)
        return law

    def _judge(self, live: Live, sent: Sent, law: Law, same: Collection[str], now: int) -> Known:
        header = sent.cookies.decode("latin-1")
        choice = said(header, sent, live.version.resolved.cookie.name)
        allowed = level(live.version, choice, exempt=law.exempt, gpc=sent.gpc, today=now // DAY, same=same, law=law.key)
        service = visits(live.version.resolved)
        refused = choice is not None and service is not None and refuses(choice, service.purposes)
        if service and sent.gpc and allowed == "nothing" and not (choice and choice.gpc):
            refused = refused or is_covered(live.version.resolved, service.purposes)
        cookies = parse(header)
        ours = not OURS.isdisjoint(cookies)
        if not ours or not (allowed == "full" or refused):  # a refused visitor's are opened to be forgotten
            return Known(allowed, refused, ours=ours)
        found = self._jar.read(cookies, Standing(live.site.key, granted=True, secure=sent.secure), now)
        mark = digest(found.visitor.id) if found.visitor else b""
        kinds = [kind for kind, one in zip(KINDS, found, strict=True) if one is not None]
        return Known(allowed, refused, found, mark, ",".join(kinds), ours)


def said(header: str, sent: Sent, cookie: str) -> Choice | None:
    """The stricter of what the page says and what the cookie says.

    Under the page's own host the cookie comes with every request: where it is gone, the choice is. Elsewhere it cannot
    come, and the page's word counts.
    """
    kept = choices.read(header, cookie)
    if sent.choice is None:
        return kept
    told = choices.decode(sent.choice)
    if kept is None and told is not None:
        return refusals(told) if sent.where == "page" else told
    if kept is not None and told is None:
        return refusals(kept)
    return choices.stricter(kept, told) if kept is not None and told is not None and kept != told else kept


def refusals(choice: Choice) -> Choice:
    """A choice without its grants: what is refused holds when only one of two says it."""
    return msgspec.structs.replace(
        choice,
        purposes={key: letter for key, letter in choice.purposes.items() if letter != "g"},
        services={key: letter for key, letter in choice.services.items() if letter != "g"},
    )


def _law(version: Version, place: Place, today: int) -> Law:
    enabled = version.resolved.regimes
    every: dict[str, Regime] = in_force(load_regimes(), date(1970, 1, 1) + timedelta(days=today))
    followed = {key: law for key, law in every.items() if enabled is None or key in enabled}
    law = choose(place.country, place.region, followed)
    return Law(law.key, exempts(law, place.country)) if law else NO_LAW
