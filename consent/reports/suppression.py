"""Which lines of a table may be shown to others, so that nothing is said of few people (TM-05). Pure.

A table is one month, divided by one thing; its lines add up to its total, and others know both. A line with a small
number is hidden whole. What is hidden is then known by sum: so no line is hidden alone, and no sum of hidden numbers is
small. The rule sees one closed month and nothing else, so that whoever asks for other spans learns sums of the same
months, and no difference of two answers is a number that one of them hid.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

THRESHOLD = 5
"""The usual one, and the least: no law names a number; small-cell practice hides 1 to 4."""

MOST = 1_000

Key = TypeVar("Key")


def shown(rows: Mapping[Key, Sequence[int]], total: Sequence[int], threshold: int) -> frozenset[Key] | None:
    """The lines that may be shown; None where not even the total may.

    Args:
        rows: numbers of each line, several columns; every line has one that is not 0.
        total: numbers of all, those that are in no line included.
        threshold: numbers from 1 to below this are small.
    """
    if any(_small(number, threshold) for number in total):
        return None
    hidden = {key for key, numbers in rows.items() if any(_small(number, threshold) for number in numbers)}
    loose = _less(total, rows.values())
    order = sorted((key for key in rows if key not in hidden), key=lambda key: (sum(rows[key]), repr(key)))
    for key in order:
        sums = _added(loose, [rows[one] for one in hidden])
        parts = len(hidden) + any(loose)
        if parts != 1 and not any(_small(number, threshold) for number in sums):
            break
        hidden.add(key)
    return frozenset(rows.keys() - hidden)


def _small(number: int, threshold: int) -> bool:
    """Whether a number says something of few people; one below 0 is no number of people at all."""
    return number != 0 and number < threshold


def _less(total: Sequence[int], rows: Iterable[Sequence[int]]) -> tuple[int, ...]:
    sums = _added((0,) * len(total), rows)
    return tuple(all_ - part for all_, part in zip(total, sums, strict=True))


def _added(start: Sequence[int], rows: Iterable[Sequence[int]]) -> tuple[int, ...]:
    sums = tuple(start)
    for row in rows:
        sums = tuple(one + more for one, more in zip(sums, row, strict=True))
    return sums
