"""The access log in the store: who looked at personal data, and what was done with accounts."""

from typing import NamedTuple

from consent.db import Database

PAGE = 100

UNNAMED = "update access_log set about = '' where site_id = :site_id and about = :receipt"
"""That somebody looked stays; whose data it was is gone with the data."""


UNNAMED_LATER = (
    "update access_log set about = ''"
    " where site_id = :site_id and about <> '' and what in ('log', 'record') and not exists"
    " (select 1 from receipt where receipt.site_id = access_log.site_id and receipt.id = access_log.about)"
)
"""The same for receipts that are not there any more."""


class Entry(NamedTuple):
    """One line of the log. `what` is the kind of data or deed, `about` whose; `network` is never a whole address."""

    site_id: int
    id: str
    time: int
    account: str
    name: str
    how: str
    what: str
    about: str
    network: str
    path: str


async def add(db: Database, entry: Entry) -> None:
    """Write a line; it is durable when this returns."""
    await db.execute(
        "insert into access_log (site_id, id, time, account, name, how, what, about, network, path)"
        " values (:site_id, :id, :time, :account, :name, :how, :what, :about, :network, :path)",
        **entry._asdict(),
    )


async def page(db: Database, site_id: int, *, what: str = "", about: str = "", before: str = "~") -> list[Entry]:
    """Lines of one site (0: what concerns no single site), the newest first, older than the id `before`."""
    rows = await db.fetch(
        "select site_id, id, time, account, name, how, what, about, network, path from access_log"
        " where site_id = :site_id and id < :before"
        " and (:what = '' or what = :what) and (:about = '' or about = :about)"
        " order by id desc limit :limit",
        site_id=site_id, before=before, what=what, about=about, limit=PAGE,
    )  # fmt: skip
    return [Entry(**row) for row in rows]


async def forget(db: Database, site_id: int, until: int, most: int = 10_000) -> int:
    """Delete lines from before that moment (ms), so many at once; how many they were."""
    return await db.execute(
        "delete from access_log where site_id = :site_id and id in"
        " (select id from access_log where site_id = :site_id and time < :until order by time limit :most)",
        site_id=site_id, until=until, most=most,
    )  # fmt: skip
