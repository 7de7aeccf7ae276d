"""The third face of an answer: a page with its table, for whoever follows a link to a question. Pure."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from consent.reports.answer import Answer, Values
from consent.reports.figures import told
from consent.reports.subjects import SUBJECTS

SITE_PAGES = {"consent": "consent", "shown": "overview", "services": "services", "requests": "health"}
"""The page of the menu that a subject belongs to; the others are of visits."""


class Line(NamedTuple):
    """One row of the table, in words; `whole` for all and the rest."""

    keys: tuple[str, ...]
    cells: tuple[str, ...]
    whole: bool = False


class Page(NamedTuple):
    """What stands on the page: heads with their sentences, lines, and links to the other faces and the next page."""

    columns: tuple[str, ...]
    heads: tuple[tuple[str, str], ...]
    lines: tuple[Line, ...]
    csv: str
    json: str
    following: str


def page(answer: Answer, given: Sequence[tuple[str, str]], base: str) -> Page:
    """The page of an answer; `base` is its address without a face, `given` its parameters."""
    metrics = SUBJECTS[answer.subject].metrics
    heads = [(name.replace("_", " "), metrics[name].says) for name in answer.metrics]
    if answer.before is not None:
        heads += [(f"{name.replace('_', ' ')} before", metrics[name].says) for name in answer.metrics]
    lines = [Line(_keys(line.keys), _cells(answer, line.values, line.before)) for line in answer.lines]
    blank = ("",) * max(0, len(answer.by) - 1)
    if answer.rest is not None:
        lines.append(Line(("The rest", *blank), _cells(answer, answer.rest, None), whole=True))
    before = answer.before.total if answer.before else None
    lines.append(Line(("All", *blank), _cells(answer, answer.total, before), whole=True))
    query = f"?{urlencode(given)}" if given else ""
    following = [*(pair for pair in given if pair[0] != "after"), ("after", answer.next)]
    return Page(
        columns=answer.by or ("",),
        heads=tuple(heads),
        lines=tuple(lines),
        csv=f"{base}.csv{query}",
        json=f"{base}.json{query}",
        following=f"{base}.html?{urlencode(following)}" if answer.next else "",
    )


def _keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(key or "unknown" for key in keys)


def _cells(answer: Answer, values: Values, before: Values | None) -> tuple[str, ...]:
    metrics = SUBJECTS[answer.subject].metrics
    sides = [values] if answer.before is None else [values, before or {}]
    return tuple(told(side.get(name), metrics[name].unit) for side in sides for name in answer.metrics)
