"""From sums to figures: rates, the rest, one span against another. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from consent.reports.subjects import ONLY, Metric, Subject, Unit

Number = int | float | None
Sums = Mapping[str, int]
Values = dict[str, Number]

DIGITS = 6
"""Of rates and averages."""


def value(metric: Metric, sums: Sums) -> Number:
    """A metric of sums; None where there is nothing to divide by."""
    above = sum(sums[name] for name in metric.plus) - sum(sums[name] for name in metric.minus)
    if not metric.per:
        return above
    below = sum(sums[name] for name in metric.per)
    return round(above / below, DIGITS) if below else None


def values(subject: Subject, metrics: Iterable[str], sums: Sums, dims: frozenset[str] = frozenset()) -> Values:
    """The metrics asked for; None for those that are not counted under these dimensions."""
    return {
        name: value(subject.metrics[name], sums) if _is_counted(subject.metrics[name], dims) else None
        for name in metrics
    }


def _is_counted(metric: Metric, dims: frozenset[str]) -> bool:
    columns = {*metric.plus, *metric.minus, *metric.per}
    return all(columns <= ONLY.get(dim, columns) for dim in dims)


def weights(subject: Subject, metrics: Iterable[str]) -> tuple[str, ...]:
    """The columns whose sum says which lines are the largest: those of the first count that is asked for."""
    counts = (subject.metrics[name] for name in metrics)
    return next((one.plus for one in counts if not one.per), subject.metrics[subject.weight].plus)


def wanted(subject: Subject, metrics: Sequence[str]) -> frozenset[str]:
    """The columns that these metrics, and the order of lines, are made of."""
    found = set(weights(subject, metrics))
    for name in metrics:
        one = subject.metrics[name]
        found |= {*one.plus, *one.minus, *one.per}
    return frozenset(found)


def added(columns: Sequence[str], many: Iterable[Sums]) -> dict[str, int]:
    """Sums added up; zeros where there are none."""
    total = dict.fromkeys(columns, 0)
    for sums in many:
        for name in columns:
            total[name] += sums[name]
    return total


def less(whole: Sums, part: Sums) -> dict[str, int]:
    """What is left of a whole."""
    return {name: number - part[name] for name, number in whole.items()}


def change(now: Number, before: Number) -> Number:
    """By which share a number grew; None where there is nothing to grow from."""
    if now is None or not before:
        return None
    return round((now - before) / before, DIGITS)


def told(number: Number, unit: Unit) -> str:
    """A figure as people read it."""
    if number is None:
        return "–"
    if unit == "share":
        return f"{number:.1%}"
    return f"{number:,.1f}" if isinstance(number, float) else f"{number:,}"
