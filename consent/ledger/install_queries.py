"""The install's log in the store: which heads there are, which it told last, and what witnesses said of it."""

from consent.db import Database, Row


async def heads(db: Database, after: int, limit: int) -> list[Row]:
    """The newest log of each site with a number above `after`: site_id, origin, size and root."""
    return await db.fetch(
        "select h.site_id, l.origin, h.size, h.root from ledger_head h"
        " join ledger l on l.site_id = h.site_id and l.epoch = h.epoch"
        " where h.site_id > :after and h.epoch ="
        " (select max(n.epoch) from ledger n where n.site_id = h.site_id)"
        " order by h.site_id limit :limit",
        after=after,
        limit=limit,
    )


async def last_heads(db: Database, limit: int) -> list[str]:
    """The contents of the newest leaves of type `head` in the install's newest log, the oldest first."""
    rows = await db.fetch(
        "select content from ledger_leaf where site_id = 0 and type = 'head'"
        " and epoch = (select max(epoch) from ledger where site_id = 0) order by leaf desc limit :limit",
        limit=limit,
    )
    return [row["content"] for row in reversed(rows)]


async def add_cosignature(db: Database, row: Row) -> None:
    """Keep a witness's newest cosignature; an older one never replaces it."""
    await db.execute(
        "insert into witness_cosignature (site_id, epoch, witness, size, line, time)"
        " values (0, :epoch, :witness, :size, :line, :time) on conflict (site_id, epoch, witness)"
        " do update set size = excluded.size, line = excluded.line, time = excluded.time"
        " where witness_cosignature.size <= excluded.size",
        **row,
    )


async def cosigned_size(db: Database, epoch: int, witness: str) -> int:
    """The size of the newest checkpoint that a witness cosigned; 0 for none."""
    row = await db.fetch_one(
        "select size from witness_cosignature where site_id = 0 and epoch = :epoch and witness = :witness",
        epoch=epoch,
        witness=witness,
    )
    return row["size"] if row else 0


async def cosignatures(db: Database, epoch: int, size: int) -> list[str]:
    """The signature lines of witnesses under the checkpoint of that size."""
    rows = await db.fetch(
        "select line from witness_cosignature where site_id = 0 and epoch = :epoch and size = :size order by witness",
        epoch=epoch,
        size=size,
    )
    return [row["line"] for row in rows]
