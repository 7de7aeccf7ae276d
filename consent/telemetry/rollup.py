"""What a session, its events and anonymous counts add to the cells of the rollups. Pure.

What is added up is linear: the cells of all rows are the sum of the cells of each. A session tells twice: its events
count where each happened, under the session's values; its beginning, bounce and engagement count where it began.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec

from consent.db import Value
from consent.telemetry.hit import (
    BLOCKED,
    ENGAGEMENT,
    GRAINS,
    OUTBOUND,
    VIEW,
    Anonymous,
    Cell,
    Cells,
    EventRow,
    Facts,
    Kind,
    Measures,
)
from consent.telemetry.session import Session

HOUR, DAY = GRAINS["hour"], GRAINS["day"]

Label = tuple[str, str, str]
"""Dimension, its value, and the second value of a pair."""

COLUMNS = ("site_id", "dim", "grain", "kind", "bucket", "val", "also", *Measures._fields)
"""Of a stored cell."""

_Buckets = dict[str, list[tuple[str, str, str, str]]]
_Told = tuple[_Buckets, _Buckets]

TOTAL: Label = ("total", "", "")

UNTOLD = 4_096
"""Sessions' and pages' values under which something is added up before each of them is told."""

WIDTH = 56
"""Bits of a measure within the one number that all of a cell are added up in: ten sums for the price of one."""

_PLACE = {name: WIDTH * number for number, name in enumerate(Measures._fields)}
_VIEW, _EVENT = 1 << _PLACE["views"], 1 << _PLACE["events"]
_SESSION, _VISITOR = 1 << _PLACE["sessions"], 1 << _PLACE["visitors"]
_NEWCOMER, _BOUNCE = 1 << _PLACE["newcomers"], 1 << _PLACE["bounces"]
_ENGAGED, _SCROLLED = 1 << _PLACE["engaged"], 1 << _PLACE["scrolled"]
_LOADED, _LOAD_TIME = 1 << _PLACE["loaded"], 1 << _PLACE["load_time"]


class _Under:
    """What is added up of an hour under one session's values; other sessions with the same values add to it."""

    __slots__ = ("hour", "number", "session")

    def __init__(self, session: Session, hour: int) -> None:
        self.session = session
        self.hour = hour
        self.number = 0


class Sums:
    """Adds up cells of one site and kind. Single values by hour and day, pairs by day.

    What counts under the same values is added up as one number first, and told to each of the values at the end.
    """

    def __init__(self) -> None:
        self._hours: dict[int, dict[Label, int]] = {}
        self._days: dict[int, dict[Label, int]] = {}
        self._under: dict[tuple[object, ...], _Under] = {}
        self._at: dict[tuple[int, str, str, str, str, str], int] = {}

    def session(self, session: Session, sign: int = 1) -> None:
        """Add, or take away, what a session tells by itself."""
        number = sign * _of_session(session)
        hour = session.began // HOUR
        self._tell(session, hour, number)
        for dim, value in zip(_OWN, _own(session), strict=True):
            if value:
                _add(self._hours.setdefault(hour, {}), ((dim, value, ""),), number)

    def events(self, session: Session, events: Iterable[EventRow], sign: int = 1) -> None:
        """Add, or take away, what these events of a session tell."""
        facts = session.facts
        for event in events:
            hour = event.time // HOUR
            number = sign * _of_event(event)
            self._tell(session, hour, number)
            at = (hour, event.host + event.path, session.source, facts.device, facts.browser, facts.screen)
            self._at[at] = self._at.get(at, 0) + number + sign * event.engaged * _ENGAGED
            if event.event not in (VIEW, ENGAGEMENT):
                _add(self._hours.setdefault(hour, {}), _event_labels(event), number)

    def growth(self, before: Session | None, after: Session, events: Sequence[EventRow]) -> None:
        """Add what new events make of a session; `before` is None where there was none."""
        self.events(after, events)
        was, became = _of_session(before) if before else 0, _of_session(after)
        hour = after.began // HOUR
        if was != became:
            self._tell(after, hour, became - was)
        hours = self._hours.setdefault(hour, {})
        for dim, old, new in zip(_OWN, _own(before), _own(after), strict=True):
            if old == new and was == became:
                continue
            if old:
                _add(hours, ((dim, old, ""),), -was)
            if new:
                _add(hours, ((dim, new, ""),), became)

    def _tell(self, session: Session, hour: int, number: int) -> None:
        """Add a number of an hour under the session's values."""
        key = (hour, id(session.facts), session.source, session.visit, session.campaign)
        under = self._under.get(key)
        if under is None:
            if len(self._under) + len(self._at) >= UNTOLD:
                self._settle()
            under = self._under[key] = _Under(session, hour)
        under.number += number

    def _settle(self) -> None:
        """Tell every value what is added up under it."""
        for under in self._under.values():
            if under.number:
                singles, pairs = labels(under.session)
                _add(self._hours.setdefault(under.hour, {}), singles, under.number)
                _add(self._days.setdefault(under.hour // 24, {}), pairs, under.number)
        for (hour, page, *values), number in self._at.items():
            if number:
                _add(self._hours.setdefault(hour, {}), (("page", page, ""),), number)
                _add(self._days.setdefault(hour // 24, {}), _page_pairs(page, *values), number)
        self._under, self._at = {}, {}

    def anonymous(self, counted: Anonymous) -> None:
        """Add one event of a visitor without a row: its day; by the hour only how long the page took to load."""
        number = _of_event(counted) + counted.engaged * _ENGAGED + counted.entered * _SESSION
        page = counted.host + counted.path
        days = self._days.setdefault(counted.time // DAY, {})
        _add(days, (TOTAL, ("page", page, ""), ("country", counted.country, "")), number)
        pairs = _page_pairs(page, counted.source, counted.device, counted.browser, counted.screen)
        _add(days, pairs, number)
        if counted.event == BLOCKED:
            _add(days, ((BLOCKED, counted.target, counted.service),), number)
        if counted.load_time:
            hours = self._hours.setdefault(-1 - counted.time // HOUR, {})
            _add(hours, (("page", page, ""),), _LOADED + counted.load_time * _LOAD_TIME)

    def numbers(self) -> Iterator[tuple[Cell, int]]:
        """Cells and what is added up in them, in no order."""
        self._settle()
        days = {day: dict(sums) for day, sums in self._days.items()}
        for hour, sums in self._hours.items():
            alone = hour < 0  # of an hour that counts for no day
            at = -1 - hour if alone else hour
            day = {} if alone else days.setdefault(hour // 24, {})
            for label, number in sums.items():
                if number:
                    yield Cell(label[0], "hour", at, label[1], label[2]), number
                    day[label] = day.get(label, 0) + number
        for at, sums in days.items():
            for label, number in sums.items():
                if number:
                    yield Cell(label[0], "day", at, label[1], label[2]), number

    def cells(self) -> Cells:
        """Cells and their measures."""
        return {cell: unpacked(number) for cell, number in self.numbers()}

    def rows(self, site_id: int, kind: Kind) -> list[tuple[Value, ...]]:
        """What is added to the store, as `COLUMNS`, in an order that tells nothing of who came when."""
        return [
            (site_id, dim, grain, kind, bucket, val, also, *unpacked(number))
            for (dim, grain, bucket, val, also), number in sorted(self.numbers())
        ]

    def text(self) -> str:
        """All of it, to be added up later."""
        self._settle()
        hours, days = (
            {
                str(at): [(*label, f"{number:x}") for label, number in sums.items() if number]
                for at, sums in buckets.items()
            }
            for buckets in (self._hours, self._days)
        )
        return msgspec.json.encode((hours, days)).decode()

    def add_text(self, text: str) -> None:
        """Add what `text` told."""
        for mine, told in zip((self._hours, self._days), msgspec.json.decode(text, type=_Told), strict=True):
            for at, entries in told.items():
                sums = mine.setdefault(int(at), {})
                for dim, val, also, number in entries:
                    label = (dim, val, also)
                    sums[label] = sums.get(label, 0) + int(number, 16)


def contributions(session: Session, events: Iterable[EventRow]) -> Cells:
    """All that a session and its events add. Linear: the rollups are the sum of it over all rows."""
    sums = Sums()
    sums.session(session)
    sums.events(session, events)
    return sums.cells()


@lru_cache(maxsize=4_096)
def unpacked(number: int) -> Measures:
    """The measures within a number; any of them may be negative."""
    values = []
    for _ in Measures._fields:
        low = number & (1 << WIDTH) - 1
        value = low - (1 << WIDTH) if low >> WIDTH - 1 else low
        values.append(value)
        number = number - value >> WIDTH
    return Measures(*values)


def labels(session: Session) -> tuple[tuple[Label, ...], tuple[Label, ...]]:
    """Where a session counts: single values, and pairs. What is unknown counts as '' where everybody has a value."""
    source, facts = session.source, session.facts
    known, pairs = _fact_labels(facts)
    singles = (*known, ("source", source, ""), ("frequency", frequency(session.visit), ""))
    if session.campaign:
        singles += (("campaign", campaign(session.campaign), ""),)
    return singles, (*pairs, ("source*device", source, facts.device))


@lru_cache(maxsize=8_192)
def _fact_labels(facts: Facts) -> tuple[tuple[Label, ...], tuple[Label, ...]]:
    singles = [TOTAL, ("policy_version", str(facts.policy_version), "")]
    singles += [(name, getattr(facts, name), "") for name in _EVERYBODY]
    singles += [(name, getattr(facts, name), "") for name in _SOME if getattr(facts, name)]
    if facts.browser:
        singles.append(("browser_version", versioned(facts.browser, facts.browser_version, 1), ""))
    if facts.system:
        singles.append(("system_version", versioned(facts.system, facts.system_version, 2), ""))
    pairs = [(f"{one}*{other}", getattr(facts, one), getattr(facts, other)) for one, other in _PAIRS]
    return tuple(singles), tuple(pairs)


_EVERYBODY = ("browser", "system", "device", "language", "screen", "country")
_SOME = ("brand", "region", "isp_domain", "network", "app")
_PAIRS = (("browser", "device"), ("country", "language"), ("country", "device"))

PAIRS = (
    *(f"{one}*{other}" for one, other in _PAIRS),
    "source*device",
    "page*source",
    "page*device",
    "page*browser",
    "page*screen",
)
SINGLES = (
    "total",
    "policy_version",
    *_EVERYBODY,
    *_SOME,
    "browser_version",
    "system_version",
    "source",
    "frequency",
    "campaign",
    "entry",
    "exit",
    "bot",
    "page",
    "event",
    BLOCKED,
    OUTBOUND,
)
DIMENSIONS = (*SINGLES, *PAIRS)
"""All there are."""


def frequency(visit: int) -> str:
    """The class of a visit's number: how often somebody came until then."""
    if visit <= 1:
        return "1"
    if visit <= 3:
        return "2-3"
    return "4-9" if visit <= 9 else "10+"


_OWN = ("entry", "exit", "bot")


def _own(session: Session | None) -> tuple[str, str, str]:
    """Values that may change while a session goes on: only what it tells by itself counts under them."""
    return (session.entry, session.exit, session.facts.bot) if session else ("", "", "")


def _page_pairs(page: str, source: str, device: str, browser: str, screen: str) -> tuple[Label, ...]:
    return (
        ("page*source", page, source),
        ("page*device", page, device),
        ("page*browser", page, browser),
        ("page*screen", page, screen),
    )


def _event_labels(event: EventRow) -> tuple[Label, ...]:
    named = ("event", event.event, "")
    if event.event == BLOCKED:
        return (named, (BLOCKED, event.target, event.service))
    if event.event == OUTBOUND:
        return (named, (OUTBOUND, event.target, ""))
    return (named,)


@lru_cache(maxsize=1_024)
def campaign(text: str) -> str:
    return str(json.loads(text).get("utm_campaign", ""))


def versioned(name: str, version: str, parts: int) -> str:
    return f"{name} {'.'.join(version.split('.')[:parts])}".strip()


def _of_session(session: Session) -> int:
    number = _SESSION + session.engaged * _ENGAGED
    if session.opens_day:
        number += _VISITOR
    if session.visit == 1:
        number += _NEWCOMER
    return number + _BOUNCE if session.views <= 1 else number


def _of_event(event: EventRow | Anonymous) -> int:
    number = event.scrolled * _SCROLLED
    if event.event == VIEW:
        number += _VIEW
    elif event.event != ENGAGEMENT:
        number += _EVENT
    return number + _LOADED + event.load_time * _LOAD_TIME if event.load_time else number


def _add(sums: dict[Label, int], where: Iterable[Label], number: int) -> None:
    get = sums.get
    for label in where:
        sums[label] = get(label, 0) + number
