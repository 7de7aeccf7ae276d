"""Durable consent posts a second, as a fraction of bare Starlette's JSON echo, measured in turns in one run.

32 connections, the body an "accept all" sends, each with its own idempotency key. Every 201 is a commit on disk
(`synchronous=FULL`); afterwards the log is counted against the answers.
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
        service, base = start_service(Path(data))
        yardstick, echo = start_echo()
        try:
            body = accept_all(base)
            ours, bare = rounds(base, echo, body, options.rounds, options.seconds)
        finally:
            for process in (service, yardstick):
                process.terminate()
                process.wait(15)
        stored = count_records(Path(data))
    report(ours, bare, stored, as_json=options.json)


def start_service(data: Path) -> tuple[subprocess.Popen[str], str]:
    command = [str(Path(sys.executable).parent / "consent"), "serve", "--port", "0", "--data", str(data)]
    environment = os.environ | {"CONSENT_RATE_ADDRESS": "1000000", "CONSENT_RATE_SITE": "1000000"}
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


def accept_all(base: str) -> str:
    """The body the widget posts when a visitor of the demo accepts everything."""
    settings = embedded(f"{base}/c/demo.js", '{"site":')
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


def rounds(base: str, echo: str, body: str, count: int, seconds: int) -> tuple[list[Round], list[Round]]:
    ours, bare = [], []
    for number in range(count):
        bare.append(wrk(echo, body, f"e{number:07d}", seconds))
        ours.append(wrk(base, body, f"c{number:07d}", seconds))
    return ours, bare


def wrk(base: str, body: str, name: str, seconds: int) -> Round:
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s", "--latency", "-s", str(HERE / "posts.lua")]
    environment = os.environ | {"BODY": body, "ORIGIN": base, "ROUND": name}
    done = subprocess.run(
        [*command, f"{base}/v1/demo/consent"], capture_output=True, text=True, check=True, env=environment
    )
    requests, microseconds, failed, p99 = map(int, re.findall(r"RESULT (\d+) (\d+) (\d+) (\d+)", done.stdout)[0])
    return Round(requests * 1e6 / microseconds, failed, p99 / 1000, requests - failed)


def count_records(data: Path) -> int:
    [store] = [path for path in data.iterdir() if path.suffix in {".sqlite", ".db"}]
    with sqlite3.connect(store) as connection:
        found: int = connection.execute("select count(*) from consent_record").fetchone()[0]
        return found


def report(ours: list[Round], bare: list[Round], stored: int, *, as_json: bool) -> None:
    posts, echoes = (statistics.median(r.rate for r in rounds) for rounds in (ours, bare))
    figures = {
        "consent_per_second": round(posts),
        "echo_per_second": round(echoes),
        "ratio": round(posts / echoes, 3),
        "consent_p99_ms": statistics.median(r.p99 for r in ours),
        "echo_p99_ms": statistics.median(r.p99 for r in bare),
        "failed": sum(r.failed for r in ours),
        "answered": sum(r.answered for r in ours),
        "stored": stored,
    }
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:>20}  {value}")


if __name__ == "__main__":
    main()
