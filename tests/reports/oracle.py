"""Answers to questions about choices in the plainest way: every record is looked at, one after the other."""

import json
from collections import defaultdict
from datetime import UTC, datetime

from consent.db import Row
from consent.reports.question import Question
from tests.reports.world import ACTIONS

Sums = dict[tuple[str, ...], dict[str, int]]


def bucket(grain: str, time: int) -> str:
    moment = datetime.fromtimestamp(time / 1000, UTC)
    formats = {"hour": "%Y-%m-%dT%H:00Z", "day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}
    return moment.strftime(formats[grain])


def facts(row: Row) -> list[dict[str, str]]:
    """What a record is counted under; several times where it has several purposes and services."""
    plain = {name: str(row[name]) for name in ("language", "regime", "version", "notice", "control", "layer", "widget")}
    plain |= {
        "region": row["region"],
        "country": row["region"].split("-")[0],
        "gpc": "yes" if row["gpc"] else "no",
        "browser": row["seen"].browser,
        "device": row["seen"].device,
    }
    found = [plain]
    found += [{**plain, "purpose": key, "state": state} for key, state in json.loads(row["purposes"]).items()]
    found += [{**plain, "service": key, "state": state} for key, state in json.loads(row["services"]).items()]
    return found


def sums(question: Question, rows: list[Row]) -> Sums:
    """Numbers by action of every line."""
    found: Sums = defaultdict(lambda: dict.fromkeys(ACTIONS, 0))
    dims = question.dims
    special = {"purpose", "service", "state"} & dims
    for row in rows:
        if not question.period.start <= row["time"] < question.period.end:
            continue
        for fact in facts(row):
            if special - fact.keys() or (not special and {"purpose", "service"} & fact.keys()):
                continue
            if any(fact[dim] not in values for dim, values in question.filter.items()):
                continue
            key = tuple(fact[dim] for dim in question.by)
            if question.grain:
                key = (bucket(question.grain, row["time"]), *key)
            found[key][row["action"]] += 1
    return dict(found)
