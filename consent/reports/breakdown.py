"""Choices by country, language, browser and so on, compared with another time or another version. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from consent.reports.chart import Chart, Series, lines
from consent.reports.choices import Choices, Row, total
from consent.reports.span import Step

DIMS = {
    "country": "Country", "region": "Region", "language": "Language", "browser": "Browser", "device": "Device",
    "regime": "Law", "version": "Policy version", "notice": "Notice", "control": "Control used", "layer": "Layer",
    "gpc": "Global Privacy Control", "service": "Service", "purpose": "Purpose",
}  # fmt: skip
"""What choices are counted by, and its name on the page."""

ANSWERED = frozenset({"purpose", "service"})
"""What every answer says several things of: its values do not add up, and of no later choice anything is told."""

WITH_VERSION = ("country", "control", "device")
"""What is counted together with the policy's version, so that two versions can be compared by it."""

STYLES = ("s1", "s2", "s4", "s6", "s5")
DRAWN = len(STYLES)
"""Values whose rate is drawn over time: the most frequent ones."""


class Breakdown(msgspec.Struct, frozen=True, kw_only=True):
    """What the page says; its JSON face is this.

    Args:
        by: the dimension, of `DIMS`.
        against: what is compared with, in words; empty when nothing is.
        rows: a line for each value, the most frequent first.
        more: how many values are left out.
        whole: all values together, those left out included; None where they do not add up.
        steps: the time axis.
        series: choices over time of the values that are drawn, for each of the steps.
    """

    by: str
    against: str
    rows: tuple[Row, ...]
    more: int
    whole: Row | None
    steps: tuple[Step, ...]
    series: tuple[tuple[str, tuple[Choices, ...]], ...]

    @property
    def empty(self) -> bool:
        """Whether nobody chose, on neither side."""
        return not any(row.choices.total or (row.against and row.against.total) for row in self.rows)


def whole(by: str, rows: Sequence[Row]) -> Row | None:
    """All values together; None where they do not add up."""
    if by in ANSWERED:
        return None
    before = [row.against for row in rows if row.against is not None]
    return Row("", total(row.choices for row in rows), total(before) if before else None)


def rows(now: Mapping[str, Choices], before: Mapping[str, Choices] | None) -> list[Row]:
    """A line for each value, the one with the most first answers first; `before` is what is compared with."""
    values = dict.fromkeys([*now, *(before or {})])
    found = [
        Row(value, now.get(value, Choices()), None if before is None else before.get(value, Choices()))
        for value in values
    ]
    return sorted(found, key=lambda row: (-row.choices.answered, -row.choices.total, row.value))


def rate_chart(page: Breakdown) -> Chart:
    """The opt-in rate over time of the values that are drawn."""
    series = [
        Series(label(page.by, value), tuple(one.opt_in for one in choices), style)
        for (value, choices), style in zip(page.series, STYLES, strict=False)
    ]
    return lines([step.name for step in page.steps], series, full=[step.full for step in page.steps], shares=True)


def label(by: str, value: str) -> str:
    """A value as the page calls it."""
    if not value:
        return "not known"
    if by == "version":
        return f"Version {value}"
    if by == "layer":
        return {"1": "First layer", "2": "Second layer"}.get(value, f"Layer {value}")
    if by == "gpc":
        return {"yes": "Signal on", "no": "Signal off"}.get(value, value)
    if by == "notice":
        return value[:12]
    if by in ("control", "regime"):
        return value.replace("_", " ")
    return value


def named(by: str, found: Sequence[Row]) -> list[tuple[str, Row]]:
    """Rows with the names of their values."""
    return [(label(by, row.value), row) for row in found]
