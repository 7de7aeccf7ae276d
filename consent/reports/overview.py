"""The first page: how many were asked and answered, what they said, over time and by purpose. Pure."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from consent.reports.chart import Bar, Chart, Series, across, lines, stacked
from consent.reports.choices import ACTIONS, Choices, change, difference, total
from consent.reports.span import Span, Step

TENFOLD = 9.0
"""Growth by so many times what there was says only that counting has begun meanwhile."""


class Asked(msgspec.Struct, frozen=True):
    """One purpose or service: how many first answers granted it, and how many did not."""

    key: str
    title: str
    granted: int
    denied: int

    @property
    def rate(self) -> float | None:
        """Part that granted it."""
        return self.granted / (self.granted + self.denied) if self.granted + self.denied else None


class Live(msgspec.Struct, frozen=True):
    """The last hour: choices a minute, the oldest first. `whole` is False where there were more than are counted."""

    minutes: tuple[int, ...]
    choices: Choices
    whole: bool = True


class Overview(msgspec.Struct, frozen=True):
    """What the page says; its JSON face is this.

    `shown_by_step` counts first layers only where the law lets that be counted, by day, and `answered_by_step` first
    answers under the same laws; None where nothing is.
    """

    steps: tuple[Step, ...]
    by_step: tuple[Choices, ...]
    before_by_step: tuple[Choices, ...]
    shown_by_step: tuple[int, ...] | None
    answered_by_step: tuple[int, ...] | None
    purposes: tuple[Asked, ...]
    live: Live

    @property
    def now(self) -> Choices:
        """All choices of the span."""
        return total(self.by_step)

    @property
    def before(self) -> Choices:
        """All choices of the span before it."""
        return total(self.before_by_step)

    @property
    def shown(self) -> int | None:
        """How often the first layer was shown."""
        return None if self.shown_by_step is None else sum(self.shown_by_step)

    @property
    def unanswered(self) -> float | None:
        """Part of the showings that no choice followed, under the laws under which they are counted."""
        return max(0.0, 1 - sum(self.answered_by_step or ()) / self.shown) if self.shown else None

    @property
    def grew(self) -> float | None:
        """By what part the first answers grew since the span before; None beyond tenfold: it has but few days."""
        grown = change(self.now.answered, self.before.answered)
        return grown if grown is None or grown < TENFOLD else None

    @property
    def opt_in_moved(self) -> float | None:
        """By how much the opt-in rate differs from the span before."""
        return difference(self.now.opt_in, self.before.opt_in)

    @property
    def opt_out_moved(self) -> float | None:
        """By how much the rate of refusals differs from the span before."""
        return difference(self.now.opt_out, self.before.opt_out)


def choices_chart(page: Overview) -> Chart:
    """First answers over time, upon each other."""
    names, full = _names(page.steps)
    series = [
        Series(name, tuple(getattr(one, action) for one in page.by_step), style) for action, name, style in ACTIONS
    ]
    return stacked(names, series, full=full)


def rate_chart(page: Overview) -> Chart:
    """The opt-in rate over time, and that of the span before under it."""
    names, full = _names(page.steps)
    before = [*page.before_by_step, *[Choices()] * len(names)][: len(names)]
    series = [Series("Opt-in rate", tuple(one.opt_in for one in page.by_step), "s1")]
    if page.before.answered:
        series.append(Series("The span before", tuple(one.opt_in for one in before), "s3", dashed=True))
    return lines(names, series, full=full, shares=True)


def shown_chart(page: Overview) -> Chart:
    """Showings of the first layer against first answers under the same laws; all first answers where there are none."""
    names, full = _names(page.steps)
    if page.shown_by_step is None or page.answered_by_step is None:
        every = Series("Answered", tuple(one.answered for one in page.by_step), "s1")
        return lines(names, [every], full=full, height=140)
    answered = Series("Answered", page.answered_by_step, "s1")
    return lines(names, [Series("Shown", page.shown_by_step, "s6"), answered], full=full, height=140)


def live_chart(live: Live) -> Chart:
    """Choices a minute: a bar for each, of no height where nobody chose, and always as many marks on the axis.

    The page's script gives bars and marks what they become.
    """
    ago = [len(live.minutes) - at - 1 for at in range(len(live.minutes))]
    names = [f"−{minutes} min" if minutes else "now" for minutes in ago]
    chart = stacked(names, [Series("Choices", live.minutes, "s1")], height=140, labels=4, marks=2)
    return msgspec.structs.replace(chart, bars=tuple(_every(chart, len(live.minutes))))


def _every(chart: Chart, minutes: int) -> Iterator[Bar]:
    there = {round(bar.x * minutes / 100 - 0.1): bar for bar in chart.bars}
    for minute in range(minutes):
        x, width = across(minute, minutes)
        yield there.get(minute) or Bar(x, float(chart.height), width, 0.0, "s1")


def by_steps(steps: Sequence[Step], found: Mapping[int, Choices]) -> tuple[Choices, ...]:
    """The choices of each step; nobody chose where there are none."""
    return tuple(found.get(step.first, Choices()) for step in steps)


def previous(span: Span) -> Span:
    """What a span is compared with."""
    return span.before


def _names(steps: Sequence[Step]) -> tuple[list[str], list[str]]:
    return [step.name for step in steps], [step.full for step in steps]
