"""The export that is meant to be shared: what others may see of a site's months, one number a row. It names nobody.

It is made of shared answers alone, which hide what would say something of few people (sharing.py): a rule of its own
beside theirs would let differences between the two reveal what is hidden.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from consent.errors import Problem
from consent.records.record import cell
from consent.reports.answer import Answer
from consent.reports.answers import Answers
from consent.reports.figures import Number
from consent.reports.question import Question, parse
from consent.reports.sharing import OPEN
from consent.sites.site import Site

LINES = "500"
"""Values of a dimension that are told, the largest; the rest counts as hidden."""

HIDDEN = "hidden_lines"
"""What the number of lines is called that are not told."""

FORMATS = ("csv", "ndjson")


class Figure(NamedTuple):
    """One number. `dimension` and `value` are empty for the whole site; `month` is empty for `hidden_lines`."""

    site: str
    subject: str
    month: str
    dimension: str
    value: str
    metric: str
    number: Number


def questions(given: Mapping[str, str], now: int) -> list[tuple[str, Question]]:
    """The questions of which it is made, with the dimension of each. Raises Problem for a span that is not shared."""
    for name in given:
        if name not in ("from", "to"):
            remedy = "Known are: from, to."
            raise Problem("unknown_parameter", f"There is no parameter {name[:40]!r}.", remedy, field=name[:40])
    found = []
    for subject, rules in OPEN.items():
        for dim in ("", *rules.dims):
            by = f"month,{dim}" if dim else "month"
            pairs = [("shared", "yes"), ("by", by), *given.items(), *([("limit", LINES)] if dim else [])]
            found.append((dim, parse(subject, pairs, now)))
    return found


async def collect(answers: Answers, site: Site, asked: Sequence[tuple[str, Question]]) -> list[Figure]:
    """All figures, by subject, dimension and month. Raises Problem, Forbidden where the site shares nothing."""
    return [figure for dim, question in asked for figure in _figures(dim, await answers.ask(site, question))]


def _figures(dim: str, answer: Answer) -> Iterator[Figure]:
    for line in answer.lines:
        month, *value = line.keys
        for metric in answer.metrics:
            yield Figure(answer.site, answer.subject, month, dim, "".join(value), metric, line.values.get(metric))
    yield Figure(answer.site, answer.subject, "", dim, "", HIDDEN, answer.hidden)


def as_bytes(figures: Sequence[Figure], format_: str) -> bytes:
    """The file. No cell of a CSV is a formula."""
    if format_ == "ndjson":
        return msgspec.json.Encoder().encode_lines([figure._asdict() for figure in figures])
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(Figure._fields)
    for *texts, number in figures:
        writer.writerow([*map(cell, texts), "" if number is None else number])
    return out.getvalue().encode()


def check_format(format_: str) -> str:
    """The format. Raises Problem for one that there is not."""
    if format_ not in FORMATS:
        remedy = f"There are: {', '.join(f'shared.{one}' for one in FORMATS)}."
        raise Problem("export", f"Nothing is exported as shared.{format_[:20]}.", remedy, status=404)
    return format_
