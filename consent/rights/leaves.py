"""Which leaves of a site's logs were erased, as texts tell it. Pure."""

from collections.abc import Iterable, Mapping

from consent.db import Row
from consent.ledger.leaf import format_ranges, parse_ranges

LONGEST = 8_000
"""Characters of ranges that one leaf tells."""

Erased = Mapping[int, str]
"""The ranges of erased leaves by epoch: `{1: "17,20-22"}`."""


def erased(rows: Iterable[Row]) -> dict[int, str]:
    """The leaves of records by epoch; what was recorded before there was a log has none."""
    leaves: dict[int, list[int]] = {}
    for row in rows:
        if row["leaf"] >= 0:
            leaves.setdefault(row["epoch"], []).append(row["leaf"])
    return {epoch: format_ranges(found) for epoch, found in sorted(leaves.items())}


def content(ranges: Erased, epoch: int) -> list[str]:
    """What the leaves say that a log of this epoch tells of it: some for each epoch, former ones by their number.

    None is longer than `LONGEST`: an entry of more than 65,535 bytes fits into no bundle (c2sp.org/tlog-tiles).
    """
    return [part if of == epoch else f"{of}:{part}" for of, text in ranges.items() for part in _parts(text)]


def as_text(ranges: Erased) -> str:
    """In one line: `1:17,20-22 2:5`."""
    return " ".join(f"{epoch}:{text}" for epoch, text in ranges.items())


def from_text(text: str) -> dict[int, str]:
    """What `as_text` made."""
    parts = (part.partition(":") for part in text.split())
    return {int(epoch): ranges for epoch, _, ranges in parts}


def spans(ranges: str) -> list[tuple[int, int]]:
    """First and last leaf of each range."""
    return [(one.start, one.stop - 1) for one in parse_ranges(ranges)]


def _parts(ranges: str) -> list[str]:
    """The same ranges in texts that are not too long."""
    parts: list[str] = []
    while len(ranges) > LONGEST:
        end = ranges.rindex(",", 0, LONGEST + 1)
        parts.append(ranges[:end])
        ranges = ranges[end + 1 :]
    return [*parts, ranges]
