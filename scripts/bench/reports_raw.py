"""The yardstick: the named questions asked of the raw rows, in SQLite and in DuckDB, over the same span."""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

DAY = 86_400_000
_ACTIONS = "count(*), " + ", ".join(
    f"count(*) filter (where action = '{one}')" for one in ("given", "partly", "refused")
)
_LOG = "from consent_record where site_id = 1 and id >= :low_id and id < :high_id"
_SESSION = "from session where site_id = 1 and id >= :low and id < :high"
_EVENT = "from event where site_id = 1 and session >= :low and session < :high"

SQL: dict[str, str] = {
    "opt-in-by-day": f"select time - time % {DAY}, {_ACTIONS} {{log}} group by 1 order by 1",
    "opt-in-by-country": f"select region, {_ACTIONS} {{log}} group by 1 order by 2 desc limit 50",
    "opt-in-by-language": f"select language, {_ACTIONS} {{log}} group by 1 order by 2 desc",
    "opt-in-by-version": f"select version, {_ACTIONS} {{log}} group by 1 order by 2 desc",
    "purposes": "{purposes}",
    "controls": "select regime, control, count(*) {log} group by 1, 2 order by 3 desc",
    "withdrawals": f"select time - time % {7 * DAY}, {_ACTIONS} {{log}} group by 1 order by 1",
    "visits-by-day": f"select began - began % {DAY}, count(*), count(*) filter (where opens_day),"
    " count(*) filter (where visit = 1), sum(views), sum(engaged) {session} group by 1 order by 1",
    "sources": "select source, count(*), count(*) filter (where visit = 1), count(*) filter (where views < 2) {session}"
    " group by 1 order by 2 desc limit 100",
    "top-pages": "select host || path, count(*), sum(engaged), sum(load_time) {event} and event = 'view'"
    " group by 1 order by 2 desc limit 100",
    "blocked": "select target, service, count(*) {event} and event = 'blocked' group by 1, 2 order by 3 desc",
}
"""Of opt-in by device there is none: no record holds the device."""

IN_SQLITE = {
    "log": _LOG, "session": _SESSION, "event": _EVENT,
    "purposes": "select j.key, j.value, count(*) from (select purposes"
    f" {_LOG}) r, json_each(r.purposes) j group by 1, 2 order by 3 desc",
}  # fmt: skip
IN_DUCKDB = {
    "log": "from log where time >= $since and time < $until",
    "session": "from sessions where began >= $since and began < $until",
    "event": "from events where time >= $since and time < $until",
    "purposes": "select e.key, e.value, count(*) from (select unnest(map_entries(purposes)) as e from log"
    " where time >= $since and time < $until) group by 1, 2 order by 3 desc",
}


def in_sqlite(data: Path, since: int, until: int, repeats: int) -> dict[str, float]:
    """Median ms of each question on the rows as they are stored."""
    db = sqlite3.connect(f"file:{data / 'consent.sqlite'}?mode=ro", uri=True)
    db.execute("attach ? as visits", (f"file:{data / 'telemetry.sqlite'}?mode=ro",))
    low, high = f"{since:012x}", f"{until:012x}"
    bounds = {"low": low, "high": high, "low_id": f"{low[:8]}-{low[8:]}", "high_id": f"{high[:8]}-{high[8:]}"}
    return {
        name: _median(repeats, lambda sql=sql: db.execute(sql, bounds).fetchall())  # type: ignore[misc]
        for name, sql in _asked(IN_SQLITE).items()
    }


def in_duckdb(files: dict[str, Path], since: int, until: int, repeats: int) -> dict[str, float]:
    """Median ms of each question on tables that were loaded from exports; loading is not counted."""
    db = duckdb.connect()
    for name, file in files.items():
        db.execute(f"create table {name} as select * from '{file}'")
    bounds = {"since": since, "until": until}
    return {
        name: _median(repeats, lambda sql=sql: db.execute(sql, bounds).fetchall())  # type: ignore[misc]
        for name, sql in _asked(IN_DUCKDB).items()
    }


def _asked(parts: dict[str, str]) -> dict[str, str]:
    return {name: sql.format(**parts) for name, sql in SQL.items()}


def _median(repeats: int, work: Callable[[], Any]) -> float:
    work()
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        spent.append((time.perf_counter() - start) * 1_000)
    return statistics.median(spent)
