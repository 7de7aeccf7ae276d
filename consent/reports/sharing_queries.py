"""What others may see of a site's figures, in the store."""

from consent.db import Database
from consent.db.reading import Reader
from consent.reports.suppression import THRESHOLD


async def threshold(db: Database | Reader, site_id: int) -> int:
    """Below which numbers are hidden at a site; 0 where nothing is shared."""
    rows = await db.fetch("select threshold from sharing where site_id = :site_id", site_id=site_id)
    return int(rows[0]["threshold"]) if rows else THRESHOLD


async def set_threshold(db: Database, site_id: int, number: int) -> None:
    """Set it."""
    await db.execute(
        "insert into sharing (site_id, threshold) values (:site_id, :threshold)"
        " on conflict (site_id) do update set threshold = excluded.threshold",
        site_id=site_id, threshold=number,
    )  # fmt: skip
