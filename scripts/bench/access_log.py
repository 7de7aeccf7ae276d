"""Makes an access log in the combined format to measure `consent import-log` with: GENERATED, not a real server's.

Its visits are also what `nginx_log` has a real server asked for.

Visits of three to twenty requests (pages with their assets), by user agents that browsers, devices and bots really
sent (tests/visitors/published, crawler-user-agents), from addresses that are set apart for documentation; one line in
250 is broken in a way that real logs are. The same number of lines and seed make the same file.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from heapq import heappop, heappush
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from tests.visitors.cases import browsers

BEGAN = 1_790_000_000  # 21 September 2026
PAGES = ["/", "/lamps/", "/chairs/", "/tables/", "/about", "/contact", "/blog/", "/search?q=lamp", "/basket", "/legal/"]
PAGES += [
    f"/{room}/{name}-{number}"
    for room in ("lamps", "chairs", "tables")
    for name in ("oak", "brass", "linen", "glass")
    for number in range(1, 13)
]
ASSETS = ["/static/site.css", "/static/site.js", "/static/logo.svg", "/fonts/sans.woff2", "/img/hero.webp"]
PROBES = ["/wp-login.php", "/.env", "/.git/config", "/xmlrpc.php", "/admin/", "/phpmyadmin/index.php"]
SOURCES = ["-"] * 5 + ["https://www.google.com/", "https://www.bing.com/", "https://duckduckgo.com/"]
SOURCES += ["https://news.example/a/12", "https://m.facebook.com/", "https://www.google.com/search?q=oak+lamp"]
BROKEN = [
    '192.0.2.1 - - [21/Sep/2026:12:00:00 +0000] "\\x16\\x03\\x01\\x02\\x00\\x01" 400 150 "-" "-"',
    '192.0.2.1 - - [21/Sep/2026:12:00:00 +0000] "-" 408 0 "-" "-"',
    '192.0.2.1 - - [21/Sep/2026:12:00:00 +0000] "GET /lamps/ HTTP/1.1" 200 512 "-" "Mozilla/5.0 (Wind',
    "\x00" * 40,
    "",
    '192.0.2.1 - - [33/Sep/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 512 "-" "curl/8.5"',
]


class Visit(NamedTuple):
    """Who comes: address, user agent, from where, and what is asked for."""

    address: str
    agent: str
    source: str
    targets: list[str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args()
    make(options.file, options.lines, options.seed)


def make(file: Path, number: int, seed: int) -> None:
    """Write so many lines."""
    with file.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(f"{text}\n" for text in islice(lines(random.Random(seed)), number))


def lines(chance: random.Random) -> Iterator[str]:
    """Lines in the order of time, without end: visits overlap as they do."""
    people, bots = agents(chance)
    going: list[tuple[float, int, int, Visit]] = []
    at, numbers = float(BEGAN), count()
    while True:
        at += chance.expovariate(0.35)
        heappush(going, (at, next(numbers), 0, visit(chance, people, bots)))
        while going and going[0][0] <= at:
            moment, number, step, who = heappop(going)
            yield line(chance, moment, step, who)
            if chance.random() < 0.004:
                yield chance.choice(BROKEN)
            if step + 1 < len(who.targets):
                heappush(going, (moment + pause(chance, who.targets[step + 1]), number, step + 1, who))


def agents(chance: random.Random) -> tuple[list[str], list[str]]:
    """User agents of people and of bots, the first ones far more often than the last, as everywhere."""
    known = sorted(set(browsers()))
    people = [text for text in chance.sample(known, 6_000) if '"' not in text]
    bots = [text for one in CRAWLER_USER_AGENTS_DATA for text in one["instances"]]
    return people, sorted(bots)


def visit(chance: random.Random, people: list[str], bots: list[str]) -> Visit:
    kind = chance.random()
    texts = people if kind > 0.25 else bots
    agent = texts[int(len(texts) * chance.random() ** 3)]
    if kind < 0.03:
        return Visit(address(chance), agent, "-", chance.sample(PROBES, 4))
    if kind <= 0.25:
        return Visit(address(chance), agent, "-", ["/robots.txt", *chance.sample(PAGES, chance.randint(2, 12))])
    pages = chance.choices(PAGES, k=1 + int(chance.expovariate(0.5)))
    targets = [one for page in pages for one in (page, *chance.sample(ASSETS, chance.randint(0, 5)))]
    return Visit(address(chance), agent, chance.choice(SOURCES), targets)


def address(chance: random.Random) -> str:
    """One of RFC 5737's and RFC 3849's."""
    if chance.random() < 0.3:
        return f"2001:db8:{chance.randrange(65_536):x}:{chance.randrange(65_536):x}::{chance.randrange(1, 65_536):x}"
    return f"{chance.choice(('192.0.2', '198.51.100', '203.0.113'))}.{chance.randrange(1, 255)}"


def pause(chance: random.Random, target: str) -> float:
    return chance.uniform(0.01, 0.4) if target in ASSETS else chance.expovariate(1 / 40)


def line(chance: random.Random, moment: float, step: int, who: Visit) -> str:
    target = who.targets[step]
    stamp = datetime.fromtimestamp(int(moment), UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
    status = 404 if target in PROBES else chance.choices((200, 304, 301, 404, 500), (900, 60, 20, 15, 5))[0]
    referrer = who.source if step == 0 else f"https://shop.example{who.targets[0]}"
    method = "POST" if target == "/basket" and chance.random() < 0.3 else "GET"
    agent = who.agent.replace("\\", "\\\\").replace('"', '\\"')
    size = chance.randrange(200, 60_000)
    return f'{who.address} - - [{stamp}] "{method} {target} HTTP/1.1" {status} {size} "{referrer}" "{agent}"'


if __name__ == "__main__":
    main()
