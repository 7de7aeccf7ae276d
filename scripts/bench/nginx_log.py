"""Imports an access log that nginx wrote in its own `combined` format, and says what became of every line.

The requests are real, and nobody's: a load tool sends what visits of a shop are like, by user agents that browsers and
bots really sent, from addresses set apart for documentation; sockets send what no browser does, in between; Chromium
opens some pages. Half way the log is rotated and packed. Fails where a line is not accounted for.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import json
import os
import pty
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

import access_log

from consent.telemetry.combined import REASONS
from tests.telemetry.nginx import MISSING, ODD, PROGRAM, Nginx, Odd, nginx, serve

HERE = Path(__file__).parent
CONSENT = str(Path(sys.executable).parent / "consent")
PREPARED = 60_000
CONNECTIONS = 16
POLICY = """
site = "shop"
origins = ["https://shop.example"]
[controller]
name = "Shop"
email = "privacy@shop.example"
privacy_url = "https://shop.example/privacy"
[telemetry]
"""
PAGE = f"""<!doctype html><title>Shop</title><link rel="stylesheet" href="/static/site.css">
<script src="/static/site.js" defer></script><img src="/static/logo.svg" alt=""><p>{"A lamp. " * 300}</p>"""
MADE_UP = [
    ("/account/anna.{}@mail.example/orders/{}", 0.03),
    ("/lamps/oak-1?utm_source=newsletter&utm_campaign=autumn%20sale&mail=a.{}%40mail.example&id={}", 0.05),
    ("/caf%C3%A9/men%C3%BC?q=%E6%9D%B1{}&page={}", 0.02),
    ('/search?q="oak"\\{}|{}', 0.01),
    ("/old/{}/{}", 0.02),
    ("/broken/{}/{}", 0.002),
    ("/empty?{}&{}", 0.005),
    ("//lamps//oak-{}?{}", 0.002),
]
"""Targets beside those of visits, with two numbers each, and how often they come."""

LOOK = 60


class Written(NamedTuple):
    """Two logs, the older one packed; how often each odd thing was sent, and what its line looks like; figures."""

    logs: list[Path]
    sent: Counter[str]
    looks: dict[str, Odd]
    figures: dict[str, Any]


class Done(NamedTuple):
    """An import: what it said, and what it took: seconds on the clock and of the processor, MB of memory at most."""

    said: str
    wall: float
    cpu: float
    memory: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=150_000, help="lines at least")
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--keep", type=Path, help="a new folder to keep the logs and the refused lines in")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    if PROGRAM is None:
        sys.exit(f"{MISSING}. Install it and run this again.")
    if shutil.which("wrk") is None:
        sys.exit("wrk is needed and was not found. Install it (Debian: apt-get install wrk) and run this again.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = written(folder, options.lines, options.seed)
        figures = made.figures | imports(folder, made)
        if options.keep:
            shutil.copytree(folder, options.keep, ignore=shutil.ignore_patterns("pages", "data", "shown"))
    shown = figures.pop("on_a_terminal")
    if options.json:
        print(json.dumps(figures))
    else:
        for key, value in figures.items():
            print(f"{key:>26}  {value}")
        print(f"\nOn a terminal, as it ends:\n{shown}")
    if figures["faults"]:
        sys.exit("Not every line is accounted for.")


def written(folder: Path, lines: int, seed: int) -> Written:
    """Have nginx write, and rotate half way."""
    serve(folder, [page.partition("?")[0] for page in access_log.PAGES], PAGE)
    serve(folder, ["/account", "/café/menü", *access_log.ASSETS], PAGE)
    asked = folder / "requests"
    asked.write_text("".join(islice(requests(random.Random(seed)), PREPARED)), "utf-8", "surrogateescape")
    sent, stop = Counter[str](), threading.Event()
    with nginx(folder) as server:
        looks, opened = learn(server, sent), browse(server)
        speaker = threading.Thread(target=speak, args=(server, sent, stop))
        speaker.start()
        try:
            rates = load(server, asked, lines // 2)
            old = server.rotate()
            rates += load(server, asked, lines - lines // 2)
        finally:
            stop.set()
            speaker.join()
    packed = old.with_suffix(".1.gz")
    packed.write_bytes(gzip.compress(old.read_bytes(), 6))
    size = old.stat().st_size + server.log.stat().st_size
    figures = {
        "asked_per_second": round(sum(rates) / len(rates)),
        "opened_by_chromium": opened,
        "odd_connections": sent.total(),
        "log_mb": round(size / 1e6, 1),
        "answers": statuses(old, server.log),
    }
    return Written([packed, server.log], sent, looks, figures)


def requests(chance: random.Random) -> Iterator[str]:
    """Requests of visits, a line each, without end."""
    people, bots = access_log.agents(chance)
    while True:
        who = access_log.visit(chance, people, bots)
        for step, target in enumerate(who.targets):
            source = who.source if step == 0 else f"https://shop.example{who.targets[0]}"
            yield request(chance, target, who, source)


def request(chance: random.Random, target: str, who: access_log.Visit, source: str) -> str:
    for made_up, share in MADE_UP:
        if chance.random() < share:
            target = made_up.format(chance.randrange(1_000), chance.randrange(10**9))
    method = "POST" if target == "/basket" and chance.random() < 0.3 else "GET"
    if chance.random() < 0.005:
        method = chance.choice(("PUT", "DELETE", "OPTIONS", "PROPFIND"))
    headers = [f"User-Agent: {who.agent}"]
    if source != "-":
        headers.append(f"Referer: {source}" + ('?q="a"&mail=b@mail.example' if chance.random() < 0.02 else ""))
    if chance.random() < 0.95:
        headers.append(f"X-Real-IP: {who.address}")  # of others nginx sees the address of loopback
    kind = chance.random()
    if kind < 0.1:
        headers.append("If-None-Match: *" if kind < 0.08 else "Range: bytes=0-99")
    return "\t".join([method, target, *(re.sub(r"[\x00-\x1f]", " ", header) for header in headers)]) + "\n"


def load(server: Nginx, asked: Path, lines: int) -> list[float]:
    """Send over IPv4 and IPv6 in turns until the log has so many lines; requests a second of each turn."""
    rates: list[float] = []
    while lines_of(server.log) < lines:
        base = f"http://[::1]:{server.six}" if server.six and len(rates) % 4 == 3 else server.base
        environment = os.environ | {"REQUESTS": str(asked), "FIRST": str(lines_of(server.log))}
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", "-d1s", "-s", str(HERE / "nginx_log.lua"), base]
        out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment).stdout
        number, microseconds, failed = map(int, out.partition("RESULT ")[2].split()[:3])
        assert number and not failed, out
        rates.append(number * 1e6 / microseconds)
    return rates


def learn(server: Nginx, sent: Counter[str]) -> dict[str, Odd]:
    """What the line of each odd thing looks like, where nobody else asks."""
    looks = {}
    for odd in ODD:
        end = lines_of(server.log) + odd.lines
        server.say(odd)
        sent[odd.name] += 1
        server.wait(lambda end=end: lines_of(server.log) == end)  # type: ignore[misc]
        if odd.lines:
            looks[look(server.log.read_text("utf-8").splitlines()[-1])] = odd
    return looks


def speak(server: Nginx, sent: Counter[str], stop: threading.Event) -> None:
    """Send what no browser sends, one thing after another, until told to stop; over IPv6 every third time."""
    turn = 0
    while not stop.is_set():
        turn += 1
        for odd in ODD:
            if not odd.waits:
                server.say(odd, six=turn % 3 == 0)
                sent[odd.name] += 1
            if stop.wait(0.002):
                return


def browse(server: Nginx) -> int:
    """Open pages in Chromium, one of them again; how many: 0 where there is no Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return 0
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    targets = ["/", "/lamps/", "/lamps/oak-1?utm_source=chromium", "/café/menü", "/none", "/old/", "/"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        for target in targets:
            page.goto(server.base + target, wait_until="load")
        browser.close()
    return len(targets)


def imports(folder: Path, made: Written) -> dict[str, Any]:
    """Import the logs, import them again, and once more elsewhere on a terminal; what that took and said."""
    lines = sum(lines_of(log) for log in made.logs)
    rejects = folder / "rejects"
    for data in ("data", "shown"):
        (folder / "policy.toml").write_text(POLICY, "utf-8")
        publish = [CONSENT, "policy", "publish", str(folder / "policy.toml"), "--data", str(folder / data)]
        subprocess.run(publish, check=True, stdout=subprocess.DEVNULL)
    command = [CONSENT, "import-log", "shop", *map(str, made.logs), "--country", "FR", "--data"]
    first = run([*command, str(folder / "data"), "--json", "--rejects", str(rejects)])
    views = counted(folder / "data")
    again = json.loads(run([*command, str(folder / "data"), "--json"]).said)
    shown, frames = on_terminal([*command, str(folder / "shown")])
    said = json.loads(first.said)
    explained, unexplained = explain(rejects, made.sent, made.looks)
    left = {"stored": said["stored"], "counted": said["counted"], **said["left"]}
    figures = {
        "lines": lines,
        "lines_per_second": round(lines / first.wall),
        "lines_per_second_of_cpu": round(lines / first.cpu),
        "lines_per_second_as_told": said["lines_per_second"],
        "wall_s": round(first.wall, 1),
        "cpu_s": round(first.cpu, 1),
        "memory_mb": round(first.memory),
        "became": left,
        "bots": dict(said["bots"][:8]),
        "refused": said["refused"],
        "refused_because": explained,
        "bar_drawn": frames,
    }
    faults = {
        "lines_unaccounted": lines - sum(left.values()) - sum(said["refused"].values()),
        "lines_not_read": lines - said["lines"],
        "refused_unexplained": unexplained,
        "views_not_in_reports": said["counted"] - views,
        "again_new": again["lines"],
        "again_unknown": lines - again["before"],
        "again_counted": counted(folder / "data") - views,
        "terminal_differs": int(counted(folder / "shown") != views),
        "no_bar": int(not frames),
    }
    return figures | {"faults": {name: number for name, number in faults.items() if number}, "on_a_terminal": shown}


def run(command: list[str]) -> Done:
    """Run a command to its end, start of the program included."""
    began = os.times().elapsed
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    return Done(said, os.times().elapsed - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1_024)


def on_terminal(command: list[str]) -> tuple[str, int]:
    """Run a command as somebody at a terminal does: what stands there at the end, and how often a bar was drawn."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=theirs, text=True, env=os.environ | {"COLUMNS": "120"}
    )
    os.close(theirs)
    drawn = b""
    with contextlib.suppress(OSError):  # how a terminal tells that nobody writes any more
        while part := os.read(ours, 65_536):
            drawn += part
    os.close(ours)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.decode("utf-8", "replace"))
    frames = [frame.strip() for frame in re.split(r"[\r\n]+", plain) if " a second" in frame]
    return "\n".join([*frames[len(frames) // 2 :][:1], *frames[-1:], said]), len(frames)


def explain(rejects: Path, sent: Counter[str], looks: dict[str, Odd]) -> tuple[dict[str, int], int]:
    """Refused lines by what was sent for them; and how many there are that nothing explains, or too few of."""
    found = Counter[str]()
    unexplained = 0
    for text in rejects.read_text("utf-8").splitlines():
        _, _, reason, line = text.split("\t", 3)
        odd = looks.get(look(line))
        if odd is None or odd.becomes != reason:
            unexplained += 1
        else:
            found[odd.name] += 1
    expected = [odd for odd in ODD if odd.becomes in REASONS]
    return dict(found.most_common()), unexplained + sum(abs(sent[one.name] - found[one.name]) for one in expected)


def look(line: str) -> str:
    """What tells lines apart that nginx writes for odd things: how request, status and referrer begin."""
    return line.partition('] "')[2][:LOOK]


def counted(data: Path) -> int:
    """Views in the reports."""
    with contextlib.closing(sqlite3.connect(data / "telemetry.sqlite")) as connection:
        sql = "select coalesce(sum(views), 0) from rollup where dim = 'page' and grain = 'day'"
        return int(connection.execute(sql).fetchone()[0])


def statuses(*logs: Path) -> dict[str, int]:
    """Lines by the status that nginx answered with."""
    found = Counter[str]()
    for log in logs:
        with log.open("r", encoding="utf-8") as lines:
            found.update(line.partition('] "')[2].partition('" ')[2][:3] for line in lines)
    return dict(found.most_common())


def lines_of(log: Path) -> int:
    opener = gzip.open if log.suffix == ".gz" else open
    with opener(log, "rb") as opened:
        return sum(part.count(b"\n") for part in iter(lambda: opened.read(1 << 20), b""))


if __name__ == "__main__":
    main()
