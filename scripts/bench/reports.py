"""What analysts see, timed on a year of records and page views against a running service.

Every page with its JSON face, the named questions over 30 days and over the year, the search for a receipt, exports,
and consent posts while four analysts each ask one question a second. The same questions asked of the raw rows in SQLite
and DuckDB are the yardstick. Everything is warm; medians and 95th percentiles of 50 repeats, in ms.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import re
import secrets
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import posts
import reports_raw
from fill_world import DAY, MOST
from reports_fill import fill, now

from consent.accounts import queries as accounts
from consent.accounts import token_queries
from consent.accounts.account import Role
from consent.db.sqlite import open_sqlite
from consent.reports.named import questions
from consent.sites.tokens import digest
from consent.web.gate import Need

CONSENT = str(Path(sys.executable).with_name("consent"))
PAGES = ("overview", "consent", "log", "visits", "visitors", "services", "health", "site")
ANALYSTS = 4


class Took(NamedTuple):
    """Median and 95th percentile in ms."""

    median: float
    p95: float


class Service:
    """A running service and somebody who may see everything in it."""

    def __init__(self, data: Path) -> None:
        token = asyncio.run(_token(data))
        command = [CONSENT, "serve", "--port", "0", "--data", str(data)]
        limits = {"CONSENT_RATE_ADDRESS": "1000000", "CONSENT_RATE_SITE": "1000000"}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | limits)
        assert self.process.stdout
        found = next(filter(None, (re.search(r"(http://[\d.:]+)/v1/", line) for line in self.process.stdout)), None)
        assert found, "the service ended before it printed its address"
        self.base = found[1]
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "text/html,application/json"}
        self._local = threading.local()

    def get(self, path: str) -> bytes:
        """The answer to a request, over a connection that stays open; each thread has its own."""
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(self.base.removeprefix("http://"), timeout=60)
        self._local.connection.request("GET", path, headers=self._headers)
        answer = self._local.connection.getresponse()
        body: bytes = answer.read()
        assert answer.status == 200, (path, answer.status, body[:300])
        return body

    def memory(self) -> int:
        """The most memory it held, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) // 1_024

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@contextmanager
def serving(data: Path) -> Iterator[Service]:
    service = Service(data)
    try:
        yield service
    finally:
        service.stop()


async def _token(data: Path) -> str:
    """A new account's token for everything."""
    db = await open_sqlite(data / "consent.sqlite")
    try:
        account, text, at = secrets.token_hex(16), secrets.token_urlsafe(32), time.time_ns() // 1_000_000
        await accounts.add(db, account, f"{account}@bench.example", "unused", at)
        await accounts.give_role(db, account, 0, Role.OWNER, at)
        needs = frozenset(Need) - {Need.TELL}
        await token_queries.add(
            db, token_queries.Token(digest(text), account[:16], account, "bench", 0, needs, at, at + DAY)
        )
    finally:
        await db.close()
    return text


def addresses(data: Path, end: int) -> dict[str, str]:
    """What is asked, by name."""
    found = {f"page {name}": f"/sites/{MOST}/{name}" for name in PAGES}
    found |= {f"json {name}": f"/sites/{MOST}/{name}.json" for name in PAGES}
    since, until = _date(end - 365 * DAY), _date(end)
    for name in questions():
        found[f"ask {name}"] = f"/reports/{MOST}/questions/{name}"
        found[f"year {name}"] = f"/reports/{MOST}/questions/{name}?from={since}&to={until}"
    with sqlite3.connect(f"file:{data / 'consent.sqlite'}?mode=ro", uri=True) as db:
        record, receipt = db.execute(
            "select id, receipt from consent_record where site_id = 1 and id > (select id from consent_record"
            " where site_id = 1 order by id limit 1) and action = 'changed' limit 1"
        ).fetchone()
    with sqlite3.connect(f"file:{data / 'telemetry.sqlite'}?mode=ro", uri=True) as db:
        [visitor] = db.execute("select id from visitor where site_id = 1 order by visits desc limit 1").fetchone()
    found["search a receipt"] = f"/sites/{MOST}/log.json?receipt={receipt}"
    found["page one record"] = f"/sites/{MOST}/log/{record}"
    found["page one visitor"] = f"/sites/{MOST}/visitors/{visitor}"
    return found


def _date(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(milliseconds / 1_000))


def timed(asked: dict[int, tuple[Service, dict[str, str]]], repeats: int) -> dict[int, dict[str, Took]]:
    """Each address, warm, so many times, of all stores in turns: what else the machine does slows them alike."""
    found: dict[int, dict[str, Took]] = {size: {} for size in asked}
    for name in next(iter(asked.values()))[1]:
        spent: dict[int, list[float]] = {size: [] for size in asked}
        for number in range(-3, repeats):
            for size, (service, paths) in asked.items():
                start = time.perf_counter()
                service.get(paths[name])
                if number >= 0:
                    spent[size].append((time.perf_counter() - start) * 1_000)
        for size, them in spent.items():
            found[size][name] = Took(statistics.median(them), sorted(them)[int(0.95 * (len(them) - 1) + 0.5)])
    return found


class Exported(NamedTuple):
    """A file, its rows, seconds it took, and the most memory of the command in MB."""

    file: Path
    rows: int
    seconds: float
    memory: int


def exported(data: Path, file: Path, since: int, until: int) -> Exported:
    """Export with the command; the file's name says what."""
    subject, _, format_ = file.name.partition(".")
    span = ["--format", format_, "--from", str(since), "--to", str(until)]
    command = [CONSENT, "export", subject, MOST, *span, "--out", str(file), "--json", "--data", str(data)]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0
    return Exported(file, json.loads(said)["exports"][0]["rows"], time.perf_counter() - start, usage.ru_maxrss // 1_024)


def span_of(data: Path, rows: int, end: int) -> int:
    """The day (ms) from which on the site has so many records."""
    with sqlite3.connect(f"file:{data / 'consent.sqlite'}?mode=ro", uri=True) as db:
        days = db.execute(
            "select bucket, given + partly + refused + changed + withdrawn from consent_rollup where site_id = 1"
            " and dim = 'total' and grain = 'day' and kind = 'said' order by bucket desc"
        )
        for bucket, count in days:
            rows -= count
            if rows <= 0:
                return int(bucket) * DAY
    return end - 366 * DAY


def exports(data: Path, folder: Path, end: int) -> tuple[dict[str, Any], dict[str, Path]]:
    """A million rows of the log in each format, against DuckDB writing the same; a tenth of it, to compare memory."""
    told: dict[str, Any] = {}
    for rows, name in ((100_000, "tenth"), (1_000_000, "million")):
        since = span_of(data, rows, end)
        for format_ in ("csv", "ndjson", "parquet"):
            done = exported(data, folder / f"log.{format_}", since, end)
            told[f"{format_} {name}"] = {
                "rows": done.rows,
                "rows_per_second": round(done.rows / done.seconds),
                "max_mb": done.memory,
            }
    db, source = duckdb.connect(), folder / "log.parquet"
    for format_, options in (
        ("csv", "format csv"),
        ("ndjson", "format json"),
        ("parquet", "format parquet, compression zstd"),
    ):
        start = time.perf_counter()
        [rows] = db.execute(f"copy (select * from '{source}') to '{folder / 'duck'}' ({options})").fetchone() or (0,)
        told[f"duckdb {format_} from parquet"] = {"rows_per_second": round(rows / (time.perf_counter() - start))}
    files = {}
    for subject in ("log", "sessions", "events"):
        files[subject] = exported(data, folder / f"{subject}.parquet", 0, end).file
    return told, files


def under_load(service: Service, asked: dict[str, str], seconds: int, rounds: int) -> dict[str, Any]:
    """Consent posts alone and while analysts ask, in turns; then at 70 % of the rate."""
    body, origin = posts.accept_all(service.base, MOST), f"https://{MOST}.example"

    def post(name: str, pause: float = 0) -> posts.Round:
        return posts.wrk(service.base, body, name, seconds, pause, site=MOST, origin=origin)

    alone, beside = [], []
    for number in range(rounds):
        alone.append(post(f"a{secrets.token_hex(2)}{number:03d}"))
        with asking(service, asked):
            beside.append(post(f"b{secrets.token_hex(2)}{number:03d}"))
    rates = [statistics.median(one.rate for one in found) for found in (alone, beside)]
    pause = 1_000 * posts.CONNECTIONS / (0.7 * rates[0])
    with asking(service, asked):
        paced = post(f"p{secrets.token_hex(2)}000", pause)
    return {
        "posts_alone_per_second": round(rates[0]),
        "posts_beside_analysts_per_second": round(rates[1]),
        "kept": round(rates[1] / rates[0], 3),
        "p99_alone_ms": statistics.median(one.p99 for one in alone),
        "p99_beside_ms": statistics.median(one.p99 for one in beside),
        "paced_per_second": round(paced.rate),
        "paced_p99_beside_ms": paced.p99,
        "failed": sum(one.failed for one in (*alone, *beside, paced)),
    }


@contextmanager
def asking(service: Service, asked: dict[str, str]) -> Iterator[None]:
    """Four analysts, each with a question a second."""
    stop, paths = threading.Event(), list(asked.values())

    def ask(first: int) -> None:
        at = first
        while not stop.wait(1):
            service.get(paths[at % len(paths)])
            at += ANALYSTS

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(ANALYSTS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def measure(stores: dict[int, tuple[Path, int]], options: argparse.Namespace) -> dict[int, dict[str, Any]]:
    """The answers' times of every store, a folder and its end (ms); everything else of the largest alone."""
    largest = max(stores)
    with ExitStack() as open_:
        asked = {
            size: (open_.enter_context(serving(data)), addresses(data, end)) for size, (data, end) in stores.items()
        }
        told: dict[int, dict[str, Any]] = {
            size: {"times": times} for size, times in timed(asked, options.repeats).items()
        }
    if not options.times:
        told[largest] |= beside(*stores[largest], options)
    return told


def beside(data: Path, end: int, options: argparse.Namespace) -> dict[str, Any]:
    """Exports, posts while analysts ask, and the questions asked of raw rows."""
    told: dict[str, Any] = {}
    with serving(data) as service:
        asked = addresses(data, end)
        for path in asked.values():
            service.get(path)
        before = service.memory()
        start, size = (
            time.perf_counter(),
            len(service.get(f"/reports/{MOST}/export/log.csv?from={span_of(data, 1_000_000, end)}")),
        )
        told["http_export"] = {
            "mb_per_second": round(size / 1e6 / (time.perf_counter() - start), 1),
            "service_mb_before": before,
            "service_mb_after": service.memory(),
        }
        told["load"] = under_load(service, asked, options.seconds, options.rounds)
    with tempfile.TemporaryDirectory(dir=data.parent) as folder:
        told["exports"], files = exports(data, Path(folder), end)
        for name, days in (("ask", 30), ("year", 365)):
            span = (end - days * DAY, end)
            told[f"raw {name}"] = {
                "sqlite": reports_raw.in_sqlite(data, *span, options.raw),
                "duckdb": reports_raw.in_duckdb(files, *span, options.raw),
            }
    return told


def report(found: dict[int, dict[str, Any]]) -> None:
    """Print everything for people."""
    (small, first), (large, last) = min(found.items()), max(found.items())
    print(f"\n{'':<28}{small:>12,}{'p95':>8}{large:>14,}{'p95':>8}{'growth':>8}{'SQLite raw':>12}{'DuckDB raw':>12}")
    for name, took in last["times"].items():
        kind, _, question = name.partition(" ")
        raw = last.get(f"raw {kind}", {})
        yard = [
            f"{raw[one][question]:>12.1f}" if question in raw.get(one, {}) else f"{'':>12}"
            for one in ("sqlite", "duckdb")
        ]
        before = first["times"][name]
        print(
            f"{name:<28}{before.median:>12.1f}{before.p95:>8.1f}{took.median:>14.1f}{took.p95:>8.1f}"
            f"{took.median / before.median:>8.2f}{''.join(yard)}"
        )
    for part in ("exports", "http_export", "load"):
        for name, value in last.get(part, {}).items():
            print(f"{name:<36}{value}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="1 and 10 million records and page views")
    parser.add_argument("--sizes", type=int, nargs=2, default=(20_000, 50_000), help="records and page views, twice")
    parser.add_argument("--keep", type=Path, help="folder in which stores stay, and are found again")
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--raw", type=int, default=3, help="repeats on raw rows")
    parser.add_argument("--seconds", type=int, default=10, help="of each round of posts")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", action="store_true", help="the answers' times, and nothing else")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    stores: dict[int, tuple[Path, int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = options.keep or Path(folder)
        sizes = (1_000_000, 10_000_000) if options.full else options.sizes
        for size in sizes:
            data, end = place / str(size), now()
            if not data.exists():
                place.mkdir(parents=True, exist_ok=True)
                fill(data, size, size, end=end)
                (data / "end").write_text(str(end))
            stores[size] = data, int((data / "end").read_text())
        found = measure(stores, options)
    if options.json:
        print(json.dumps(found))
    else:
        report(found)


if __name__ == "__main__":
    main()
