"""Durable consent posts a second, as a fraction of bare Starlette's JSON echo, measured in turns in one run.

32 connections, the body an "accept all" sends, each with its own idempotency key. Every 201 is a commit on disk
(`synchronous=FULL`) with its leaf, signed checkpoint and receipt; afterwards the log is counted against the answers.
The same service with one commit a request is the second yardstick. Then latency at 70 % of the peak, bytes on disk.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
KEY = "KEYKEYKEYKEYKEYKEYKEYK"
CONNECTIONS = 32


class Round(NamedTuple):
    """One run of wrk: requests a second, failed requests, 99th percentile in milliseconds, requests answered."""

    rate: float
    failed: int
    p99: float
    answered: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed and was not found. Install it (Debian: apt-get install wrk) and run this again.")
    with tempfile.TemporaryDirectory() as data:
        grouped, single = Path(data) / "grouped", Path(data) / "single"
        service, base = start_service(grouped, [str(Path(sys.executable).parent / "consent")])
        ungrouped, one_by_one = start_service(single, [sys.executable, str(HERE / "single.py")])
        yardstick, echo = start_echo()
        try:
            bodies = {base: accept_all(base), echo: accept_all(base), one_by_one: accept_all(one_by_one)}
            ours, bare, alone = rounds(bodies, options.rounds, options.seconds)
            paced = at_share(base, bodies[base], 0.7 * statistics.median(r.rate for r in ours), options.seconds)
        finally:
            for process in (service, ungrouped, yardstick):
                process.terminate()
                process.wait(15)
        stored, size = count_records(grouped), folder_size(grouped)
    report(ours, bare, alone, paced=paced, stored=stored, size=size, as_json=options.json)


def start_service(data: Path, program: list[str]) -> tuple[subprocess.Popen[str], str]:
    command = [*program, "serve", "--port", "0", "--data", str(data)]
    unlimited = ("RATE_ADDRESS", "RATE_SITE", "RATE_EVENTS_ADDRESS", "RATE_EVENTS_SITE")
    environment = os.environ | {f"CONSENT_{name}": "100000000" for name in unlimited}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout
    for line in process.stdout:
        if found := re.search(r"(http://[\d.:]+)/demo/", line):
            return process, found[1]
    sys.exit("The service ended before it printed its address.")


def start_echo() -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "uvicorn", "echo:app", "--port", "0", "--no-access-log", "--app-dir", str(HERE)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    for line in process.stderr:
        if found := re.search(r"running on (http://[\d.:]+)", line):
            return process, found[1]
    sys.exit("The yardstick ended before it printed its address.")


def accept_all(base: str, site: str = "demo") -> str:
    """The body the widget posts when a visitor of the demo, or another site, accepts everything."""
    settings = embedded(f"{base}/c/{site}.js", '{"site":')
    layer = fetched(base + settings["layers"]["en"]["preferences"])
    said = {name: found(layer, rf'"{name}":"?([0-9a-f]+)') for name in ("version", "hash", "scope", "notice")}
    return json.dumps(
        {
            "key": KEY,
            "version": int(said["version"]),
            "hash": said["hash"],
            "scope": said["scope"],
            "control": "accept",
            "layer": 1,
            "language": "en",
            "notice": said["notice"],
            "purposes": {p["key"]: "g" for p in settings["purposes"] if not p["required"]},
            "services": {},
            "regime": "eu",
            "gpc": False,
            "time": int(time.time() * 1000),
            "widget": "0.1.0",
        }
    )


def embedded(url: str, begin: str) -> dict[str, Any]:
    """The object that the service put into a script it serves."""
    script = fetched(url)
    put: dict[str, Any] = json.JSONDecoder().raw_decode(script, script.index(begin))[0]
    return put


def fetched(url: str) -> str:
    text: str = urllib.request.urlopen(url).read().decode()
    return text


def found(text: str, pattern: str) -> str:
    match = re.search(pattern, text)
    assert match, pattern
    return match[1]


def rounds(bodies: dict[str, str], count: int, seconds: int) -> list[list[Round]]:
    """Rounds of each service with its body, in turns."""
    measured: list[list[Round]] = [[] for _ in bodies]
    for number in range(count):
        for at, (base, body) in enumerate(bodies.items()):
            measured[at].append(wrk(base, body, f"{'ces'[at]}{number:07d}", seconds))
    return measured


def at_share(base: str, body: str, rate: float, seconds: int) -> Round:
    """A round at a rate: each connection waits between requests, as long as a first try has shown to be right."""
    pause = 1000 * CONNECTIONS / rate
    tried = wrk(base, body, "t0000000", max(2, seconds // 4), pause)
    return wrk(base, body, "p0000000", seconds, max(0.0, pause - 1000 * CONNECTIONS / tried.rate + pause))


def wrk(
    base: str, body: str, name: str, seconds: int, pause: float = 0, *, site: str = "demo", origin: str = ""
) -> Round:
    """One run of wrk; the body has its keys put in. `origin`: of the site's pages, where it is not `base`."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(HERE / "posts.lua")]
    environment = os.environ | {"BODY": body, "ORIGIN": origin or base, "ROUND": name, "PAUSE": f"{pause:.2f}"}
    done = subprocess.run(
        [*command, f"{base}/v1/{site}/consent"], capture_output=True, text=True, check=True, env=environment
    )
    requests, microseconds, failed, p99 = map(int, re.findall(r"RESULT (\d+) (\d+) (\d+) (\d+)", done.stdout)[0])
    return Round(requests * 1e6 / microseconds, failed, p99 / 1000, requests - failed)


def count_records(data: Path) -> int:
    with sqlite3.connect(data / "consent.sqlite") as connection:
        found: int = connection.execute("select count(*) from consent_record").fetchone()[0]
        return found


def folder_size(data: Path) -> int:
    return sum(path.stat().st_size for path in data.rglob("*") if path.is_file())


def report(
    ours: list[Round], bare: list[Round], alone: list[Round], *, paced: Round, stored: int, size: int, as_json: bool
) -> None:
    posts, echoes, single = (statistics.median(r.rate for r in rounds) for rounds in (ours, bare, alone))
    figures = {
        "consent_per_second": round(posts),
        "echo_per_second": round(echoes),
        "ratio": round(posts / echoes, 3),
        "one_commit_a_request": round(single),
        "times_one_commit": round(posts / single, 1),
        "consent_p99_ms": statistics.median(r.p99 for r in ours),
        "echo_p99_ms": statistics.median(r.p99 for r in bare),
        "paced_per_second": round(paced.rate),
        "paced_share": round(paced.rate / posts, 2),
        "paced_p99_ms": paced.p99,
        "failed": sum(r.failed for r in (*ours, *alone, paced)),
        "answered": sum(r.answered for r in ours) + paced.answered,
        "stored": stored,
        "bytes_per_consent": round(size / stored),
    }
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>20}  {value}")


if __name__ == "__main__":
    main()
