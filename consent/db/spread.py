"""Many rows in one statement: `… values (…), (…), …` in place of one after another. Pure.

SQLite's driver lets go of the interpreter around every statement, and has to wait for it again while the loop is busy.
One statement for many rows waits once.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

LARGEST = 128
MOST_VALUES = 4_096
"""Rows and values of one statement. Blocks are powers of two, so that a few prepared texts serve any number of rows."""

_VALUES = re.compile(r"([^:]*\bvalues )\((:\w+(?:, :\w+)+)\)([^:]*)")


class Shape(NamedTuple):
    """A statement with the values of one row, taken apart at them."""

    head: str
    names: tuple[str, ...]
    tail: str

    def text(self, rows: int) -> str:
        """The statement for so many rows, with a question mark for each value."""
        one = f"({', '.join('?' * len(self.names))})"
        return self.head + ", ".join([one] * rows) + self.tail


@lru_cache(maxsize=256)
def shape(sql: str) -> Shape | None:
    """The shape of a statement with one list of named values; None where there is none, or a name elsewhere too."""
    match = _VALUES.fullmatch(sql)
    if match is None:
        return None
    return Shape(match[1], tuple(name.strip(" :") for name in match[2].split(",")), match[3])


@lru_cache(maxsize=256)
def _text(found: Shape, rows: int) -> str:
    return found.text(rows)


def blocks(found: Shape, rows: Sequence[Mapping[str, Any] | tuple[Any, ...]]) -> Iterator[tuple[str, list[Any]]]:
    """Statements and their values, in the order of the rows."""
    pick: Callable[[Any], Iterable[Any]] = iter if isinstance(rows[0], tuple) else itemgetter(*found.names)
    largest = min(LARGEST, 1 << (MOST_VALUES // len(found.names)).bit_length() - 1)
    start = 0
    while start < len(rows):
        size = min(largest, 1 << (len(rows) - start).bit_length() - 1)
        values: list[Any] = []
        for row in rows[start : start + size]:
            values += pick(row)
        yield _text(found, size), values
        start += size
