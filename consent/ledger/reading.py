"""What is read of a log from the store: its edge, its tiles, a proof."""

from consent.db import Database
from consent.ledger import queries
from consent.ledger.edge import Edge, edge_tiles
from consent.ledger.leaf import entry
from consent.ledger.merkle import leaf_hash
from consent.ledger.proof import format_proof, inclusion_path, needed_tiles
from consent.ledger.queries import LogId
from consent.ledger.tile import WIDTH


async def hashes(db: Database, log: LogId, level: int, index: int, width: int) -> list[bytes]:
    """The first `width` hashes of a tile; fewer where the rows are not there."""
    if width == WIDTH and (full := await queries.tile(db, log, level, index)):
        return full
    if level:
        return await queries.tile_roots(db, log, level - 1, index * WIDTH, width)
    rows = await queries.leaves(db, log, index * WIDTH, width)
    return [leaf_hash(entry(row["type"], row["time"], row["content"])) for row in rows]


async def edge(db: Database, log: LogId, size: int) -> Edge:
    """The right edge that a log had at a size."""
    found = {
        (level, index, width): await hashes(db, log, level, index, width) for level, index, width in edge_tiles(size)
    }
    return Edge.load(size, lambda level, index, width: found[level, index, width])


async def proof(db: Database, log: LogId, leaf: int, extra: bytes) -> tuple[str, str] | None:
    """The proof of a leaf to the stored head, and the vkey that signs it; None where there is no such leaf."""
    head = await queries.head(db, log)
    if head is None or not 0 <= leaf < head["size"]:
        return None
    found = {
        (level, index): await hashes(db, log, level, index, width)
        for level, index, width in needed_tiles(leaf, head["size"])
    }
    path = inclusion_path(leaf, head["size"], lambda level, index, _: found[level, index])
    return format_proof(leaf, path, head["checkpoint"], extra), head["vkey"]
