"""SQL of how far access logs were imported."""

from consent.db import Database, Row, Statement
from consent.visitors.visit import DAY

KEPT = 800 * DAY
"""Ms for which it is remembered how far a log was imported: longer than rows may be kept."""

_MARK = (
    "insert into imported (site_id, head, digest, bytes, lines, time)"
    " values (:site_id, :head, :digest, :bytes, :lines, :time)"
    " on conflict (site_id, head) do update set digest = excluded.digest, bytes = excluded.bytes,"
    " lines = excluded.lines, time = excluded.time where imported.bytes = :known"
)


def storing(row: Row) -> Statement:
    """What stores a mark, in place of an older one of the same log that had `known` bytes; refused for any other."""
    return Statement(_MARK, [row], 1)


async def recorded(db: Database, site_id: int, head: str) -> Row | None:
    """Digest and bytes of what was imported of a log that begins so; None where it is new."""
    return await db.fetch_one(
        "select digest, bytes from imported where site_id = :site_id and head = :head", site_id=site_id, head=head
    )


async def forget_old(db: Database, now: int) -> None:
    """Forget logs that were imported long ago; `now` is in ms."""
    await db.execute("delete from imported where time < :long", long=now - KEPT)
