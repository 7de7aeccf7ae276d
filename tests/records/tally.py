"""What counts should say, added up from records in the plainest way, without the code that is tested."""

import json
from collections import Counter
from typing import Any

from consent.db import Database, Row
from consent.records.recount import add_up

Tally = Counter[tuple[str, str, int, str, str, str]]
"""Numbers by dimension, grain, bucket, both values and action."""

HELD = ("country", "region", "language", "regime", "version", "notice", "control", "layer", "gpc", "widget")
PAIRED = ("version*country", "version*control", "regime*control", "language*country")
BY_HOUR = ("total", "country", "regime", "version")


def facets(record: Row) -> list[tuple[str, str, str]]:
    """Dimension and values of everything that a record says."""
    said: dict[str, Any] = {name: str(record[name]) for name in HELD if name not in ("country", "gpc")}
    said |= {"country": record["region"][:2], "gpc": "yes" if record["gpc"] else "no"}
    found = [("total", "", "")] + [(name, said[name], "") for name in HELD]
    for pair in PAIRED:
        one, other = pair.split("*")
        found.append((pair, said[one], said[other]))
    for dim in ("purpose", "service"):
        found += [(dim, key, state) for key, state in json.loads(record[f"{dim}s"]).items()]
    return found


async def of_records(db: Database) -> Tally:
    """What the records that are there come to."""
    tally: Tally = Counter()
    for record in await db.fetch("select * from consent_record"):
        for dim, val, also in facets(record):
            tally[dim, "day", record["time"] // 86_400_000, val, also, record["action"]] += 1
            if dim in BY_HOUR:
                tally[dim, "hour", record["time"] // 3_600_000, val, also, record["action"]] += 1
    return tally


async def of_counts(db: Database) -> Tally:
    """What was counted of what records hold, less what is gone."""
    await add_up(db)
    tally: Tally = Counter()
    for row in await db.fetch("select * from consent_rollup"):
        if row["dim"] in ("browser", "device", "version*device"):
            continue
        sign = {"said": 1, "gone": -1}[row["kind"]]
        for action in ("given", "partly", "refused", "changed", "withdrawn"):
            tally[row["dim"], row["grain"], row["bucket"], row["val"], row["also"], action] += sign * row[action]
    return Counter({key: number for key, number in tally.items() if number})
