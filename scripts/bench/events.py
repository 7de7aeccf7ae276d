"""Events a second through the service, in batches of 1 and 20, against bare Starlette's JSON echo of the same bodies.

Visitors who agreed send page views over 32 connections, in turns with the yardstick. What was answered is counted
against rows and drops in the store afterwards. Then: consent posts alone and while events pour in at a steady rate;
memory over many events; and how many answered events a kill -9 under load loses, at most what the buffer holds.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from posts import CONNECTIONS, Round, accept_all, start_echo, start_service, wrk

from consent.policy.queries import Version
from consent.policy.resolved import read_resolved
from consent.policy.sources import checksum, list_text
from consent.records.cookie import Choice, encode
from consent.telemetry.buffer import MOST, UNTOLD
from consent.visitors.cookies import Jar
from consent.visitors.visit import DAY, arrive
from consent.web.keyring import open_keyring
from tests.visitors.cases import browsers

HERE = Path(__file__).parent
SENDERS = 4_000
AGENTS = 300
STEADY = 8_000
"""Events a second while memory is watched."""

CONSENT = [str(Path(sys.executable).parent / "consent")]


class Counted(NamedTuple):
    """What a store holds: rows, and drops by reason."""

    rows: int
    dropped: dict[str, int]

    @property
    def known(self) -> int:
        """Events that it accounts for."""
        return self.rows + sum(self.dropped.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10, help="length of a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pour", type=int, default=2_000, help="events a second while consents are measured")
    parser.add_argument("--many", type=int, default=1_000_000, help="events over which memory is watched; 0: not")
    parser.add_argument("--kills", type=int, default=3, help="how often the service is killed under load")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed and was not found. Install it (Debian: apt-get install wrk) and run this again.")
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        figures = rates(data / "by1", 1, options.rounds, options.seconds)
        figures |= rates(data / "by20", 20, options.rounds, options.seconds)
        figures |= beside(data / "beside", options.rounds, options.seconds, options.pour)
        if options.many:
            figures |= memory(data / "memory", options.many)
        steady = [killed(data / f"steady{number}", options.seconds, options.pour) for number in range(options.kills)]
        flooded = [killed(data / f"flooded{number}", options.seconds, 0) for number in range(options.kills)]
    figures |= {"buffer": MOST, "killed_lost": steady, "killed_within_buffer": all(one <= MOST for one in steady)}
    bound = MOST + UNTOLD  # in a flood drops are lost, too, whose number was in memory
    figures |= {"killed_lost_flooded": flooded, "flooded_within_bound": all(one <= bound for one in flooded)}
    if options.json:
        print(json.dumps(figures))
        return
    for key, value in figures.items():
        print(f"{key:>28}  {value}")


def rates(data: Path, size: int, rounds: int, seconds: int) -> dict[str, Any]:
    """Requests a second of ours and the yardstick's, in turns, and what became of every event."""
    service, base = start_service(data, CONSENT)
    yardstick, echo = start_echo()
    found: dict[str, list[Round]] = {base: [], echo: []}
    try:
        warm = events(data, base, base, size, seconds=1)  # patterns, caches
        for _ in range(rounds):
            for where, kept in found.items():
                kept.append(events(data, base, where, size, seconds=seconds))
    finally:
        stop(service, yardstick)
    ours, bare = (statistics.median(one.rate for one in kept) for kept in found.values())
    answered = sum(one.answered for one in (warm, *found[base])) * size
    counted = count(data)
    return {
        f"requests_per_second_by_{size}": round(ours),
        f"echo_per_second_by_{size}": round(bare),
        f"ratio_by_{size}": round(ours / bare, 3),
        f"events_per_second_by_{size}": round(ours * size),
        f"p99_ms_by_{size}": statistics.median(one.p99 for one in found[base]),
        f"failed_by_{size}": sum(one.failed for kept in found.values() for one in kept),
        f"answered_by_{size}": answered,
        f"stored_by_{size}": counted.rows,
        f"stored_share_by_{size}": round(counted.rows / max(1, counted.known), 3),
        f"dropped_by_{size}": counted.dropped,
        # wrk leaves requests unanswered at each end: there may be more
        f"missing_by_{size}": max(0, answered - counted.known),
        f"bytes_per_event_by_{size}": round(size_of(data) / max(1, counted.rows)),
    }


def beside(data: Path, rounds: int, seconds: int, pour: int) -> dict[str, Any]:
    """Consent posts alone, and while events come in batches of 20 at a steady rate, or are put off; in turns."""
    service, base = start_service(data, CONSENT)
    alone: list[Round] = []
    poured: list[Round] = []
    rate: list[float] = []
    try:
        body = accept_all(base)
        for number in range(rounds):
            alone.append(wrk(base, body, f"a{number:07d}", seconds))
            pouring = spawn(data, base, base, 20, seconds=seconds + 1, pause=1_000 * CONNECTIONS * 20 / pour)
            time.sleep(0.5)
            poured.append(wrk(base, body, f"p{number:07d}", seconds))
            rate.append(read(pouring).answered * 20 / (seconds + 1))
    finally:
        stop(service)
    before, after = (statistics.median(one.rate for one in some) for some in (alone, poured))
    return {
        "consents_alone_per_second": round(before),
        "consents_beside_per_second": round(after),
        "consents_beside_share": round(after / before, 3),
        "events_beside_per_second": round(statistics.median(rate)),
        "consents_alone_p99_ms": statistics.median(one.p99 for one in alone),
        "consents_beside_p99_ms": statistics.median(one.p99 for one in poured),
    }


def memory(data: Path, many: int) -> dict[str, Any]:
    """Resident memory of the service, in MB, each tenth of so many events, at a rate at which all are stored."""
    service, base = start_service(data, CONSENT)
    sent, seen = 0, list[float]()
    try:
        while sent < many:
            pouring = spawn(data, base, base, 20, seconds=4, pause=1_000 * CONNECTIONS * 20 / STEADY)
            sent += read(pouring).answered * 20
            if sent >= many * len(seen) / 10:
                seen.append(resident(service.pid))
    finally:
        stop(service)
    figures = {"memory_events": sent, "memory_stored": count(data).rows, "memory_mb": seen}
    return figures | {"memory_growth_mb": round(seen[-1] - seen[len(seen) // 3], 1)}


def killed(data: Path, seconds: int, pour: int) -> int:
    """Answered events that the store does not know of after a kill -9 amid so many a second; 0: as many as can be."""
    service, base = start_service(data, CONSENT)
    pouring = spawn(data, base, base, 20, seconds=seconds, pause=1_000 * CONNECTIONS * 20 / pour if pour else 0)
    time.sleep(max(1.0, seconds / 2))
    os.kill(service.pid, signal.SIGKILL)
    service.wait(15)
    answered = read(pouring).answered
    assert answered, "no load"
    return max(0, answered * 20 - count(data).known)


def events(data: Path, base: str, where: str, size: int, *, seconds: int) -> Round:
    """A round of batches of this size."""
    return read(spawn(data, base, where, size, seconds=seconds))


def spawn(data: Path, base: str, where: str, size: int, *, seconds: int, pause: float = 0) -> subprocess.Popen[str]:
    """wrk, sending on behalf of visitors of the service at `base`; `pause` is the mean wait of a connection, ms."""
    senders = data / "senders"
    senders.write_text("".join(prepared(data, base)))
    told = {"SENDERS": str(senders), "ORIGIN": base, "BATCH": str(size), "ROUND": secrets.token_hex(6)}
    told |= {"NOW": str(time.time_ns() // 1_000_000), "PAUSE": f"{pause:.2f}"}
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", str(HERE / "events.lua")]
    return subprocess.Popen(
        [*command, f"{where}/v1/demo/events"], stdout=subprocess.PIPE, text=True, env=os.environ | told
    )


def read(running: subprocess.Popen[str]) -> Round:
    """What wrk says at its end."""
    out, _ = running.communicate(timeout=600)
    _, microseconds, failed, p99, answered = map(int, out.partition("RESULT ")[2].split()[:5])
    return Round(answered * 1e6 / microseconds, failed, p99 / 1_000, answered)


def prepared(data: Path, base: str) -> list[str]:
    """Visitors of the demo who agreed, each with cookies sealed by the service's own keys."""
    now = time.time_ns() // 1_000_000
    version = newest(data)
    purposes: Any = {purpose.key: "g" for purpose in version.resolved.purposes if not purpose.required}
    listed = checksum(list_text(version.resolved, purposes, {}))
    choice = encode(Choice(day=now // DAY, scope=version.scope, purposes=purposes, sum=listed))
    jar = Jar(open_keyring(data / "keys" / "cookies", now // DAY, secrets.token_bytes), secrets.token_bytes)
    agents = sorted(set(browsers()))[:: len(set(browsers())) // AGENTS]
    lines = []
    for number in range(SENDERS):
        set_cookies = jar.write(arrive(None, None, now, secrets.token_bytes), "demo", now, where="page", secure=False)
        pairs = [f"{version.resolved.cookie.name}={choice}", *(one.partition(";")[0] for one in set_cookies)]
        agent = agents[number % len(agents)].replace("\t", " ")
        lines.append(f"{'; '.join(pairs)}\t{choice}\t{agent}\n")
    return lines


def newest(data: Path) -> Version:
    with sqlite3.connect(data / "consent.sqlite") as connection:
        row = connection.execute("select site_id, version, hash, scope, body, published from policy_version").fetchone()
    site_id, number, digest, scope, body, published = row
    return Version(site_id, number, digest, scope, read_resolved(body), published)


def count(data: Path) -> Counted:
    with sqlite3.connect(data / "telemetry.sqlite") as connection:
        rows = connection.execute("select count(*) from event").fetchone()[0]
        dropped = dict(connection.execute("select reason, sum(n) from dropped group by reason").fetchall())
    return Counted(rows, dropped)


def size_of(data: Path) -> int:
    return sum(path.stat().st_size for path in data.glob("telemetry.sqlite*"))


def resident(pid: int) -> float:
    """Resident memory, MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return round(int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1_024, 1)


def stop(*processes: subprocess.Popen[str]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(30)


if __name__ == "__main__":
    main()
