"""From records to counts: which cells a record belongs to (docs/formats.md, section 13). Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

import msgspec

from consent.db import Row
from consent.records.decision import Action

HOUR = 3_600_000
HOURS = 24

SINGLE = (
    "total", "country", "region", "language", "regime", "version", "notice", "control", "layer", "gpc", "widget",
    "browser", "device",
)  # fmt: skip
STATES = ("purpose", "service")
"""Dimensions whose cells have a key and a state; a record is in one cell for each of its keys."""

PAIRS = (
    ("version", "country"), ("version", "control"), ("regime", "control"), ("language", "country"),
    ("version", "device"),
)  # fmt: skip

DIMS = (*SINGLE, *STATES, *("*".join(pair) for pair in PAIRS))
"""Every dimension, as the table names it."""

HOURLY = ("total", "country", "regime", "version", "device")
"""Dimensions that are counted by hour, too; the others by day alone."""

SEEN = frozenset({"browser", "device", "version*device"})
"""Dimensions that no record holds (PR-06): counted as they come, and never again."""


class Seen(NamedTuple):
    """What a post says of its browser, as coarse as a count may know it; never on the record."""

    browser: str
    device: str


class Cell(NamedTuple):
    """One count's place: dimension (`total`, `version*country`), grain, bucket since 1970 in UTC, and its values."""

    dim: str
    grain: str
    bucket: int
    val: str
    also: str


class Said(NamedTuple):
    """What is counted of a record, but its time and action; many records say the same."""

    region: str
    language: str
    regime: str
    version: int
    notice: str
    control: str
    layer: int
    gpc: bool | int
    widget: str
    purposes: str
    services: str
    seen: Seen | None


class Share(NamedTuple):
    """So many records that say the same, in an hour since 1970."""

    said: Said
    hour: int
    action: Action
    number: int


Cells = dict[Cell, dict[Action, int]]

_PICK = itemgetter(*Said._fields[:-1])
_SHARES = msgspec.json.Decoder(list[Share])


def shares(rows: Iterable[tuple[Row, Seen | None]]) -> list[Share]:
    """What is alike among records.

    Args:
        rows: the columns of a record, and what was seen of its browser; None where nobody knows that any more.
    """
    alike = Counter((Said._make((*_PICK(row), seen)), row["time"] // HOUR, row["action"]) for row, seen in rows)
    return [Share(*what, number) for what, number in alike.items()]


def written(found: list[Share]) -> str:
    """Shares as a text that `read` understands."""
    return msgspec.json.encode(found).decode()


def read(text: str) -> list[Share]:
    """The shares that were written."""
    return _SHARES.decode(text)


def cells(found: Iterable[Share]) -> Cells:
    """The cells of shares and their numbers by action."""
    sums: Cells = {}
    for said, hour, action, number in found:
        for cell in _cells(said, hour):
            counts = sums.setdefault(cell, {})
            counts[action] = counts.get(action, 0) + number
    return sums


def day_of(record: str) -> int:
    """The day (since 1970) of a record, by its id."""
    return int(record.replace("-", "")[:12], 16) // (HOUR * HOURS)


def merge(sums: Cells, more: Cells) -> None:
    """Add cells to others."""
    for cell, numbers in more.items():
        counts = sums.setdefault(cell, {})
        for action, number in numbers.items():
            counts[action] = counts.get(action, 0) + number


@lru_cache(maxsize=1_024)
def _cells(said: Said, hour: int) -> tuple[Cell, ...]:
    """The cells of a record that says this in an hour."""
    found = []
    for dim, val, also in _facets(said):
        found.append(Cell(dim, "day", hour // HOURS, val, also))
        if dim in HOURLY:
            found.append(Cell(dim, "hour", hour, val, also))
    return tuple(found)


def _facets(said: Said) -> Iterator[tuple[str, str, str]]:
    """Dimension and both values of everything that a record is counted under."""
    values: dict[str, str] = {name: str(getattr(said, name)) for name in SINGLE if name in Said._fields}
    values |= {"total": "", "country": said.region.partition("-")[0], "gpc": "yes" if said.gpc else "no"}
    if said.seen:
        values |= said.seen._asdict()
    yield from ((dim, values[dim], "") for dim in SINGLE if dim in values)
    for dim, text in (("purpose", said.purposes), ("service", said.services)):
        yield from ((dim, key, state) for key, state in msgspec.json.decode(text, type=dict[str, str]).items())
    for one, other in PAIRS:
        if one in values and other in values:
            yield f"{one}*{other}", values[one], values[other]
