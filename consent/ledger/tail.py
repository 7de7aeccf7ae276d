"""Where a log grows: its right edge, and what an append comes to. Pure."""

from base64 import b64encode
from collections.abc import Iterable
from typing import NamedTuple

from consent.db import Row, Statement
from consent.ledger import queries
from consent.ledger.checkpoint import Checkpoint
from consent.ledger.edge import Edge, Full
from consent.ledger.heads import Head
from consent.ledger.leaf import entry
from consent.ledger.merkle import leaf_hash
from consent.ledger.merkle import root as tree_root
from consent.ledger.note import SigningKey
from consent.ledger.proof import format_proof


class Leaf(NamedTuple):
    """The parts of an entry; `time` in seconds since 1970."""

    type: str
    time: int
    content: str


class Tail(NamedTuple):
    """A log as this process last saw it, with all it takes to append. `root` is base64."""

    site_id: int
    epoch: int
    number: int
    origin: str
    key: SigningKey
    edge: Edge
    root: str
    checkpoint: str

    @property
    def head(self) -> Head:
        """How far it has grown."""
        return Head(self.site_id, self.epoch, self.edge.size, self.root)


class Growth(NamedTuple):
    """A log with some leaves more: `first` is the index of the first of them, `tiles` are those that became full."""

    tail: Tail
    first: int
    tiles: list[Full]
    statements: list[Statement]

    def proof(self, leaf: int, extra: bytes) -> str:
        """The proof of one of the new leaves (c2sp.org/tlog-proof)."""
        path = self.tail.edge.inclusion(leaf)
        return format_proof(leaf, path, self.tail.checkpoint, extra)


def grow(tail: Tail, leaves: Iterable[Leaf]) -> Growth:
    """Append leaves: the statements that store them hold only while the stored head is the tail's."""
    new = list(leaves)
    first = tail.edge.size
    edge, tiles = tail.edge.append([leaf_hash(entry(*leaf)) for leaf in new])
    root = edge.root()
    checkpoint = tail.key.sign(Checkpoint(tail.origin, edge.size, root).format())
    grown = tail._replace(edge=edge, root=b64encode(root).decode(), checkpoint=checkpoint)
    log = {"site_id": tail.site_id, "epoch": tail.epoch}
    rows: list[Row] = [
        {**log, "leaf": leaf, "type": type_, "time": time, "content": content}
        for leaf, (type_, time, content) in enumerate(new, first)
    ]
    swap = {
        **log,
        "size": edge.size,
        "root": grown.root,
        "checkpoint": checkpoint,
        "old_size": first,
        "old_checkpoint": tail.checkpoint,  # another one, too, when its key was rotated
    }
    stored = [{**log, **_tile(*tile)} for tile in tiles]
    return Growth(grown, first, tiles, queries.appending(rows, stored, swap))


def _tile(level: int, index: int, hashes: tuple[bytes, ...]) -> Row:
    return {
        "level": level,
        "tile": index,
        "hashes": b64encode(b"".join(hashes)).decode(),
        "root": b64encode(tree_root(hashes)).decode(),
    }
