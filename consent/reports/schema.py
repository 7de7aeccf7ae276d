"""The JSON faces of reports, as types: what /openapi.json says of them. Pure."""

from typing import Annotated, Any, Literal

import msgspec

from consent.reports.question import MOST_LINES, PARAMETERS, USUAL_LINES, USUAL_SERIES
from consent.reports.subjects import GRAINS, SUBJECTS

Figures = dict[str, int | float | None]


class Other(msgspec.Struct):
    """What is compared with: its days or hours, filters and total."""

    start: str
    end: str
    filter: list[str]
    total: Figures


class Report(msgspec.Struct):
    """Figures. Each row has what it is about, by the names in `by`, and a number by each metric; where it is compared
    also `before`, the figures of the other side, and `change`, by which share they grew."""

    site: str
    subject: str
    first: Annotated[str, msgspec.Meta(description="The first day, or hour.")] = msgspec.field(name="from")
    last: Annotated[str, msgspec.Meta(description="The last day, or the hour before which it ends.")] = msgspec.field(
        name="to"
    )
    metrics: list[str]
    by: list[str]
    filter: list[str]
    source: Literal["rollups", "rows"]
    complete: bool
    total: Figures
    rest: Figures | None
    next: str
    before: Other | None
    hidden: int
    threshold: int
    notes: list[str]
    rows: list[dict[str, Any]]


SAYS: dict[str, str] = {
    "metrics": "Names of figures, between commas.",
    "by": f"One time ({', '.join(GRAINS)}) and two dimensions at most, between commas.",
    "filter": "`dimension:value`, repeated; several values of one dimension are any of them.",
    "from": "From this day or moment on (RFC 3339 or ms since 1970); 28 days where it is left out.",
    "to": "To the end of this day, or before this moment; today where it is left out.",
    "limit": f"Rows at most, 1 to {MOST_LINES}; else {USUAL_LINES}, or {USUAL_SERIES} values over time.",
    "after": "The `next` of the page before.",
    "compare": "`previous`, `year`, `2026-10-01..2026-10-28`, or for consent `version:3`.",
    "shared": "`yes`: whole months of a few dimensions, without what would say something of few people.",
}
assert tuple(SAYS) == PARAMETERS

SUBJECT = "|".join(SUBJECTS)
