"""The world that the fill of a bench draws from: skewed like real traffic, and the same for the same seed."""

from __future__ import annotations

import sqlite3
from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

HOUR, DAY = 3_600_000, 86_400_000
DAYS = 365
MOST = "shop"
SITES = (MOST, *(f"small-{number:02}" for number in range(1, 21)))
SHARE = 0.8
"""Of all rows, those of the one site that has most; the twenty others share the rest."""

REGIONS = {"US": ("US-CA", "US-TX", "US-NY", "US-FL", "US-CO"), "CH": ("CH",), "GB": ("GB",)}
COUNTRIES = {
    "DE": 300, "FR": 160, "GB": 120, "US": 110, "IT": 60, "ES": 60, "NL": 45, "PL": 40, "CH": 35, "AT": 30, "BE": 20,
    "SE": 12, "DK": 10, "PT": 10, "CZ": 8, "IE": 8, "FI": 6, "NO": 6, "GR": 5, "HU": 5, "RO": 5, "CA": 5, "AU": 4,
    "JP": 3, "BR": 3, "IN": 3, "TR": 2, "MX": 2, "ZA": 1, "KR": 1, "LU": 1, "EE": 1, "LV": 1, "LT": 1, "SK": 1,
}  # fmt: skip
LANGUAGE = {"DE": "de", "AT": "de", "CH": "de", "FR": "fr", "BE": "fr", "IT": "it", "ES": "es", "MX": "es",
            "NL": "nl", "PL": "pl", "PT": "pt", "BR": "pt"}  # fmt: skip
BROWSERS = {
    ("Chrome", "131", "Windows", "10", "desktop", "", ""): 250,
    ("Chrome Mobile", "131", "Android", "14", "mobile", "Samsung", "SM-S921B"): 240,
    ("Mobile Safari", "18.1", "iOS", "18.1", "mobile", "Apple", "iPhone"): 220,
    ("Safari", "18.1", "Mac OS X", "", "desktop", "Apple", "Mac"): 70,
    ("Firefox", "132", "Windows", "10", "desktop", "", ""): 60,
    ("Edge", "131", "Windows", "10", "desktop", "", ""): 60,
    ("Samsung Internet", "27.0", "Android", "14", "mobile", "Samsung", "SM-A546B"): 30,
    ("Mobile Safari", "17.6", "iOS", "17.6", "tablet", "Apple", "iPad"): 25,
    ("Chrome", "130", "Linux", "", "desktop", "", ""): 15,
    ("Firefox", "131", "Ubuntu", "", "desktop", "", ""): 12,
    ("Opera", "114", "Windows", "10", "desktop", "", ""): 10,
    ("Chrome", "129", "Chrome OS", "", "desktop", "", ""): 4,
    ("Firefox Mobile", "132", "Android", "13", "mobile", "Google", "Pixel 8"): 4,
}  # fmt: skip
SOURCES = {
    "": 400, "www.google.com": 300, "www.bing.com": 40, "duckduckgo.com": 25, "t.co": 20, "www.facebook.com": 45,
    "www.instagram.com": 30, "www.linkedin.com": 12, "www.youtube.com": 15, "news.example.org": 8, "www.idealo.de": 25,
    **{f"blog-{number:02}.example.net": 3 for number in range(30)},
}  # fmt: skip
NETWORKS = {
    (3320, "Deutsche Telekom AG", "t-ipconnect.de"): 25, (3209, "Vodafone GmbH", "vodafone-ip.de"): 15,
    (3215, "Orange S.A.", "wanadoo.fr"): 14, (12322, "Free SAS", "proxad.net"): 8, (7922, "Comcast", "comcast.net"): 7,
    (2856, "British Telecom", "btcentralplus.com"): 8, (3303, "Swisscom", "swisscom.ch"): 3,
    (1136, "KPN", "kpn.net"): 4,
    (5617, "Orange Polska", "tpnet.pl"): 4, (3269, "Telecom Italia", "telecomitalia.it"): 5,
    (3352, "Telefonica", "rima-tde.net"): 5, (8447, "A1 Telekom Austria", "highway.telekom.at"): 3,
}  # fmt: skip
PAGES = {f"/{kind}/{number:03}": 1000 // (number + 1) + 1 for kind in ("lamps", "lights", "help")
         for number in range(100)}  # fmt: skip


class Drawn(Generic[T]):
    """Draws by weight, many at a time."""

    def __init__(self, weights: dict[T, int]) -> None:
        self._values = list(weights)
        self._sums = list(accumulate(weights.values()))

    def one(self, rng: Random) -> T:
        return self._values[bisect(self._sums, rng.random() * self._sums[-1])]


class Hour(NamedTuple):
    """An hour of the year with the number of rows that begin in it."""

    start: int
    rows: int


def hours(total: int, end: int) -> Iterator[Hour]:
    """The hours of the year that ends at `end` (ms), with `total` rows: more by day, on week days and of late."""
    first = (end - DAYS * DAY) // HOUR * HOUR
    starts = range(first, first + DAYS * DAY, HOUR)
    weights = [_busy(start, (start - first) / (DAYS * DAY)) for start in starts]
    scale, given, owed = total / sum(weights), 0, 0.0
    for start, weight in zip(starts, weights, strict=True):
        owed += weight * scale
        rows = min(total, round(owed)) - given
        given += rows
        yield Hour(start, rows)


def _busy(start: int, through: float) -> float:
    moment = datetime.fromtimestamp(start / 1000, UTC)
    by_day = (2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 13, 13, 12, 12, 12, 12, 12, 13, 15, 17, 17, 14, 9, 5)[moment.hour]
    return by_day * (0.7 if moment.weekday() >= 5 else 1.0) * (0.7 + 0.6 * through)


def shares(total: int) -> dict[str, int]:
    """The rows of each site."""
    small = round(total * (1 - SHARE) / (len(SITES) - 1))
    return {MOST: total - small * (len(SITES) - 1), **dict.fromkeys(SITES[1:], small)}


def bulk(file: Path) -> sqlite3.Connection:
    """A connection that loads fast; what was half loaded when the power went is thrown away anyhow."""
    db = sqlite3.connect(file, isolation_level=None)
    for pragma in ("journal_mode = off", "synchronous = off", "locking_mode = exclusive", "cache_size = -200000",
                   "temp_store = file", "foreign_keys = off"):  # fmt: skip
        db.execute(f"pragma {pragma}")
    return db


def taken_off(db: sqlite3.Connection, *tables: str) -> list[str]:
    """Drop the indexes of tables, and return what makes them again: sorting once is faster than finding each place."""
    sql = "select name, sql, tbl_name from sqlite_schema where type = 'index' and sql is not null"
    found = [(name, sql) for name, sql, table in db.execute(sql) if table in tables]
    for name, _ in found:
        db.execute(f"drop index {name}")
    return [sql for _, sql in found]


def inserting(table: str, columns: tuple[str, ...]) -> str:
    """The insert of rows of these columns."""
    return f"insert into {table} ({', '.join(columns)}) values ({', '.join('?' * len(columns))})"
