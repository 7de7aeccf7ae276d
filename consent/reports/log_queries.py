"""Records in the store as the page of the log asks for them: the newest first, one by its id, all of a receipt."""

from consent.db import Database, Row
from consent.db.reading import Reader
from consent.records.record import Record, from_row
from consent.reports.logbook import PAGE, Search

_COLUMNS = (
    "r.id, r.receipt, r.time, r.action, r.control, r.layer, r.language, r.notice, r.version, v.hash, v.scope,"
    " r.purposes, r.services, r.regime, r.region, r.gpc, r.client_time, r.widget"
)
_FROM = " from consent_record r join policy_version v on v.site_id = r.site_id and v.version = r.version"
_FILTER = (
    " where r.site_id = :site_id and r.id >= :since and r.id < :until"
    " and (:action = '' or r.action = :action) and (:language = '' or r.language = :language)"
    " and (:version = 0 or r.version = :version)"
    " and (:region = '' or r.region = :region or substr(r.region, 1, 3) = :region_of)"
)
_NEWEST = f"select {_COLUMNS}{_FROM}{_FILTER} order by r.id desc limit :limit"
_OF_RECEIPT = (
    f"select {_COLUMNS}{_FROM} where r.site_id = :site_id and r.receipt = :receipt order by r.id desc limit :limit"
)
_ONE = f"select {_COLUMNS}, r.salt, r.epoch, r.leaf{_FROM} where r.site_id = :site_id and r.id = :id"
_MINUTES = (
    "select r.time / 60000 as minute, r.action, count(*) as n from"
    " (select time, action from consent_record where site_id = :site_id and id >= :since"
    " order by id desc limit :most) r"
    " group by r.time / 60000, r.action"
)

LIVE = 20_000
"""Choices of the last hour that are counted one by one; beyond that, the newest of them."""


OF_RECEIPT = 500
"""Records of one receipt: whoever changes their mind more often is shown the newest."""


async def page(db: Reader, site_id: int, asked: Search) -> tuple[list[Record], str | None]:
    """The newest records asked for, and the id to go on before, if there are more. A receipt is looked for alone."""
    if asked.receipt:
        rows = await db.fetch(_OF_RECEIPT, site_id=site_id, receipt=asked.receipt, limit=OF_RECEIPT)
        return [from_row(row) for row in rows], None
    since, until = asked.bounds
    rows = await db.fetch(
        _NEWEST, site_id=site_id, since=since, until=until, action=asked.action, language=asked.language,
        version=asked.version, region=asked.region, region_of=f"{asked.region}-", limit=PAGE + 1,
    )  # fmt: skip
    records = [from_row(row) for row in rows[:PAGE]]
    return records, records[-1].id if len(rows) > PAGE else None


async def one(db: Database, site_id: int, record: str) -> Row | None:
    """One record's row with its salt and place."""
    return await db.fetch_one(_ONE, site_id=site_id, id=record)


async def of_receipt(db: Reader, site_id: int, receipt: str) -> list[Record]:
    """Everything that was said under a receipt, the newest first."""
    rows = await db.fetch(_OF_RECEIPT, site_id=site_id, receipt=receipt, limit=OF_RECEIPT)
    return [from_row(row) for row in rows]


async def minutes(db: Reader, site_id: int, since: str) -> list[Row]:
    """Choices since an id by minute (since 1970) and action: `minute`, `action`, `n`; of the newest `LIVE` only."""
    return await db.fetch(_MINUTES, site_id=site_id, since=since, most=LIVE)
