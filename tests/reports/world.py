"""Choices and visits of a year, made by a seeded generator, as rows in real stores."""

import json
import random
from pathlib import Path
from typing import Any

from consent.db import Database, Row, Statement
from consent.db.sqlite import open_sqlite
from consent.records import rollup_queries
from consent.records.identifier import Stamp, text, uuid7
from consent.records.recount import add_up
from consent.records.rollup import Seen
from consent.sites.site import Site
from tests.records.shop import publish_shop

DAY = 86_400_000
START = 20_400 * DAY
"""8 November 2025."""

DAYS = 70
ACTIONS = ("given", "partly", "refused", "changed", "withdrawn")
CONTROLS = ("accept", "reject", "save", "withdraw")
REGIONS = ("DE-BY", "DE-HH", "FR", "IT", "US-CA", "")
LANGUAGES = ("en", "de", "fr", "=cmd|'x'!A1")
REGIMES = ("eu", "uk", "us")
BROWSERS = ("Chrome", "Firefox", "Safari", "Other")
DEVICES = ("phone", "desktop", "tablet")


async def make(db: Database, key: str, number: int, seed: int, **replaced: str) -> tuple[Site, list[Row]]:
    """A site with so many records, counted as they would be; the records, with `seen` of each."""
    site, version = await publish_shop(db, key=key, **replaced)
    chance = random.Random(seed)
    rows = [record(chance, site.site_id, version.version, one) for one in range(number)]
    records = [{name: value for name, value in row.items() if name != "seen"} for row in rows]
    noted = rollup_queries.noting(site.site_id, ((row, row["seen"]) for row in rows))
    await db.batch([*storing(records), noted])
    await add_up(db)
    return site, rows


def storing(records: list[Row]) -> list[Statement]:
    """What stores records with their receipts."""
    receipts = [{"site_id": row["site_id"], "id": row["receipt"], "write_hash": "", "created": 0} for row in records]
    return [
        Statement(_insert("receipt", receipts[0]), receipts),
        Statement(_insert("consent_record", records[0]), records),
    ]


def record(chance: random.Random, site_id: int, version: int, number: int) -> Row:
    time = START + chance.randrange(DAYS * DAY)
    made = uuid7(Stamp(time, 0), chance.randbytes(8))
    states = {key: chance.choice(("granted", "denied")) for key in ("marketing", "statistics")}
    services = {"youtube": "granted"} if chance.random() < 0.2 else {}
    row: dict[str, Any] = {
        "site_id": site_id,
        "id": text(made),
        "key": f"{site_id}-{number}",
        "digest": "",
        "receipt": f"{site_id}-{number}",
        "time": time,
        "action": chance.choices(ACTIONS, (40, 10, 30, 5, 5))[0],
        "control": chance.choice(CONTROLS),
        "layer": chance.choice((1, 2)),
        "language": chance.choices(LANGUAGES, (50, 30, 10, 1))[0],
        "notice": chance.choice(("a" * 64, "b" * 64)),
        "version": version,
        "purposes": json.dumps(states, separators=(",", ":"), sort_keys=True),
        "services": json.dumps(services, separators=(",", ":")),
        "regime": chance.choice(REGIMES),
        "region": chance.choices(REGIONS, (40, 20, 20, 5, 10, 1))[0],
        "gpc": chance.random() < 0.1,
        "client_time": time,
        "widget": "0.1.0",
        "salt": "",
        "epoch": 1,
        "leaf": number,
        "seen": Seen(chance.choice(BROWSERS), chance.choice(DEVICES)),
    }
    return row


def _insert(table: str, row: Row) -> str:
    return f"insert into {table} ({', '.join(row)}) values ({', '.join(f':{name}' for name in row)})"


async def opened(folder: Path) -> Database:
    """A store in a folder."""
    return await open_sqlite(folder / "consent.sqlite")
