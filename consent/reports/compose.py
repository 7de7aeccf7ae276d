"""From what spans come to to an answer: figures, the rest, what it is compared with, what there is to say of it."""

import msgspec

from consent.reports import figures
from consent.reports.answer import Answer, Compared, Line
from consent.reports.question import Question
from consent.reports.side import Side
from consent.sites.site import Site

PARTS = frozenset({"purpose", "service", "state", "event", "outbound"})
"""Dimensions under which something is counted several times, or not at all: their lines are no parts of a whole."""


def composed(site: Site, asked: Question, side: Side) -> Answer:
    subject = asked.about
    rest = None
    if asked.by and not asked.grain and not asked.after and not PARTS & asked.dims:
        rest = figures.less(side.total, figures.added(subject.columns, (row for _, row in side.lines)))
    start, end = asked.period.texts()
    return Answer(
        site=site.key,
        subject=asked.subject,
        metrics=asked.metrics,
        by=asked.columns,
        filter=filters(asked),
        start=start,
        end=end,
        source="rollups",
        complete=True,
        lines=tuple(Line(key, figures.values(subject, asked.metrics, row, asked.dims)) for key, row in side.lines),
        total=figures.values(subject, asked.metrics, side.total, frozenset(asked.filter)),
        rest=figures.values(subject, asked.metrics, rest, asked.dims) if rest and any(rest.values()) else None,
        next=side.next,
        notes=_notes(asked, side),
    )


def compared(answer: Answer, asked: Question, other: Side) -> Answer:
    """The answer with what it is compared with: by the same values, over time by the same place in the span."""
    assert asked.other is not None
    subject = asked.about
    earlier = {key: figures.values(subject, asked.metrics, row, asked.dims) for key, row in other.lines}
    if asked.grain:
        now, then = asked.period.buckets(asked.grain), asked.other.period.buckets(asked.grain)
        named = dict(zip(now, then, strict=False))
        lines = [
            msgspec.structs.replace(line, before=earlier.get((named.get(line.keys[0], ""), *line.keys[1:])))
            for line in answer.lines
        ]
    else:
        lines = [msgspec.structs.replace(line, before=earlier.get(line.keys)) for line in answer.lines]
    start, end = asked.other.period.texts()
    total = figures.values(subject, asked.metrics, other.total, frozenset(asked.filter))
    return msgspec.structs.replace(answer, lines=tuple(lines), before=Compared(start, end, filters(asked.other), total))


def filters(asked: Question) -> tuple[str, ...]:
    """The filters as they are asked for."""
    return tuple(f"{dim}:{value}" for dim, values in asked.filter.items() for value in values)


def _notes(asked: Question, side: Side) -> tuple[str, ...]:
    notes = []
    if not side.known:
        notes.append("This service has no visitors' log: no policy has a table [telemetry].")
    if asked.subject in ("visits", "visitors") and {"visitors", "newcomers", "returning"} & set(asked.metrics):
        notes.append("Visitors are counted by the day: who came on two days is counted twice.")
    if asked.about.kinds.keys() > {"count"} and asked.hours:
        notes.append(
            "Anonymous counts are kept by the day: by the hour there are only visits that were logged in full."
        )
    return tuple(notes)
