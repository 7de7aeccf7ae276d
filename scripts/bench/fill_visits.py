"""A year of visitors, sessions, events and their rollups, site by site, in the order of time and in constant memory."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from fill_consent import PUBLISHED
from fill_world import (
    BROWSERS,
    COUNTRIES,
    DAY,
    DAYS,
    HOUR,
    LANGUAGE,
    MOST,
    NETWORKS,
    PAGES,
    REGIONS,
    SITES,
    SOURCES,
    Drawn,
    Hour,
    bulk,
    hours,
    inserting,
    shares,
    taken_off,
)  # fmt: skip
from msgspec.structs import replace

from consent.config import Config
from consent.db.place import prepare
from consent.telemetry import session as sessions
from consent.telemetry.hit import BLOCKED, OUTBOUND, VIEW, EventRow, Facts, Measures
from consent.telemetry.rollup import Sums, unpacked
from consent.telemetry.session import Session
from consent.telemetry.store import open_telemetry

OWN_SESSION = ("site_id", "id", "visitor", "visit", "began", "last", "opens_day", "policy_version")
OWN_EVENT = ("site_id", "session", "id", "time", "client_time", "policy_version")
"""Columns that are a row's own; the others are alike for all visits of a journey."""

VISITOR = ("site_id", "id", "first", "last", "visits", "views", "customer", "customer_fields", "leaving")
SESSION = (*OWN_SESSION, *(name for name in sessions.COLUMNS if name not in OWN_SESSION))
EVENT = (*OWN_EVENT, *(name for name in EventRow.__struct_fields__ if name not in OWN_EVENT))
ROLLUP = inserting("rollup", ("site_id", "dim", "grain", "kind", "bucket", "val", "also", *Measures._fields))

PEOPLE, JOURNEYS = 1_500, 3
"""Kinds of visitors, and of visits of each."""

POOL, STEADY = 40_000, 1_500
"""Visitors who may come back, and those of them who stay on."""

AGAIN, OFTEN = 0.45, 200
"""How likely a visit is by somebody who was there before, and how often anybody comes."""

LAST = HOUR - 60_000
"""No visit lasts longer (ms): each lies within one hour, and so counts alike in every hour."""

Label = tuple[str, str, str]
Added = dict[Label, int]
Counted = list[tuple[Label, int]]
CHUNK = 20_000


class Journey(NamedTuple):
    """A visit that begins at 0, but for its own names: many are alike. The ends follow a row's own columns."""

    number: int
    session: Session
    events: list[EventRow]
    session_end: tuple[Any, ...]
    event_ends: list[tuple[Any, ...]]


class Visitor:
    """Somebody who came, and may come again."""

    __slots__ = ("first", "id", "kind", "last", "views", "visits")

    def __init__(self, id_: str, kind: int, first: int) -> None:
        self.id = id_
        self.kind = kind
        self.first = self.last = first
        self.visits = self.views = 0


def fill(data: Path, views: int, seed: int, end: int) -> None:
    """Fill the visitors' log of a folder with so many page views of the year that ends at `end` (ms)."""
    started = time.perf_counter()
    asyncio.run(_make(data))
    db = bulk(data / "telemetry.sqlite")
    indexes = taken_off(db, "visitor", "session", "event")
    rows = 0
    for site_id, key in enumerate(SITES, 1):
        rows += _Year(db, site_id, key, Random(f"{seed} {key}")).fill(shares(views)[key], end)
    for sql in indexes:
        db.execute(sql)
    db.close()
    seconds = time.perf_counter() - started
    print(f"{views:,} page views, {rows:,} rows, in {seconds:.0f} s, {rows / seconds:,.0f} a second", flush=True)


async def _make(data: Path) -> None:
    await asyncio.to_thread(prepare, data)
    await (await open_telemetry(Config(data=data))).close()


class _Year:
    """One site's year."""

    def __init__(self, db: sqlite3.Connection, site_id: int, key: str, rng: Random) -> None:
        self._db = db
        self._site_id = site_id
        self._rng = rng
        self._people = PEOPLE if key == MOST else PEOPLE // 10
        self._journeys = [_journeys(f"{key}.example", rng) for _ in range(self._people)]
        self._pool: list[Visitor] = []
        self._gone: list[Visitor] = []
        self._rows: dict[str, list[tuple[Any, ...]]] = {"visitor": [], "session": [], "event": []}
        self._inserts = {"visitor": inserting("visitor", VISITOR), "session": inserting("session", SESSION),
                         "event": inserting("event", EVENT)}  # fmt: skip
        self._version = 1
        self._hour: Added = {}
        self._day: Added = {}
        self._made = 0
        self._cells = lru_cache(maxsize=60_000)(self._counted)

    def fill(self, views: int, end: int) -> int:
        """Make so many page views of the year that ends at `end` (ms); returns the number of all rows but counts."""
        self._db.execute("begin")
        first, carried = (end - DAYS * DAY) // HOUR * HOUR, 0
        for hour in hours(views, end):
            if self._site_id == 1:
                self._take_version(sum(hour.start >= first + day * DAY for day in PUBLISHED))
            if hour.start // HOUR % 24 == 0:
                self._end(hour.start // DAY - 1, "day", self._day)
            carried = self._fill_hour(hour, hour.rows + carried)
            self._end(hour.start // HOUR, "hour", self._hour)
        self._end((end - 1) // DAY, "day", self._day)
        self._leave(self._pool)
        for table in self._rows:
            self._flush(table)
        self._db.execute("commit")
        return self._made

    def _take_version(self, version: int) -> None:
        if version != self._version:
            self._version = version
            self._cells.cache_clear()

    def _fill_hour(self, hour: Hour, views: int) -> int:
        """Visits with so many views; what is left of them, less than a visit's, is returned, and may be below 0."""
        rng, chosen = self._rng, []
        while views > 0:
            visitor = self._visitor(hour.start)
            journey = self._journeys[visitor.kind][rng.randrange(JOURNEYS)]
            views -= journey.session.views
            start = hour.start + rng.randrange(HOUR - journey.session.last)
            chosen.append((start, journey, visitor))
        for start, journey, visitor in sorted(chosen, key=lambda one: one[0]):
            self._visit(start, journey, visitor)
        self._leave(self._gone)
        self._gone = []
        for table, rows in self._rows.items():
            if len(rows) >= CHUNK:
                self._flush(table)
        return views

    def _visitor(self, moment: int) -> Visitor:
        """Somebody who was here before, more often one who comes often; or somebody new in the place of another."""
        rng = self._rng
        if self._pool and rng.random() < AGAIN:
            known = self._pool[int(rng.random() ** 3 * len(self._pool))]
            if known.visits < OFTEN:
                return known
        visitor = Visitor(rng.randbytes(16).hex(), int(rng.random() ** 2 * self._people), moment)
        if len(self._pool) < POOL:
            self._pool.append(visitor)
            return visitor
        at = rng.randrange(STEADY, POOL)
        self._gone.append(self._pool[at])
        self._pool[at] = visitor
        return visitor

    def _visit(self, start: int, journey: Journey, visitor: Visitor) -> None:
        rng = self._rng
        own = (self._site_id, f"{start:012x}{rng.getrandbits(80):020x}")
        opens = visitor.visits == 0 or visitor.last // DAY != start // DAY
        visitor.visits += 1
        visitor.views += journey.session.views
        visitor.last = start + journey.session.last
        row = (*own, visitor.id, visitor.visits, start, visitor.last, opens, self._version, *journey.session_end)
        self._rows["session"].append(row)
        into = self._rows["event"]
        for event, end in zip(journey.events, journey.event_ends, strict=True):
            moment = start + event.time
            into.append((*own, f"{rng.getrandbits(128):032x}", moment, moment - 200, self._version, *end))
        counted = self._cells(visitor.kind, journey.number, min(visitor.visits, 10), opens)
        for cells, added in zip((self._hour, self._day), counted, strict=True):
            for label, number in added:
                cells[label] = cells.get(label, 0) + number

    def _leave(self, gone: list[Visitor]) -> None:
        """Whoever does not come again is stored."""
        self._rows["visitor"] += [
            (self._site_id, one.id, one.first, one.last, one.visits, one.views, "", "", False) for one in gone
        ]

    def _flush(self, table: str) -> None:
        rows = self._rows[table]
        self._db.executemany(self._inserts[table], sorted(rows) if table == "visitor" else rows)
        self._made += len(rows)
        rows.clear()

    def _counted(self, kind: int, number: int, visits: int, opens: bool) -> list[Counted]:
        """What the product's own rules count of such a visit: by hour and by day, where and how much."""
        journey = self._journeys[kind][number]
        facts = replace(journey.session.facts, policy_version=self._version)
        session = replace(journey.session, visit=visits, opens_day=opens, facts=facts)
        sums = Sums()
        sums.session(session)
        sums.events(session, journey.events)
        found = [(cell.grain, (cell.dim, cell.val, cell.also), number) for cell, number in sums.numbers()]
        return [[(label, number) for at, label, number in found if at == grain] for grain in ("hour", "day")]

    def _end(self, bucket: int, grain: str, found: Added) -> None:
        where = self._site_id
        rows = [
            (where, dim, grain, "full", bucket, val, also, *unpacked(number))
            for (dim, val, also), number in found.items()
        ]
        self._db.executemany(ROLLUP, rows)
        found.clear()


def _journeys(host: str, rng: Random) -> list[Journey]:
    """The visits that a kind of visitor makes."""
    facts = _facts(rng)
    return [_journey(host, facts, number, rng) for number in range(JOURNEYS)]


def _facts(rng: Random) -> Facts:
    country = _COUNTRIES.one(rng)
    browser, version, system, system_version, device, brand, model = _BROWSERS.one(rng)
    asn, network, domain = _NETWORKS.one(rng)
    language = LANGUAGE.get(country, "en")
    return Facts(
        browser=browser,
        browser_version=version,
        system=system,
        system_version=system_version,
        device=device,
        brand=brand,
        model=model,
        language=language,
        languages=f"{language},en",
        screen="small" if device == "mobile" else "large",
        country=country,
        region=rng.choice(REGIONS.get(country, ("",))),
        asn=asn,
        network=network,
        isp_domain=domain,
    )


def _journey(host: str, facts: Facts, number: int, rng: Random) -> Journey:
    source, at = _SOURCES.one(rng), 0
    events: list[EventRow] = []
    for _ in range(min(20, 1 + int(rng.expovariate(0.33)))):
        page, kind = _PAGES.one(rng), _EXTRAS.one(rng)
        events.append(_view(host, page, min(at, LAST), rng))
        at += 2_000 + int(rng.expovariate(1 / 40_000))
        if kind:
            target, service = _TARGETS.get(kind, ("", ""))
            then = min(at - 1_000, LAST)
            events.append(
                EventRow(
                    id="", time=then, event=kind, host=host, path=page, method="GET", target=target, service=service
                )
            )
    campaign = json.dumps({"utm_source": "newsletter", "utm_campaign": f"spring-{rng.randrange(5)}"})
    opened = Session(
        site_id=0, id="", visitor="", visit=1, began=0, last=0, facts=facts, source=source,
        referrer=f"https://{source}/" if source else "", campaign=campaign if rng.random() < 0.1 else "",
    )  # fmt: skip
    session = sessions.grown(opened, facts, events)
    row = dict(zip(sessions.COLUMNS, sessions.as_values(session), strict=True))
    own, of_event = SESSION[len(OWN_SESSION) :], EVENT[len(OWN_EVENT) :]
    return Journey(
        number,
        session,
        events,
        tuple(row[name] for name in own),
        [tuple(getattr(event, name) for name in of_event) for event in events],
    )


def _view(host: str, page: str, at: int, rng: Random) -> EventRow:
    return EventRow(
        id="", time=at, event=VIEW, host=host, path=page, method="GET", status=200, address="203.0.113.0",
        load_time=int(rng.lognormvariate(6.8, 0.5)), engaged=int(rng.expovariate(0.04)), scrolled=rng.randrange(5),
        allowed_by="statistics",
    )  # fmt: skip


_COUNTRIES, _BROWSERS, _NETWORKS = Drawn(COUNTRIES), Drawn(BROWSERS), Drawn(NETWORKS)
_PAGES, _SOURCES = Drawn(PAGES), Drawn(SOURCES)
_EXTRAS = Drawn({"": 88, OUTBOUND: 4, BLOCKED: 4, "add-to-cart": 3, "order": 1})
_TARGETS = {OUTBOUND: ("maps.example.org", ""), BLOCKED: ("www.google-analytics.com", "google-analytics")}
