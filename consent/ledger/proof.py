"""Proofs from stored tiles, and their text (C2SP tlog-proof)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from consent.ledger.errors import LedgerError
from consent.ledger.merkle import node_hash, root
from consent.ledger.text import decoded, encoded, number
from consent.ledger.tile import width_at

Read = Callable[[int, int, int], Sequence[bytes]]
"""(level, tile index, width) to the hashes of that tile."""

Tile = tuple[int, int, int]
Span = tuple[int, int]
"""The leaves from the first number on, before the second."""

_HEADER = "c2sp.org/tlog-proof@v1"
_LONGEST_PATH = 63


@dataclass(frozen=True)
class Proof:
    """What a receipt proves: the leaf's index, its path to the root, the checkpoint as signed, and further bytes."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes = b""


def inclusion_path(index: int, size: int, read: Read) -> list[bytes]:
    """The path from leaf `index` to the root over `size` leaves (RFC 6962, section 2.1.1)."""
    return _hashes(_inclusion(index, size), size, read)


def consistency_path(old: int, size: int, read: Read) -> list[bytes]:
    """The proof that the tree of `size` begins with that of `old` leaves (RFC 6962, section 2.1.2)."""
    return _hashes(_consistency(old, size), size, read)


def root_at(size: int, known: int, read: Read) -> bytes:
    """The root over the first `size` leaves of a tree of `known`; `size` is at least 1."""
    return _hashes([(0, size)], known, read)[0]


def needed_tiles(index: int, size: int) -> list[Tile]:
    """The tiles (level, index, width) that `inclusion_path` reads."""
    return _tiles(_inclusion(index, size), size)


def needed_tiles_consistency(old: int, size: int) -> list[Tile]:
    """The tiles (level, index, width) that `consistency_path` reads."""
    return _tiles(_consistency(old, size), size)


def format_proof(index: int, path: Iterable[bytes], checkpoint: str, extra: bytes = b"") -> str:
    """The text of a proof; `checkpoint` is the signed note."""
    told = [f"extra {encoded(extra)}"] if extra else []
    return "\n".join([_HEADER, *told, f"index {index}", *map(encoded, path), "", checkpoint])


def parse_proof(text: str) -> Proof:
    """A proof from its text; nothing of it is verified. Raises LedgerError when it is malformed."""
    head, blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines.pop(0) != _HEADER:
        raise LedgerError(f"The proof is not one of {_HEADER}.")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = decoded(lines.pop(0).removeprefix("extra "), "The proof's extra")
    if not lines or not lines[0].startswith("index "):
        raise LedgerError("The proof does not tell the index of its leaf.")
    index = number(lines.pop(0).removeprefix("index "), "The proof's index")
    if len(lines) > _LONGEST_PATH:
        raise LedgerError("The proof is longer than the way to any root.")
    return Proof(index, tuple(decoded(line, "A hash of the proof", 32) for line in lines), checkpoint, extra)


def _inclusion(index: int, size: int) -> list[Span]:
    if not 0 <= index < size:
        raise LedgerError(f"There is no leaf {index} in a tree of {size}.")
    low, high, spans = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    return spans[::-1]


def _consistency(old: int, size: int) -> list[Span]:
    if not 0 < old <= size:
        raise LedgerError(f"A tree of {size} leaves cannot be compared with an earlier one of {old}.")
    low, high, spans = 0, size, []
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            spans.append((middle, high))
            high = middle
        else:
            spans.append((low, middle))
            low = middle
    return ([(low, high)] if low else []) + spans[::-1]


def _split(leaves: int) -> int:
    """The largest power of two below a number over 1."""
    return int(1 << ((leaves - 1).bit_length() - 1))


def _nodes(span: Span) -> list[tuple[int, int]]:
    """The full subtrees (height, index) that a span is made of, from left to right."""
    low, high = span
    nodes = []
    while low < high:
        height = (high - low).bit_length() - 1
        nodes.append((height, low >> height))
        low += 1 << height
    return nodes


def _place(node: tuple[int, int], size: int) -> Tile:
    """The tile in which the hashes under a node are."""
    height, index = node
    level, row = height >> 3, height & 7
    tile = index >> (8 - row)
    return level, tile, width_at(size, level, tile)


def _tiles(spans: Iterable[Span], size: int) -> list[Tile]:
    return list(dict.fromkeys(_place(node, size) for span in spans for node in _nodes(span)))


def _hashes(spans: Sequence[Span], size: int, read: Read) -> list[bytes]:
    tiles = {tile: read(*tile) for tile in _tiles(spans, size)}

    def node(one: tuple[int, int]) -> bytes:
        height, index = one
        place = _place(one, size)
        row = height & 7
        first = (index << row) & 255
        hashes = tiles[place][first : first + (1 << row)]
        if len(hashes) != 1 << row:
            raise LedgerError(f"Tile {place[1]} of level {place[0]} is too short.")
        return root(hashes)

    found = []
    for span in spans:
        reached, *others = [node(one) for one in reversed(_nodes(span))]
        for left in others:
            reached = node_hash(left, reached)
        found.append(reached)
    return found
