"""User agents: how far we agree with published cases, how many bots are found, and how fast that is.

Prints tables; with --json one object. Speeds are parses a second of CPU time, both in this process and run, in turns;
the yardstick is the user-agents package as it comes.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import user_agents
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from ua_parser import user_agent_parser

from consent.visitors.agent import _agent, agent
from consent.visitors.bots import bot
from tests.visitors.cases import HINTED, browsers, of, spiders

ROUNDS = 5
SAMPLE = 300
LATER = (b"", b"", b"")
BRANDS = b'"Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    figures = {"agreement": agreement(), "bots": bots(), "speed": speed()}
    if parser.parse_args().json:
        print(json.dumps(figures))
        return
    table("Agreement (uap-core 0.18.0; hints: 42 cases of Matomo device-detector)", figures["agreement"])
    table("Bots", figures["bots"])
    table("Parses a second of CPU time", figures["speed"])


def agreement() -> list[dict[str, Any]]:
    """Cases, and those that agree, of each list."""
    rows = []
    for kind in ("browser", "system", "device"):
        for source in dict.fromkeys(case.source for case in of(kind)):
            if source == "pgts_browser_list":  # its families are those of 2012; the strings are used for bots and speed
                continue
            cases = of(kind, source)
            rows.append(_share(f"{kind}: {source}", sum(case.found == case.said for case in cases), len(cases)))
    differ = [case.differs(agent(case.headers(), high_entropy=True)) for case in HINTED]
    for word in ("browser", "version", "system", "system_version", "device"):
        rows.append(_share(f"hints: {word}", sum(word not in words for words in differ), len(differ)))
    return rows


def bots() -> list[dict[str, Any]]:
    """Recall on lists of bots, false alarms on lists of browsers; beside it what the package alone says."""
    listed = [text for one in CRAWLER_USER_AGENTS_DATA for text in one["instances"]]
    people = list(browsers())
    rows = []
    for name, texts in (
        ("found: crawler-user-agents (also the source of patterns)", listed),
        ("found: uap-core's spiders", spiders()),
        ("false alarms: uap-core's devices and browsers", people),
    ):
        ours = sum(agent([(b"user-agent", text.encode())]).device == "bot" for text in texts)
        own = sum(bool(bot(text)) for text in texts)
        sample = random.Random(3).sample(texts, min(len(texts), 1_500))
        plain = sum(user_agents.parse(text).is_bot for text in sample) / len(sample)
        rows.append({**_share(name, ours, len(texts)), "by patterns alone": own, "user_agents": f"{plain:.2%}"})
    return rows


def speed() -> list[dict[str, Any]]:
    """Uncached and cached, for four kinds of strings."""
    chrome = (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
    )
    kinds = {
        "Chrome, 300 versions": [chrome.format(number) for number in range(100, 100 + SAMPLE)],
        "uap-core pgts list": _sample("browser", "pgts_browser_list"),
        "uap-core test_device": _sample("device", "test_device"),
        "uap-core test_ua": _sample("browser", "test_ua"),
    }
    rows = []
    for name, texts in kinds.items():
        raw = [text.encode() for text in texts]
        ours = lambda raw=raw: [_agent.__wrapped__(text, *LATER) for text in raw]  # noqa: E731
        plain = lambda texts=texts: [_plain(text) for text in texts]  # noqa: E731
        rows.append(_against(f"uncached: {name}", ours, plain, len(texts)))
    text = kinds["Chrome, 300 versions"][0]
    headers = [(b"host", b"example.com"), (b"user-agent", text.encode()), (b"accept", b"*/*"), (b"sec-ch-ua", BRANDS)]
    again = range(20_000)
    cached, known = lambda: [agent(headers) for _ in again], lambda: [user_agents.parse(text) for _ in again]
    rows.append(_against("cached: from headers, hints too", cached, known, len(again)))
    key = (text.encode(), BRANDS, b"", b"")
    rows.append(_against("cached: from the headers' values", lambda: [_agent(*key) for _ in again], known, len(again)))
    return rows


def _plain(text: str) -> Any:
    user_agent_parser._PARSE_CACHE.clear()
    return user_agents.parse(text)


def _sample(kind: str, source: str) -> list[str]:
    return [case.text for case in random.Random(5).sample(of(kind, source), SAMPLE)]


def _against(name: str, ours: Callable[[], Any], plain: Callable[[], Any], size: int) -> dict[str, Any]:
    """The best of some rounds each, in turns: what disturbs a round disturbs neither more."""
    best = [float("inf"), float("inf")]
    ours(), plain()
    for _ in range(ROUNDS):
        for index, work in enumerate((ours, plain)):
            began = time.process_time()
            work()
            best[index] = min(best[index], (time.process_time() - began) / size)
    return {
        "": name,
        "ours": f"{1 / best[0]:,.0f}",
        "user_agents.parse": f"{1 / best[1]:,.0f}",
        "times": round(best[1] / best[0], 1),
    }


def _share(name: str, part: int, whole: int) -> dict[str, Any]:
    return {"": name, "cases": whole, "of them": part, "share": f"{part / whole:.2%}"}


def table(title: str, rows: Sequence[dict[str, Any]]) -> None:
    head = list(rows[0])
    width = {key: max(len(key), *(len(str(row[key])) for row in rows)) for key in head}
    print(f"\n{title}")
    for row in [dict(zip(head, head, strict=True)), *rows]:
        print(
            "  ".join(str(row[key]).ljust(width[key]) if not key else str(row[key]).rjust(width[key]) for key in head)
        )


if __name__ == "__main__":
    main()
