"""The stretch of days that a page is about, and the steps in which it is drawn. Pure; times are UTC."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import msgspec

from consent.errors import Problem

Grain = Literal["hour", "day", "week", "month"]

HOUR = 3_600_000
DAY = 24 * HOUR
USUAL = 30
"""Days that a page is about when nobody says otherwise."""
LONGEST = 3_660
"""Ten years."""
PRESETS = ((1, "Today"), (7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "12 months"))

_EPOCH = date(1970, 1, 1)


class Step(msgspec.Struct, frozen=True):
    """One step: its beginning in hours (grain hour) or days since 1970, its name on the axis, and in full."""

    first: int
    name: str
    full: str


class Span(msgspec.Struct, frozen=True):
    """Days since 1970, `first` to `last`, both within it. `preset`: how many days it was asked for as; 0: by dates."""

    first: int
    last: int
    preset: int = 0

    @property
    def presets(self) -> tuple[tuple[int, str], ...]:
        """The lengths that a page offers."""
        return PRESETS

    @property
    def days(self) -> int:
        """How many days it has."""
        return self.last - self.first + 1

    @property
    def grain(self) -> Grain:
        """Steps that make a readable chart: 24 to about 100 of them."""
        return "hour" if self.days <= 2 else "day" if self.days <= 92 else "week" if self.days <= 740 else "month"

    @property
    def drawn(self) -> Grain:
        """Steps where nothing is known by the hour: days, those of a week."""
        return "day" if self.grain == "hour" else self.grain

    @property
    def stored(self) -> Literal["hour", "day"]:
        """The grain of the rollups that hold it."""
        return "hour" if self.grain == "hour" else "day"

    @property
    def buckets(self) -> tuple[int, int]:
        """First and last bucket of the rollups, both within it: hours or days since 1970."""
        return (self.first * 24, self.last * 24 + 23) if self.stored == "hour" else (self.first, self.last)

    @property
    def start(self) -> int:
        """Its beginning in milliseconds since 1970."""
        return self.first * DAY

    @property
    def end(self) -> int:
        """The millisecond after it."""
        return (self.last + 1) * DAY

    @property
    def before(self) -> "Span":
        """The span of the same length that ends where this one begins."""
        return Span(self.first - self.days, self.first - 1)

    @property
    def dates(self) -> tuple[str, str]:
        """First and last day, as dates."""
        return day(self.first).isoformat(), day(self.last).isoformat()

    def __str__(self) -> str:
        first, last = day(self.first), day(self.last)
        if first == last:
            return _long(first)
        begun = _long(first) if first.year != last.year else f"{first.day} {first:%b}"
        return f"{begun} to {_long(last)}"

    @property
    def query(self) -> str:
        """How an address asks for it."""
        if self.preset:
            return f"days={self.preset}"
        first, last = self.dates
        return f"from={first}&to={last}"


def parse(given: Mapping[str, str], today: int) -> Span:
    """The span that `days`, or `from` and `to`, ask for; `today` in days since 1970. Raises Problem with the field."""
    if given.get("from") or given.get("to"):
        last = _day("to", given["to"]) if given.get("to") else today
        first = _day("from", given["from"]) if given.get("from") else last - USUAL + 1
        return _checked(first, last)
    text = given.get("days") or str(USUAL)
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= LONGEST):
        raise Problem(
            "days", f"days is to be 1 to {LONGEST:,}.", "Or give from and to, such as 2026-11-01.", field="days"
        )
    return Span(today - int(text) + 1, today, int(text))


def steps(span: Span) -> list[Step]:
    """The steps of a span in its grain, in order; the first week or month may have begun earlier."""
    if span.grain == "hour":
        first, last = span.buckets
        return [
            Step(hour, f"{hour % 24:02}:00", f"{_short(day(hour // 24))}, {hour % 24:02}:00")
            for hour in range(first, last + 1)
        ]
    if span.grain == "day":
        return [Step(at, _short(day(at)), f"{day(at):%a} {_long(day(at))}") for at in range(span.first, span.last + 1)]
    firsts = dict.fromkeys(step_of(span, at) for at in range(span.first, span.last + 1))
    if span.grain == "week":
        return [Step(at, _short(day(at)), f"Week from {_long(day(at))}") for at in firsts]
    return [Step(at, f"{day(at):%b %Y}", f"{day(at):%B %Y}") for at in firsts]


def step_of(span: Span, bucket: int) -> int:
    """The step that a bucket of the rollups falls into, by its `first`."""
    if span.grain == "week":
        return bucket - (bucket + 3) % 7  # 1970 began on a Thursday; weeks begin on Mondays
    if span.grain == "month":
        return (day(bucket).replace(day=1) - _EPOCH).days
    return bucket


def day(number: int) -> date:
    """The date of a day since 1970."""
    return _EPOCH + timedelta(days=number)


def today(now: int) -> int:
    """The day since 1970 of a moment in milliseconds."""
    return now // DAY


def _day(field: str, text: str) -> int:
    try:
        found = (datetime.fromisoformat(text).replace(tzinfo=UTC).date() - _EPOCH).days
    except ValueError as error:
        raise Problem("moment", f"{field} is no date: {text[:40]!r}.", "Write 2026-11-20.", field=field) from error
    if found < 0:
        raise Problem("moment", f"{field} lies before the year 1970.", "Nothing was counted then.", field=field)
    return found


def _checked(first: int, last: int) -> Span:
    if last < first:
        raise Problem("span", "to lies before from.", "Exchange them.", field="to")
    if last - first >= LONGEST:
        raise Problem("span", f"The span is longer than {LONGEST:,} days.", "Ask for a part of it.", field="from")
    return Span(first, last)


def _short(when: date) -> str:
    return f"{when.day} {when:%b}"


def _long(when: date) -> str:
    return f"{when.day} {when:%b %Y}"
