"""Figures from rows, for combinations that are not counted: what is read, and what a group of rows adds. Pure."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from consent.db import Row
from consent.records.rollup_queries import ACTIONS
from consent.reports import period
from consent.reports.question import Question
from consent.telemetry.rollup import campaign, frequency, versioned

Key = tuple[str, ...]


class Source(NamedTuple):
    """A dimension in rows: the columns that it is made of, and how; an empty value counts under none, where `known`."""

    columns: tuple[str, ...]
    made: Callable[[Row], str]
    known: bool = False


def _plain(column: str, *, known: bool = False) -> Source:
    return Source((column,), lambda row: str(row[column]), known)


RECORDS: Mapping[str, Source] = {
    "country": Source(("region",), lambda row: str(row["region"]).partition("-")[0]),
    "gpc": Source(("gpc",), lambda row: "yes" if row["gpc"] else "no"),
    **{
        name: _plain(name)
        for name in ("region", "language", "regime", "version", "notice", "control", "layer", "widget")
    },
}
STATES = {"purpose": "purposes", "service": "services"}

SESSIONS: Mapping[str, Source] = {
    "browser_version": Source(
        ("browser", "browser_version"),
        lambda row: versioned(row["browser"], row["browser_version"], 1) if row["browser"] else "",
        known=True,
    ),
    "system_version": Source(
        ("system", "system_version"),
        lambda row: versioned(row["system"], row["system_version"], 2) if row["system"] else "",
        known=True,
    ),
    "frequency": Source(("visit",), lambda row: frequency(row["visit"])),
    "campaign": Source(("campaign",), lambda row: campaign(row["campaign"]) if row["campaign"] else "", known=True),
    **{
        name: _plain(name)
        for name in ("source", "browser", "system", "device", "language", "country", "screen", "policy_version")
    },
    **{
        name: _plain(name, known=True)
        for name in ("brand", "region", "isp_domain", "network", "app", "bot", "entry", "exit")
    },
}
VIEWS: Mapping[str, Source] = {
    "page": Source(("host", "path"), lambda row: f"{row['host']}{row['path']}"),
    **{name: SESSIONS[name] for name in ("source", "device", "browser", "screen")},
}

SOURCES: Mapping[str, Mapping[str, Source]] = {
    "consent": RECORDS, "visits": SESSIONS, "visitors": SESSIONS, "pages": VIEWS,
}  # fmt: skip


class Sums(NamedTuple):
    """What rows come to: sums by bucket and values, and of all."""

    lines: dict[tuple[str, Key], dict[str, int]]
    total: dict[str, int]


def readable(asked: Question) -> bool:
    """Whether every dimension asked for is in the rows, and no state without its purpose or service."""
    sources, dims = SOURCES.get(asked.subject, {}), asked.dims
    if asked.subject == "consent":
        if len({"purpose", "service"} & dims) > 1 or ("state" in dims and not {"purpose", "service"} & dims):
            return False
        dims = dims - {"purpose", "service", "state"}
    return bool(sources) and dims <= sources.keys()


def columns(asked: Question) -> tuple[str, ...]:
    """The columns that rows are put together by."""
    sources = SOURCES[asked.subject]
    found = [column for dim in sorted(asked.dims) if dim in sources for column in sources[dim].columns]
    if asked.subject == "consent":
        found += [STATES[dim] for dim in sorted(asked.dims) if dim in STATES]
    return tuple(dict.fromkeys(found))


def summed(asked: Question, groups: Iterable[Row]) -> Sums:
    """What groups of rows come to. Each has `columns`, the subject's columns of numbers, and `at`, the day or hour."""
    names = asked.about.columns
    lines: dict[tuple[str, Key], dict[str, int]] = {}
    total = dict.fromkeys(names, 0)
    for group in groups:
        numbers = {name: group.get(name) or 0 for name in names}
        filtered = frozenset(asked.dims if "state" in asked.filter else asked.filter)
        if any(_facts(asked, group, filtered)):
            total = {name: number + numbers[name] for name, number in total.items()}
        for fact in _facts(asked, group, asked.dims):
            if any(dim not in fact for dim in asked.by):
                continue
            bucket = period.name(asked.grain, group["at"]) if asked.grain else ""
            place = (bucket, tuple(fact[dim] for dim in asked.by))
            line = lines.setdefault(place, dict.fromkeys(names, 0))
            for name, number in numbers.items():
                line[name] += number
    return Sums(lines, total)


def action_sums(rows: Iterable[Row]) -> Iterator[Row]:
    """Groups with a column for each action, of groups by action."""
    for row in rows:
        yield {**row, **{action: row["n"] if row["action"] == action else 0 for action in ACTIONS}}


def _facts(asked: Question, group: Row, dims: frozenset[str]) -> Iterator[dict[str, str]]:
    """What a group counts under by these dimensions, as far as the filters let it through."""
    fact = {"": ""}
    for dim, source in SOURCES[asked.subject].items():
        if dim in dims:
            value = source.made(group)
            if value or not source.known:
                fact[dim] = value
    for one in _with_states(group, fact, [dim for dim in STATES if asked.subject == "consent" and dim in dims]):
        if all(one.get(dim) in values for dim, values in asked.filter.items()):
            yield one


def _with_states(group: Row, fact: dict[str, str], special: list[str]) -> Iterator[dict[str, str]]:
    if not special:
        yield fact
    for dim in special:
        for key, state in _read(group[STATES[dim]]).items():
            yield {**fact, dim: key, "state": state}


@lru_cache(maxsize=1_024)
def _read(text: str) -> dict[str, str]:
    """The states by key; many records say the same."""
    found: dict[str, str] = json.loads(text)
    return found
