"""Logs in the store: what is appended, and what a tail or a proof is made of."""

from base64 import b64decode
from collections.abc import Sequence
from typing import NamedTuple

from consent.db import Database, Row, Statement
from consent.ledger.heads import Head
from consent.ledger.tile import WIDTH, split

_ADD_LEAF = (
    "insert into ledger_leaf (site_id, epoch, leaf, type, time, content)"
    " values (:site_id, :epoch, :leaf, :type, :time, :content)"
)
_ADD_TILE = (
    "insert into ledger_tile (site_id, epoch, level, tile, hashes, root)"
    " values (:site_id, :epoch, :level, :tile, :hashes, :root)"
)
_SWAP_HEAD = (
    "update ledger_head set size = :size, root = :root, checkpoint = :checkpoint"
    " where site_id = :site_id and epoch = :epoch and size = :old_size and checkpoint = :old_checkpoint"
    " and not exists (select 1 from ledger l where l.site_id = :site_id and l.epoch > :epoch)"
)
_ADD_LOG = "insert into ledger (site_id, epoch, origin, opened) values (:site_id, :epoch, :origin, :opened)"
_ADD_KEY = (
    "insert into ledger_key (site_id, epoch, number, vkey, since) values (:site_id, :epoch, :number, :vkey, :since)"
)
_ADD_HEAD = (
    "insert into ledger_head (site_id, epoch, size, root, checkpoint)"
    " values (:site_id, :epoch, :size, :root, :checkpoint)"
)


class LogId(NamedTuple):
    """Which log: the number of its site, 0 for the install's own, and its epoch."""

    site_id: int
    epoch: int


def appending(leaves: Sequence[Row], tiles: Sequence[Row], swap: Row) -> list[Statement]:
    """What appends to a log. The head is swapped only from the one it was computed from; else all is refused."""
    statements = [Statement(_ADD_LEAF, leaves, len(leaves)), Statement(_ADD_TILE, tiles, len(tiles))]
    return [*(one for one in statements if one.rows), Statement(_SWAP_HEAD, [swap], 1)]


def opening(log: Row, key: Row, head: Row) -> list[Statement]:
    """What opens a log. Refused when it is open."""
    return [Statement(_ADD_LOG, [log]), Statement(_ADD_KEY, [key]), Statement(_ADD_HEAD, [head])]


def adding_key(key: Row) -> Statement:
    """What makes a key the one that signs from now on."""
    return Statement(_ADD_KEY, [key], 1)


def swapping_note(head: Head, checkpoint: str) -> Statement:
    """What puts another signature under the head that is stored."""
    sql = (
        "update ledger_head set checkpoint = :checkpoint"
        " where site_id = :site_id and epoch = :epoch and size = :size and root = :root"
    )
    return Statement(sql, [{**head._asdict(), "checkpoint": checkpoint}], 1)


async def newest(db: Database, site_id: int) -> Row | None:
    """A site's newest log: epoch, origin, size, root, checkpoint, and the number of the key that signs."""
    return await db.fetch_one(
        "select l.epoch, l.origin, h.size, h.root, h.checkpoint, (select max(k.number) from ledger_key k"
        " where k.site_id = l.site_id and k.epoch = l.epoch) as number"
        " from ledger l join ledger_head h on h.site_id = l.site_id and h.epoch = l.epoch"
        " where l.site_id = :site_id order by l.epoch desc limit 1",
        site_id=site_id,
    )


async def head(db: Database, log: LogId) -> Row | None:
    """Size, root and checkpoint of one log, and the vkey that signs it."""
    return await db.fetch_one(
        "select h.size, h.root, h.checkpoint, k.vkey from ledger_head h"
        " join ledger_key k on k.site_id = h.site_id and k.epoch = h.epoch"
        " where h.site_id = :site_id and h.epoch = :epoch order by k.number desc limit 1",
        site_id=log.site_id,
        epoch=log.epoch,
    )


async def leaves(db: Database, log: LogId, first: int, count: int) -> list[Row]:
    """The parts of some entries, in order."""
    return await db.fetch(
        "select type, time, content from ledger_leaf"
        " where site_id = :site_id and epoch = :epoch and leaf >= :first and leaf < :end order by leaf",
        site_id=log.site_id,
        epoch=log.epoch,
        first=first,
        end=first + count,
    )


async def tile(db: Database, log: LogId, level: int, index: int) -> list[bytes] | None:
    """The 256 hashes of a full tile; None where it is not full yet."""
    row = await db.fetch_one(
        "select hashes from ledger_tile"
        " where site_id = :site_id and epoch = :epoch and level = :level and tile = :tile",
        site_id=log.site_id,
        epoch=log.epoch,
        level=level,
        tile=index,
    )
    if row is None:
        return None
    return split(b64decode(row["hashes"]))


async def tile_roots(db: Database, log: LogId, level: int, first: int, count: int) -> list[bytes]:
    """What the tile above holds of some full tiles, in order."""
    rows = await db.fetch(
        "select root from ledger_tile where site_id = :site_id and epoch = :epoch and level = :level"
        " and tile >= :first and tile < :end order by tile",
        site_id=log.site_id,
        epoch=log.epoch,
        level=level,
        first=first,
        end=first + min(count, WIDTH),
    )
    return [b64decode(row["root"]) for row in rows]


async def epochs(db: Database, site_id: int) -> list[Row]:
    """Every log of a site, oldest first: epoch, origin, opened, size, and its vkeys with the size each signs from."""
    return await db.fetch(
        "select l.epoch, l.origin, l.opened, h.size, k.vkey, k.since from ledger l"
        " join ledger_head h on h.site_id = l.site_id and h.epoch = l.epoch"
        " join ledger_key k on k.site_id = l.site_id and k.epoch = l.epoch"
        " where l.site_id = :site_id order by l.epoch, k.number limit 1000",
        site_id=site_id,
    )
