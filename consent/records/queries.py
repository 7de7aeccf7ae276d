"""Records and receipts in the store."""

import time
from collections.abc import Sequence

import msgspec

from consent.db import Database, Row, Statement
from consent.records.decision import Action
from consent.records.question import Question
from consent.records.record import Record, from_row

_STORED = (
    "site_id", "id", "key", "digest", "receipt", "time", "action", "control", "layer", "language", "notice", "version",
    "purposes", "services", "regime", "region", "gpc", "client_time", "widget", "salt", "epoch", "leaf",
)  # fmt: skip
_ADD_RECORD = (
    f"insert into consent_record ({', '.join(_STORED)})"  # noqa: S608  # only names of columns
    f" values ({', '.join(':' + name for name in _STORED)})"
)
_ADD_RECEIPT = "insert into receipt (site_id, id, write_hash, created) values (:site_id, :id, :write_hash, :created)"
_SELECT = (
    "select r.id, r.receipt, r.time, r.action, r.control, r.layer, r.language, r.notice, r.version, v.hash, v.scope,"
    " r.purposes, r.services, r.regime, r.region, r.gpc, r.client_time, r.widget"
    " from consent_record r join policy_version v on v.site_id = r.site_id and v.version = r.version"
    " where r.site_id = :site_id and r.id > :after and r.id >= :since and r.id < :until"
    " and (:action = '' or r.action = :action) order by r.id"
)
_PAGE = f"{_SELECT} limit :limit"
_NEWEST = f"{_SELECT} desc limit :limit"


def adding(receipts: Sequence[Row], records: Sequence[Row]) -> list[Statement]:
    """What stores receipts and records. Refused when a key or an id is there already, or a receipt is not."""
    statements = [Statement(_ADD_RECEIPT, receipts, len(receipts)), Statement(_ADD_RECORD, records, len(records))]
    return [one for one in statements if one.rows]


async def known(db: Database, site_id: int, keys: Sequence[str]) -> dict[str, Row]:
    """Records of a site by idempotency key, whole, with `hash` and `scope` of their policy's version."""
    names = _names(keys)
    columns = ", ".join(f"r.{name}" for name in _STORED)
    rows = await db.fetch(
        f"select {columns}, v.hash, v.scope from consent_record r"  # noqa: S608  # only names of parameters
        " join policy_version v on v.site_id = r.site_id and v.version = r.version"
        f" where r.site_id = :site_id and r.key in ({', '.join(':' + name for name in names)})",
        site_id=site_id,
        **names,
    )
    return {row["key"]: row for row in rows}


async def latest_actions(db: Database, site_id: int, receipts: Sequence[str]) -> dict[str, Action]:
    """The action of the latest record of each receipt that has one."""
    names = _names(receipts)
    rows = await db.fetch(
        "select t.id, (select r.action from consent_record r where r.site_id = t.site_id and r.receipt = t.id"  # noqa: S608  # only names of parameters
        " order by r.id desc limit 1) as action"
        f" from receipt t where t.site_id = :site_id and t.id in ({', '.join(':' + name for name in names)})",
        site_id=site_id,
        **names,
    )
    return {row["id"]: row["action"] for row in rows if row["action"]}


def _names(values: Sequence[str]) -> dict[str, str]:
    """A parameter for each value."""
    return {f"k{number}": value for number, value in enumerate(values)}


async def write_hash(db: Database, site_id: int, receipt: str) -> str | None:
    """SHA-256 (hex) of the write key of a receipt."""
    row = await db.fetch_one(
        "select write_hash from receipt where site_id = :site_id and id = :id", site_id=site_id, id=receipt
    )
    return row["write_hash"] if row else None


async def page(db: Database, site_id: int, asked: Question) -> tuple[list[Record], str | None]:
    """The records asked for, oldest first; and the id to go on after, if there are more."""
    span = msgspec.structs.asdict(asked) | {"limit": asked.limit + 1}
    rows = await db.fetch(_PAGE, site_id=site_id, **span)
    records = [from_row(row) for row in rows[: asked.limit]]
    return records, records[-1].id if len(rows) > asked.limit else None


async def newest(db: Database, site_id: int, asked: Question) -> list[Record]:
    """The newest of the records asked for, oldest first."""
    rows = await db.fetch(_NEWEST, site_id=site_id, **msgspec.structs.asdict(asked))
    return [from_row(row) for row in reversed(rows)]


async def probe(db: Database) -> None:
    """Write one row, to see that the store commits."""
    await db.execute(
        "insert into probe (site_id, time) values (0, :time) on conflict (site_id) do update set time = excluded.time",
        time=time.time_ns() // 1_000_000,
    )


async def newest_versions(db: Database) -> dict[int, int]:
    """The number of the newest published version of each site that has one."""
    rows = await db.fetch("select site_id, max(version) as version from policy_version group by site_id")
    return {row["site_id"]: row["version"] for row in rows}
