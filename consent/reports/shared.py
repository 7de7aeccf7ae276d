"""Shared answers: read from counts by the month, and told as far as others may see them."""

import msgspec

from consent.db.reading import Reader
from consent.errors import Conflict, Forbidden
from consent.reports import figures, period, queries, sharing, sharing_queries
from consent.reports.answer import Answer
from consent.reports.compose import composed
from consent.reports.period import DAY
from consent.reports.queries import Part
from consent.reports.question import Question
from consent.reports.sharing import Month
from consent.reports.side import Side, key_of, total_of
from consent.reports.subjects import held
from consent.sites.site import Site

LINES = 2_000
"""Different values of a month that are looked at; the rest counts as hidden."""

_NOTE = "Lines are without those months in which they say something of few people, and others without which they would."


async def shared_answer(readers: dict[str, Reader], site: Site, asked: Question) -> Answer:
    """What others may see. Raises Problem where nothing is shared, or not everything is counted."""
    threshold = await sharing_queries.threshold(readers["main"], site.site_id)
    if not threshold:
        remedy = "Its owner can share them: consent site sharing."
        raise Forbidden("sharing_off", f"The figures of {site.key} are not shared.", remedy)
    reader = readers.get(asked.about.store)
    if not await queries.is_counted(readers["main"], site.site_id):
        raise Conflict(
            "not_counted", "Records of before there were counts are still being counted.", "Ask again later."
        )
    columns = figures.wanted(asked.about, sharing.OPEN[asked.subject].counts)
    months = []
    where = held(asked.about, asked.dims, hours=False)
    assert where is not None
    for span in sharing.months(asked.period) if reader else ():
        assert reader is not None
        part = Part(site.site_id, asked.about, where, span, False, {}, columns)
        found = []
        if asked.by:
            weights = figures.weights(asked.about, sharing.OPEN[asked.subject].counts)
            found = await queries.largest(reader, part, asked.by, weights=weights, limit=LINES)
        rows = {key_of(row, asked.by)[0]: row for row in found}
        months.append(Month(period.name("month", span.start // DAY), rows, await total_of(reader, part, asked)))
    open_ = sharing.published(asked.subject, months, threshold, by_month=asked.grain is not None, by=bool(asked.by))
    answer = composed(site, asked, Side(open_.lines[: asked.limit * max(1, len(months))], open_.total))
    return msgspec.structs.replace(
        answer, rest=None, hidden=open_.hidden, threshold=threshold, notes=(*answer.notes, _NOTE)
    )
