"""Spans of time and the buckets in them: hours, days, weeks (ISO 8601) and months, all in UTC. Pure."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from consent.errors import Problem
from consent.reports.subjects import Grain

HOUR = 3_600_000
DAY = 86_400_000

MOST_DAYS = 1_100
"""Three years."""

MOST_HOURS = 2_400
"""A hundred days by the hour."""

LAST = 253_402_300_800_000 - DAY
"""The last day of the year 9999, in ms."""

_EPOCH = date(1970, 1, 1).toordinal()
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class Period(NamedTuple):
    """From a moment on and before another, both whole hours in ms since 1970."""

    start: int
    end: int

    @property
    def whole_days(self) -> bool:
        """Whether it begins and ends at midnight."""
        return self.start % DAY == 0 and self.end % DAY == 0

    def before(self) -> "Period":
        """The span of the same length that ends where this one begins."""
        return Period(max(0, self.start - (self.end - self.start)), self.start)

    def buckets(self, grain: Grain) -> list[str]:
        """The names of all buckets that it touches, in order."""
        finest = HOUR if grain == "hour" else DAY
        found = dict.fromkeys(name(grain, at) for at in range(self.start // finest, -(-self.end // finest)))
        return list(found)

    def texts(self) -> tuple[str, str]:
        """How it reads: days, both included, where it is whole days; else moments, without the second."""
        if self.whole_days:
            return name("day", self.start // DAY), name("day", self.end // DAY - 1)
        return name("hour", self.start // HOUR), name("hour", self.end // HOUR)


def name(grain: Grain, bucket: int) -> str:
    """A bucket as people write it: `2026-11-20T13:00Z`, `2026-11-20`, `2026-W47`, `2026-11`.

    `bucket` is in hours since 1970 for hours, else in days.
    """
    if grain == "hour":
        return f"{_day(bucket // 24).isoformat()}T{bucket % 24:02d}:00Z"
    day = _day(bucket)
    if grain == "day":
        return day.isoformat()
    if grain == "month":
        return f"{day.year:04d}-{day.month:02d}"
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


def starts(grain: Grain, period: Period) -> Iterator[int]:
    """The moments (ms) at which buckets of a span begin; the first may lie before it."""
    finest = HOUR if grain == "hour" else DAY
    seen = ""
    for at in range(period.start // finest, -(-period.end // finest)):
        text = name(grain, at)
        if text != seen:
            seen = text
            yield at * finest


def parse(start: str | None, end: str | None, now: int, *, hours: bool) -> Period:
    """The span that `from` and `to` name. Raises Problem, with the field.

    A date stands for the whole day, in `to` as well; a moment is cut to its hour. Without `to` it ends with today or
    this hour; without `from` it is 28 days, or 48 hours.

    Args:
        start: `from`, None where it is not given.
        end: `to`, likewise.
        now: ms.
        hours: whether it is asked by the hour.
    """
    unit = HOUR if hours else DAY
    until = _moment("to", end, last=True) if end is not None else (now // unit + 1) * unit
    usual = until - (48 * HOUR if hours else 28 * DAY)
    since = _moment("from", start, last=False) if start is not None else max(0, usual)
    if since >= until:
        raise Problem("period", "from is not before to.", "Name an earlier `from`, or a later `to`.", field="from")
    period = Period(since, until)
    most = MOST_HOURS * HOUR if hours or not period.whole_days else MOST_DAYS * DAY
    if until - since > most:
        what = f"{MOST_HOURS:,} hours" if most == MOST_HOURS * HOUR else f"{MOST_DAYS:,} days"
        raise Problem("period", f"The span is longer than {what}.", "Ask for less at once.", field="from")
    return period


def _moment(field: str, text: str, *, last: bool) -> int:
    """Ms of a date, a time of RFC 3339 or a number of ms, cut to the hour; a date that is `last` counts as a whole."""
    if text.isascii() and text.isdecimal() and len(text) <= 15:
        found = int(text)
        return _bounded(field, found if found % HOUR == 0 else found // HOUR * HOUR + (HOUR if last else 0))
    try:
        if _DATE.fullmatch(text):
            day = date.fromisoformat(text)
            return _bounded(field, (day.toordinal() - _EPOCH + (1 if last else 0)) * DAY)
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        remedy = "Write 2026-11-20, 2026-11-20T13:00:00Z or milliseconds since 1970."
        raise Problem("moment", f"{field} is no time: {text[:40]!r}.", remedy, field=field) from error
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    passed = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return _bounded(field, passed if passed % HOUR == 0 else passed // HOUR * HOUR + (HOUR if last else 0))


def _bounded(field: str, moment: int) -> int:
    if not 0 <= moment <= LAST:
        raise Problem("moment", f"{field} lies outside the years 1970 to 9999.", "Name a time in them.", field=field)
    return moment


def _day(bucket: int) -> date:
    return date.fromordinal(_EPOCH + bucket)
