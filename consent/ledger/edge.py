"""The right edge of a tree: all that appending needs, and the proofs of what was just appended.

Each level of tiles keeps its last tile with the nodes within it: row 0 its hashes, row 1 the nodes over pairs of them,
and so on to row 7. A node at height 8 * level + row is then found by its index, and a proof is only lookups.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from consent.ledger.errors import LedgerError
from consent.ledger.merkle import EMPTY_ROOT, node_hash
from consent.ledger.tile import WIDTH

Rows = tuple[tuple[bytes, ...], ...]
Full = tuple[int, int, tuple[bytes, ...]]
"""A tile: level, index, hashes. One that has just become full has 256."""

Read = Callable[[int, int, int], Sequence[bytes]]
"""(level, tile index, width) to the hashes of that tile."""

_HEIGHT = 8
_NO_ROWS: Rows = ((),) * _HEIGHT


class _Added(NamedTuple):
    """What became of one level: its last tile, the tiles that are full now, and their roots."""

    rows: Rows
    full: list[Rows]
    roots: list[bytes]


class Edge:
    """The right edge of a tree of `size` leaves; a value that never changes. Begin with `empty` or `load`."""

    __slots__ = ("_levels", "_recent", "_tails", "size")

    def __init__(self, size: int, levels: Sequence[Rows], recent: Mapping[tuple[int, int], Rows]) -> None:
        self.size = size
        self._levels = tuple(levels)
        self._recent = recent
        self._tails: tuple[bytes, ...] | None = None

    @classmethod
    def empty(cls) -> "Edge":
        """The edge of a tree without leaves."""
        return cls(0, (), MappingProxyType({}))

    @classmethod
    def load(cls, size: int, read: Read) -> "Edge":
        """The edge of a stored tree; reads the tiles that `edge_tiles` names. Raises LedgerError when one is short."""
        levels = [_NO_ROWS] * ((size.bit_length() + _HEIGHT - 1) // _HEIGHT)
        for level, index, width in edge_tiles(size):
            hashes = read(level, index, width)
            if len(hashes) != width:
                raise LedgerError(f"Tile {index} of level {level} has {len(hashes)} hashes, not {width}.")
            levels[level] = _filled(_NO_ROWS, hashes)
        return cls(size, levels, MappingProxyType({}))

    def append(self, hashes: Sequence[bytes]) -> tuple["Edge", list[Full]]:
        """The edge after these leaf hashes, and the tiles that they have made full, lowest level first."""
        levels, full = list(self._levels), []
        recent: dict[tuple[int, int], Rows] = {}
        level, fresh = 0, list(hashes)
        while fresh:
            if level == len(levels):
                levels.append(_NO_ROWS)
            first = self.size >> (_HEIGHT * (level + 1))
            added = _add(levels[level], fresh)
            for index, rows in enumerate(added.full, first):
                recent[level, index] = rows
                full.append((level, index, rows[0]))
            levels[level] = added.rows
            level, fresh = level + 1, added.roots
        return Edge(self.size + len(hashes), levels, recent), full

    def partial(self) -> list[Full]:
        """The tiles that are not full yet, lowest level first."""
        return [(level, index, self._levels[level][0]) for level, index, _ in edge_tiles(self.size)]

    def root(self) -> bytes:
        """The root of the tree."""
        return self._tail(self.size.bit_length()) if self.size else EMPTY_ROOT

    def inclusion(self, index: int) -> list[bytes]:
        """The proof of a leaf in the last tile, or in one that the last append made full (RFC 6962, section 2.1.1).

        Raises LedgerError for any other leaf: its proof needs stored tiles (`proof.inclusion_path`).
        """
        if not 0 <= index < self.size:
            raise LedgerError(f"There is no leaf {index} in a tree of {self.size}.")
        path, at, last, height = [], index, self.size - 1, 0
        while last:
            sibling = at ^ 1
            if (sibling + 1) << height <= self.size:
                path.append(self._node(height, sibling))
            elif sibling <= last:
                path.append(self._tail(height))
            at, last, height = at >> 1, last >> 1, height + 1
        return path

    def _node(self, height: int, index: int) -> bytes:
        """A node over a full subtree of 2 ** height leaves."""
        level, row = height >> 3, height & 7
        tile = index >> (_HEIGHT - row)
        current = tile == self.size >> (_HEIGHT * (level + 1))
        rows = self._levels[level] if current else self._recent.get((level, tile))
        if rows is None:
            raise LedgerError(f"Tile {tile} of level {level} is no longer at the edge of the tree.")
        return rows[row][index & ((WIDTH >> row) - 1)]

    def _tail(self, height: int) -> bytes:
        """The root over all leaves behind the last full subtree of 2 ** height leaves."""
        if self._tails is None:
            self._tails = self._fold()
        return self._tails[height]

    def _fold(self) -> tuple[bytes, ...]:
        tails, tail = [b""], b""
        for height in range(self.size.bit_length()):
            at = self.size >> height
            if at & 1:
                node = self._node(height, at - 1)
                tail = node_hash(node, tail) if tail else node
            tails.append(tail)
        return tuple(tails)


def edge_tiles(size: int) -> list[tuple[int, int, int]]:
    """The partial tiles (level, index, width) of a tree of `size` leaves, which make its edge."""
    levels = range((size.bit_length() + _HEIGHT - 1) // _HEIGHT)
    tiles = [(level, size >> (_HEIGHT * (level + 1)), (size >> (_HEIGHT * level)) % WIDTH) for level in levels]
    return [tile for tile in tiles if tile[2]]


def _add(rows: Rows, fresh: Sequence[bytes]) -> _Added:
    full: list[Rows] = []
    at = 0
    while len(rows[0]) + len(fresh) - at >= WIDTH:
        end = at + WIDTH - len(rows[0])
        full.append(_filled(rows, fresh[at:end]))
        rows, at = _NO_ROWS, end
    return _Added(_filled(rows, fresh[at:]), full, [node_hash(*tile[-1]) for tile in full])


def _filled(rows: Rows, fresh: Sequence[bytes]) -> Rows:
    """A tile's rows with further hashes in its row 0, and the nodes above that this completes."""
    below = rows[0] + tuple(fresh)
    filled = [below]
    for row in rows[1:]:
        pairs = range(2 * len(row), len(below) - 1, 2)
        below = row + tuple([node_hash(below[at], below[at + 1]) for at in pairs])
        filled.append(below)
    return tuple(filled)
