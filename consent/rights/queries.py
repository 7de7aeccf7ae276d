"""Chains of records, and what was done about them, in the store."""

from collections.abc import Sequence
from typing import Literal

from consent.accounts import access_queries
from consent.db import Database, Row
from consent.records.rollup_queries import COUNTED, uncount

State = Literal["untold", "deleted", "listed", "complete"]

_ADD = (
    "insert into rights_request (site_id, id, time, kind, rule, state, records, leaves, done, certificate)"
    " values (:site_id, :id, :time, :kind, :rule, :state, :records, :leaves, :done, '')"
)


async def exists(db: Database, site_id: int, receipt: str) -> bool:
    """Whether a receipt of this id is known."""
    row = await db.fetch_one(
        "select created from receipt where site_id = :site_id and id = :id", site_id=site_id, id=receipt
    )
    return row is not None


async def chain(db: Database, site_id: int, receipt: str) -> list[Row]:
    """The records of a receipt, as much of them as is counted, and where they stand in the log: epoch and leaf, -1 for
    what is in no log; oldest first."""
    return await db.fetch(
        f"select {', '.join(COUNTED)} from consent_record"  # noqa: S608  # only names of columns
        " where site_id = :site_id and receipt = :receipt order by id",
        site_id=site_id, receipt=receipt,
    )  # fmt: skip


async def delete(db: Database, site_id: int, receipts: Sequence[str], rows: Sequence[Row]) -> int:
    """Delete receipts with their records and salts, and count those, `rows`, as gone; the number of records."""
    await uncount(db, site_id, rows)
    named: list[Row] = [{"site_id": site_id, "receipt": receipt} for receipt in receipts]
    deleted = await db.execute_many("delete from consent_record where site_id = :site_id and receipt = :receipt", named)
    await db.execute_many("delete from receipt where site_id = :site_id and id = :receipt", named)
    await db.execute_many(access_queries.UNNAMED, named)
    return deleted


async def add(db: Database, request: Row) -> None:
    """Note what was done."""
    await db.execute(_ADD, **request)


async def in_state(db: Database, state: State) -> list[Row]:
    """What is unfinished and stands in this state, oldest first, at most a thousand."""
    return await db.fetch(
        "select site_id, id, time, leaves from rights_request where state <> 'complete' and state = :state"
        " order by time, id limit 1000",
        state=state,
    )


async def advance(db: Database, rows: Sequence[Row], state: State, now: int) -> None:
    """Note that these came to another state."""
    await db.execute_many(
        "update rights_request set state = :state, done = :now where site_id = :site_id and id = :id",
        [{"site_id": row["site_id"], "id": row["id"], "state": state, "now": now} for row in rows],
    )


async def requests(db: Database, site_id: int, limit: int) -> list[Row]:
    """What was done for a site, newest first."""
    return await db.fetch(
        "select id, time, kind, rule, state, records, leaves, done, certificate from rights_request"
        " where site_id = :site_id order by time desc, id desc limit :limit",
        site_id=site_id, limit=limit,
    )  # fmt: skip


async def count_unknown(db: Database, site_id: int, day: int, time: int, count: int) -> None:
    """Count requests whose receipt was not known: one row a day, since they tell nothing more."""
    await db.execute(
        "insert into rights_request (site_id, id, time, kind, rule, state, records, leaves, done, certificate)"
        " values (:site_id, :id, :time, 'unknown', '', 'complete', :count, '', :time, '')"
        " on conflict (site_id, id) do update set records = rights_request.records + excluded.records",
        site_id=site_id, id=f"unknown-{day}", time=time, count=count,
    )  # fmt: skip


async def forget(db: Database, site_id: int, before: int) -> int:
    """Delete what was complete at a site before a moment (ms), a thousand at most; the number deleted."""
    rows = await db.fetch(
        "select site_id, id from rights_request where site_id = :site_id and time < :before and state = 'complete'"
        " order by time limit 1000",
        site_id=site_id, before=before,
    )  # fmt: skip
    return (
        await db.execute_many("delete from rights_request where site_id = :site_id and id = :id", rows) if rows else 0
    )


async def oldest(db: Database, site_id: int, after: str, before: str, limit: int) -> list[Row]:
    """Records between two ids, in order of time, with what their end depends on; `last` is the id of the newest one of
    the same receipt."""
    return await db.fetch(
        "select r.id, r.receipt, r.time, r.version, r.regime, r.purposes, r.services,"
        " (select max(n.id) from consent_record n where n.site_id = r.site_id and n.receipt = r.receipt) as last"
        " from consent_record r where r.site_id = :site_id and r.id > :after and r.id < :before"
        " order by r.id limit :limit",
        site_id=site_id, after=after, before=before, limit=limit,
    )  # fmt: skip


async def versions(db: Database, site_id: int, after: int) -> list[Row]:
    """Number and body of policy versions after one, in order, a hundred at most."""
    return await db.fetch(
        "select version, body from policy_version where site_id = :site_id and version > :after"
        " order by version limit 100",
        site_id=site_id, after=after,
    )  # fmt: skip


async def uncertified_sites(db: Database) -> set[int]:
    """Numbers of the sites that `uncertified` has something of."""
    rows = await db.fetch(
        "select distinct site_id from rights_request"
        " where kind = 'retention' and certificate = '' and state = 'complete'"
    )
    return {row["site_id"] for row in rows}


async def uncertified(db: Database, site_id: int) -> list[Row]:
    """What was deleted because its time had come, is complete, and is in no certificate yet; a thousand at most."""
    return await db.fetch(
        "select site_id, id, time, rule, records, leaves from rights_request where site_id = :site_id"
        " and kind = 'retention' and certificate = '' and state = 'complete' order by rule, time, id limit 1000",
        site_id=site_id,
    )


async def certify(db: Database, rows: Sequence[Row], certificate: str) -> None:
    """Note which file certifies these."""
    await db.execute_many(
        "update rights_request set certificate = :certificate where site_id = :site_id and id = :id",
        [{"site_id": row["site_id"], "id": row["id"], "certificate": certificate} for row in rows],
    )


async def log_names(db: Database) -> dict[tuple[int, int], str]:
    """What tells each log from any other, by site and epoch: origin and id of its first key, as its vkey begins."""
    rows = await db.fetch("select site_id, epoch, vkey from ledger_key where number = 1")
    return {(row["site_id"], row["epoch"]): "+".join(row["vkey"].split("+", 2)[:2]) for row in rows}


async def delete_leaves(db: Database, site_id: int, epoch: int, first: int, last: int) -> int:
    """Delete the records of leaves of a log, and count them as gone; their number."""
    gone, after = 0, first - 1
    while rows := await db.fetch(
        f"select {', '.join(COUNTED)} from consent_record where site_id = :site_id and epoch = :epoch"  # noqa: S608
        " and leaf > :after and leaf <= :last order by leaf limit 1000",
        site_id=site_id, epoch=epoch, after=after, last=last,
    ):  # fmt: skip
        await uncount(db, site_id, rows)
        gone, after = gone + len(rows), rows[-1]["leaf"]
    await db.execute(
        "delete from consent_record"
        " where site_id = :site_id and epoch = :epoch and leaf >= :first and leaf <= :last",
        site_id=site_id, epoch=epoch, first=first, last=last,
    )  # fmt: skip
    return gone


async def delete_empty(db: Database, site_id: int) -> int:
    """Delete receipts that have no record any more; their number."""
    return await db.execute(
        "delete from receipt where site_id = :site_id and not exists (select 1 from consent_record r"
        " where r.site_id = receipt.site_id and r.receipt = receipt.id)",
        site_id=site_id,
    )
