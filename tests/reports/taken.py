"""A shop with a log and visits to take along, with texts that spreadsheets, terminals and readers could stumble on."""

import asyncio
from pathlib import Path
from typing import Any

from consent.config import Config
from consent.db import Row
from consent.records import identifier, queries
from consent.records.identifier import Stamp
from consent.telemetry.hit import Facts
from consent.telemetry.log import Log
from consent.telemetry.store import open_telemetry
from tests.records.shop import config_in, open_shop, publish_shop
from tests.telemetry.made import event, hit

BEGAN = 1_790_000_000_000
SECOND = 1_000
HOSTILE = (
    '=HYPERLINK("http://evil.example")', "+1+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "a,b", 'a"b', "a\nb",
    "a\r\nb", "\x1b]0;x\x07\x1b[31m", "<script>alert(1)</script>", "' or 1=1 --", "ü€😀", "\u202egnp", "{{7*7}}", "\\N",
    "null", "",
)  # fmt: skip
"""What visitors may send as a page's path, a referrer, a widget's version."""


def filled(folder: Path, records: int = 0, visits: int = 0, **settings: Any) -> Config:
    """Settings of a data folder with a shop, so many records and so many visitors with a session of two events each."""
    config = config_in(folder, **settings)
    asyncio.run(fill(config, records, visits))
    return config


async def fill(config: Config, records: int = 0, visits: int = 0) -> None:
    """Put a shop into a data folder."""
    async with open_shop(config) as db:
        site, version = await publish_shop(db)
        rows = [record(number, site.site_id, version.version) for number in range(records)]
        receipts: list[Row] = [
            {"site_id": site.site_id, "id": row["receipt"], "write_hash": "", "created": row["time"]} for row in rows
        ]
        if rows:
            await db.batch(queries.adding(receipts, rows))
    opened = await open_telemetry(config)
    try:
        log = Log(opened)
        await log.write([_visit(number) for number in range(visits)], {})
        await log.fold()
    finally:
        await opened.close()


def record(number: int, site_id: int, version: int) -> Row:
    """The row of a record, a second after the one before."""
    moment = BEGAN + number * SECOND
    made = identifier.uuid7(Stamp(moment, 0), number.to_bytes(8, "big"))
    return {
        "site_id": site_id, "id": identifier.text(made), "key": identifier.compact(made), "digest": "0" * 64,
        "receipt": identifier.compact(made), "time": moment, "action": "given", "control": "accept", "layer": 1,
        "language": "de", "notice": "", "version": version, "purposes": '{"marketing":"denied","statistics":"granted"}',
        "services": "{}", "regime": "eu", "region": "AT", "gpc": number % 2 == 0, "client_time": moment - 5,
        "widget": HOSTILE[number % len(HOSTILE)], "salt": "", "epoch": 1, "leaf": number,
    }  # fmt: skip


def _visit(number: int) -> Any:
    began = BEGAN + number * SECOND
    text = HOSTILE[number % len(HOSTILE)]
    facts = Facts(browser=text, system="Linux", country="AT", policy_version=1)
    told = (
        event(2 * number, began, path=text, referrer=text, load_time=120),
        event(2 * number + 1, began + 10, "buy", path="/", props='{"price":3}'),
    )
    return hit(number, *told, began=began, facts=facts, source=text, campaign='{"utm_source":"x"}')
