"""An answer, and its faces for programs: JSON and CSV (the third is a page). Pure."""

import csv
import io
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from consent.records.record import cell
from consent.reports.figures import Number, change

Values = Mapping[str, Number]


class Line(msgspec.Struct, frozen=True):
    """One line: what it is about, in the order of the answer's `by`, and its figures; `before` is what it is compared
    with, None where there was no such line."""

    keys: tuple[str, ...]
    values: Values
    before: Values | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer to a question.

    Args:
        site: the site's key.
        subject: what was asked about.
        metrics: which figures.
        by: what stands in front of each line, a time first.
        filter: as `dimension:value`.
        start: the first day, or the first hour.
        end: the last day, or the hour before which it ends.
        source: `rollups`, or `rows` where the combination is not counted and the rows themselves were read.
        complete: whether all records are counted; false while those of before there were counts are being counted.
        lines: the figures.
        total: of everything that the filters let through.
        rest: total less lines, where that says something.
        next: what to ask with `after` for more lines; empty at the end.
        before: the span that is compared with; its total.
        hidden: lines that are not shown since they would say something of few people.
        threshold: below which numbers are not shown; 0 where all are.
        notes: sentences that belong to the figures.
    """

    site: str
    subject: str
    metrics: tuple[str, ...]
    by: tuple[str, ...]
    filter: tuple[str, ...]
    start: str
    end: str
    source: Literal["rollups", "rows"]
    complete: bool
    lines: tuple[Line, ...]
    total: Values
    rest: Values | None = None
    next: str = ""
    before: "Compared | None" = None
    hidden: int = 0
    threshold: int = 0
    notes: tuple[str, ...] = ()

    def face(self) -> dict[str, Any]:
        """The JSON face: lines are flat objects."""
        face = msgspec.to_builtins(self)
        start, end = face.pop("start"), face.pop("end")
        face["rows"] = [self._flat(line) for line in self.lines]
        del face["lines"]
        return {"site": face.pop("site"), "subject": face.pop("subject"), "from": start, "to": end, **face}

    def _flat(self, line: Line) -> dict[str, Any]:
        flat: dict[str, Any] = {**dict(zip(self.by, line.keys, strict=True)), **line.values}
        if self.before is not None:
            flat["before"] = line.before
            earlier = line.before or {}
            flat["change"] = {name: change(line.values[name], earlier.get(name)) for name in self.metrics}
        return flat

    def as_csv(self) -> str:
        """RFC 4180 with a header line; no cell is a formula. Rates are numbers between 0 and 1."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        compared = [f"{name}_before" for name in self.metrics] if self.before is not None else []
        writer.writerow([*self.by, *self.metrics, *compared])
        for line in self.lines:
            figures = [line.values.get(name) for name in self.metrics]
            if compared:
                figures += [(line.before or {}).get(name) for name in self.metrics]
            writer.writerow([*map(cell, line.keys), *("" if one is None else one for one in figures)])
        return out.getvalue()


class Compared(msgspec.Struct, frozen=True):
    """The other side of a comparison."""

    start: str
    end: str
    filter: tuple[str, ...]
    total: Values
