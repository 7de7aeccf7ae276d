"""Visits, counted: how many came, how often, what they saw and from where; and one visitor's history. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from consent.reports.chart import Chart, Series, lines, stacked
from consent.reports.span import Step
from consent.telemetry.hit import EventRow, Measures
from consent.telemetry.session import Session

DIMS = {
    "page": "Page", "entry": "Entry page", "exit": "Exit page", "source": "Referrer", "campaign": "Campaign",
    "country": "Country", "region": "Region", "language": "Language", "browser": "Browser",
    "browser_version": "Browser version", "system": "System", "system_version": "System version", "device": "Device",
    "brand": "Brand", "screen": "Screen", "isp_domain": "ISP domain", "network": "Network", "frequency": "Frequency",
    "event": "Event", "outbound": "Link to", "app": "App", "bot": "Bot", "policy_version": "Policy version",
}  # fmt: skip
"""What visits are counted by, and its name on the page."""

CARDS = (
    "page", "source", "country", "language", "browser", "system", "device", "isp_domain", "frequency", "campaign",
    "event", "outbound",
)  # fmt: skip
"""What the page shows the most frequent values of."""

TOP = 7
BY_VIEWS = frozenset({"page"})
BY_EVENTS = frozenset({"event", "outbound"})


class Top(msgspec.Struct, frozen=True):
    """One of the most frequent values of a dimension, and how often it was."""

    value: str
    number: int


class Value(msgspec.Struct, frozen=True):
    """One value of a dimension, with what visitors who agreed did, and what was only counted."""

    value: str
    full: Measures
    count: Measures

    @property
    def both(self) -> Measures:
        """The two together."""
        return added((self.full, self.count))


class Frequent(msgspec.Struct, frozen=True):
    """A visitor who agreed: times in ms."""

    id: str
    first: int
    last: int
    visits: int
    views: int
    customer: str


class Visits(msgspec.Struct, frozen=True, kw_only=True):
    """What the page says; its JSON face is this. `full` are visitors who agreed, `count` is what was only counted.

    `told`: how many of the last steps figures are about; those before them are drawn beside these.
    """

    steps: tuple[Step, ...]
    told: int
    full: tuple[Measures, ...]
    count: tuple[Measures, ...]
    tops: dict[str, tuple[Top, ...]]

    @property
    def agreed(self) -> Measures:
        """All of visitors who agreed."""
        return added(self.full[-self.told :])

    @property
    def counted(self) -> Measures:
        """All that was only counted."""
        return added(self.count[-self.told :])

    @property
    def views(self) -> int:
        """Page views, both together."""
        return self.agreed.views + self.counted.views


def added(them: Iterable[Measures]) -> Measures:
    """All of them together."""
    return Measures(*(sum(column) for column in zip(Measures(), *them, strict=True)))


def measures(row: Mapping[str, Any]) -> Measures:
    """The measures in a row of the rollups."""
    return Measures(**{name: int(row[name] or 0) for name in Measures._fields})


def per(value: float, of: float) -> float | None:
    """A mean or a share; None where there is nothing to share."""
    return value / of if of else None


def column(by: str) -> str:
    """The measure that values of a dimension are ranked by."""
    return "views" if by in BY_VIEWS else "events" if by in BY_EVENTS else "sessions"


def weighed(by: str) -> str:
    """The name of that."""
    return {"views": "Views", "events": "Events", "sessions": "Visits"}[column(by)]


def label(by: str, value: str) -> str:
    """A value as the page calls it."""
    if not value:
        return "direct" if by == "source" else "not known"
    if by == "frequency":
        return {"1": "first visit", "2-3": "2 or 3 visits", "4-9": "4 to 9 visits", "10+": "10 and more"}.get(
            value, value
        )
    return f"Version {value}" if by == "policy_version" else value


def views_chart(page: Visits) -> Chart:
    """Page views by consent level, upon each other."""
    names, full = [step.name for step in page.steps], [step.full for step in page.steps]
    series = [Series("Of visitors who agreed", tuple(one.views for one in page.full), "s1")]
    if any(one.views for one in page.count):
        series.append(Series("Only counted", tuple(one.views for one in page.count), "s3"))
    return stacked(names, series, full=full)


def visitors_chart(page: Visits) -> Chart:
    """Visits and visitors who agreed; a visitor counts once a day."""
    names, full = [step.name for step in page.steps], [step.full for step in page.steps]
    visits = Series("Visits", tuple(one.sessions for one in page.full), "s6")
    visitors = Series("Visitors", tuple(one.visitors for one in page.full), "s1")
    return lines(names, [visits, visitors], full=full)


class Told(msgspec.Struct, frozen=True):
    """One visit with its events, the oldest first."""

    session: Session
    events: tuple[EventRow, ...]


def ordered(events: Iterable[EventRow]) -> tuple[EventRow, ...]:
    """Events as they happened."""
    return tuple(sorted(events, key=lambda event: (event.time, event.id)))
