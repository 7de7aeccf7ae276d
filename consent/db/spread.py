"""Many rows in one statement: `insert … values (…), (…), …` in place of one insert after another. Pure.

SQLite's driver lets go of the interpreter around every statement, and has to wait for it again while the loop is busy.
One statement for sixteen rows waits once.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

LARGEST = 32
"""Rows of one statement. Blocks are powers of two, so that a few prepared texts serve any number of rows."""

_INSERT = re.compile(r"(insert into \w+ \([\w, ]+\) values )\((:\w+(?:, :\w+)+)\)(.*)", re.DOTALL)


class Shape(NamedTuple):
    """An insert of one row, taken apart at its values."""

    head: str
    names: tuple[str, ...]
    tail: str

    def text(self, rows: int) -> str:
        """The statement for so many rows, with a question mark for each value."""
        one = f"({', '.join('?' * len(self.names))})"
        return self.head + ", ".join([one] * rows) + self.tail


@lru_cache(maxsize=256)
def shape(sql: str) -> Shape | None:
    """The shape of a plain insert of named values; None for every other statement, and where the tail has names too."""
    match = _INSERT.fullmatch(sql)
    if match is None or ":" in match[3]:
        return None
    return Shape(match[1], tuple(name.strip(" :") for name in match[2].split(",")), match[3])


@lru_cache(maxsize=256)
def _text(found: Shape, rows: int) -> str:
    return found.text(rows)


def blocks(found: Shape, rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[Any]]]:
    """Statements and their values, in the order of the rows."""
    pick = itemgetter(*found.names)
    start = 0
    while start < len(rows):
        size = min(LARGEST, 1 << (len(rows) - start).bit_length() - 1)
        values: list[Any] = []
        for row in rows[start : start + size]:
            values += pick(row)
        yield _text(found, size), values
        start += size
