"""A store with a long log, made without a service, and what only its maker knows of it."""

import asyncio
import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import msgspec

from consent.db import Database, Row, Statement
from consent.db.sqlite import open_sqlite
from consent.ledger.leaf import commitment, format_ranges
from consent.ledger.sequencer import Log
from consent.ledger.snapshot_queries import Row as Stored
from consent.ledger.tail import Leaf
from consent.policy.queries import Version
from consent.records import evidence
from tests.records.shop import logs, publish_shop

START = 1_760_000_000_000
ACTIONS = ("given", "partly", "refused", "changed", "withdrawn")
GROUP = 509
_ADD_RECEIPT = "insert into receipt (site_id, id, write_hash, created) values (:site_id, :id, '', 1)"


def said(row: Stored, site: str) -> bytes:
    """What a record's row commits to."""
    return evidence.canonical(row, site, row)


def record(number: int, site_id: int, version: Version) -> Row:
    """The number's record."""
    states = {"statistics": ("granted", "denied")[number % 2], "marketing": ("denied", "granted", "unset")[number % 3]}
    return {
        "site_id": site_id, "id": f"{number:036d}", "key": f"{number:022d}", "digest": "", "receipt": f"{number:022d}",
        "time": START + 777 * number, "action": ACTIONS[number % 5], "control": "save", "layer": 2, "language": "de",
        "notice": f"{number % 7:064x}", "version": version.version,
        "purposes": msgspec.json.encode(states, order="sorted").decode(), "services": '{"youtube":"granted"}',
        "regime": "eu", "region": "", "gpc": number % 4 == 0, "client_time": START + 777 * number, "widget": "0.1.0",
    }  # fmt: skip


async def build(folder: Path, count: int, erased: range = range(0)) -> None:
    """Write a store with the log of `count` records; those of `erased` are erased when half of them are written."""
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    db = await open_sqlite(folder / "consent.sqlite")
    try:
        site, version = await publish_shop(db)
        sequencer, log = logs(db, folder), Log(site.site_id, site.key)
        for first in range(0, count, GROUP):
            rows = [record(number, site.site_id, version) for number in range(first, min(count, first + GROUP))]
            await _append(db, sequencer, log, rows, version)
            if erased and first <= count // 2 < first + GROUP:
                await _erase(db, sequencer, log, erased)
    finally:
        await db.close()


async def _append(db: Database, sequencer: Any, log: Log, rows: list[Row], version: Version) -> None:
    salts = [os.urandom(32) for _ in rows]
    told = {"hash": version.hash, "scope": version.scope}
    made = [commitment(salt, evidence.canonical(row, log.key, told)) for row, salt in zip(rows, salts, strict=True)]
    leaves = [
        Leaf(row["action"], row["time"] // 1000, b64encode(one).decode()) for row, one in zip(rows, made, strict=True)
    ]
    async with db.transaction() as held:
        growth = await sequencer.append(held, log, leaves)
        stored = [
            row | {"salt": b64encode(salt).decode(), "epoch": growth.tail.epoch, "leaf": growth.first + at}
            for at, (row, salt) in enumerate(zip(rows, salts, strict=True))
        ]
        columns = list(stored[0])
        add = f"insert into consent_record ({', '.join(columns)}) values ({', '.join(':' + one for one in columns)})"
        receipts = [{"site_id": row["site_id"], "id": row["receipt"]} for row in rows]
        await held.batch([Statement(_ADD_RECEIPT, receipts), Statement(add, stored)])
    await sequencer.settle([growth])


async def _erase(db: Database, sequencer: Any, log: Log, erased: range) -> None:
    async with db.transaction() as held:
        growth = await sequencer.append(held, log, [Leaf("erased", START // 1000, format_ranges(erased))])
        gone = "delete from consent_record where site_id = :site_id and leaf = :leaf"
        await held.batch([Statement(gone, [{"site_id": log.site_id, "leaf": leaf} for leaf in erased])])
    await sequencer.settle([growth])
