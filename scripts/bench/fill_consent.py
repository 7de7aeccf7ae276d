"""A year of consent records with receipts, valid logs (leaves, tiles, signed heads) and rollups, site by site."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from base64 import b64encode, urlsafe_b64encode
from collections import Counter, deque
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import NamedTuple

from fill_world import (
    BROWSERS,
    COUNTRIES,
    DAY,
    DAYS,
    HOUR,
    LANGUAGE,
    REGIONS,
    SITES,
    Drawn,
    Hour,
    bulk,
    hours,
    inserting,
    shares,
    taken_off,
)  # fmt: skip

from consent.catalogue.service import load_catalogue
from consent.config import Config
from consent.db import Database
from consent.db.place import prepare
from consent.db.sqlite import open_sqlite
from consent.delivery.notices import publish
from consent.ledger.leaf import commitment
from consent.ledger.sequencer import Log, sequencer
from consent.ledger.tail import Leaf, Tail, grow
from consent.policy.policy import parse
from consent.policy.resolved import resolve
from consent.records import evidence, identifier
from consent.records.identifier import Stamp
from consent.records.question import ACTIONS
from consent.records.rollup import Cell, Seen, cells
from consent.records.rollup import shares as alike
from consent.sites import queries as sites
from consent.sites import tokens

RECORD = inserting(
    "consent_record",
    ("site_id", "id", "key", "digest", "receipt", "time", "action", "control", "layer", "language", "notice", "version",
     "purposes", "services", "regime", "region", "gpc", "client_time", "widget", "salt", "epoch", "leaf"),
)  # fmt: skip
RECEIPT = inserting("receipt", ("site_id", "id", "write_hash", "created"))
ROLLUP = inserting("consent_rollup", ("site_id", "dim", "grain", "kind", "bucket", "val", "also", *ACTIONS))
PUBLISHED = (0, 45, 110, 190, 260, 330)
"""Days of the year on which a version is published; the small sites publish the first only."""

SERVICES = ("google-analytics", "hotjar", "meta-pixel", "youtube", "google-maps", "linkedin-insight", "livechat",
            "pinterest-save", "x-widgets")  # fmt: skip
POLICY = """site = "{site}"
origins = ["https://{site}.example"]
languages = ["en", "de", "fr", "es", "it", "nl", "pl", "pt"]
[controller]
name = "Lamps & Light"
address = "1 Example Street, Example Town"
email = "privacy@{site}.example"
privacy_url = "/privacy"
imprint_url = "/imprint"
[telemetry]
days = 760
"""
"""Rows of visits are kept for longer than the year, or the service would begin to delete them."""
_NOTICES = (
    "select n.language, n.hash from notice n join notice_version v on v.site_id = n.site_id and v.hash = n.hash"
    " where n.site_id = :site_id and v.version = :version and n.kind = 'layers'"
)
_ANSWERS = Drawn(
    {
        ("given", "accept", 1, 1.0): 45,
        ("refused", "reject", 1, 0.0): 30,
        ("partly", "save", 2, 0.5): 9,
        ("refused", "save", 2, 0.0): 4,
        ("changed", "save", 2, 0.5): 5,
        ("withdrawn", "withdraw", 0, 0.0): 3,
        ("refused", "default", 0, 0.0): 4,
    }
)
"""Action, control, layer, and how likely each purpose is granted."""

KINDS = 4_000
CHUNK = 8_192


class Version(NamedTuple):
    """A published version as records name it."""

    number: int
    since: int
    hash: str
    scope: str
    purposes: list[str]
    services: list[str]
    notices: dict[str, str]


class Shop(NamedTuple):
    """A site to be filled: its versions, oldest first, and its log, which is empty."""

    site_id: int
    key: str
    versions: list[Version]
    tail: Tail


class Kind(NamedTuple):
    """What a record says but for its own time and names: many records are of one kind."""

    action: str
    control: str
    layer: int
    language: str
    notice: str
    version: int
    purposes: str
    services: str
    regime: str
    region: str
    gpc: bool
    widget: str
    browser: str
    device: str


def fill(data: Path, records: int, seed: int, end: int) -> None:
    """Fill the store of a folder with so many records of the year that ends at `end` (ms)."""
    started = time.perf_counter()
    shops = asyncio.run(_publish(data, end))
    db = bulk(data / "consent.sqlite")
    indexes = taken_off(db, "consent_record")
    for shop in shops:
        _Year(db, shop, Random(f"{seed} {shop.key}")).fill(shares(records)[shop.key], end)
    for sql in indexes:
        db.execute(sql)
    db.close()
    seconds = time.perf_counter() - started
    print(f"{records:,} consent records in {seconds:.0f} s, {records / seconds:,.0f} a second", flush=True)


async def _publish(data: Path, end: int) -> list[Shop]:
    """The sites with their policies and logs."""
    await asyncio.to_thread(prepare, data)
    db = await open_sqlite(data / "consent.sqlite")
    try:
        return [await _shop(db, data, key, (end - DAYS * DAY) // HOUR * HOUR - HOUR) for key in SITES]
    finally:
        await db.close()


async def _shop(db: Database, data: Path, key: str, first: int) -> Shop:
    site = await sites.add(db, key, first)
    await tokens.ensure(db, data, site, first)
    versions = []
    for number, day in enumerate(PUBLISHED if key == SITES[0] else PUBLISHED[:1]):
        text = POLICY.format(site=key) + "".join(f"[services.{name}]\n" for name in SERVICES[: 4 + number])
        resolved = resolve(parse(text), load_catalogue())
        version = await publish(db, site.site_id, resolved, first + day * DAY)
        rows = await db.fetch(_NOTICES, site_id=site.site_id, version=version.version)
        versions.append(
            Version(
                number=version.version,
                since=version.published,
                hash=version.hash,
                scope=version.scope,
                purposes=[one.key for one in resolved.purposes if not one.required],
                services=[one.key for one in resolved.services if not resolved.is_necessary(one)],
                notices={row["language"]: row["hash"] for row in rows},
            )
        )
    tail = await sequencer(db, Config(data=data)).tail(Log(site.site_id, key))
    return Shop(site.site_id, key, versions, tail)


class _Year:
    """One site's year: rows are made in the order of time, and let go of in chunks."""

    def __init__(self, db: sqlite3.Connection, shop: Shop, rng: Random) -> None:
        self._db = db
        self._shop = shop
        self._rng = rng
        self._tail = shop.tail
        self._records: list[tuple[object, ...]] = []
        self._receipts: list[tuple[object, ...]] = []
        self._leaves: list[Leaf] = []
        self._earlier: deque[str] = deque(maxlen=5_000)
        self._day: dict[Cell, list[int]] = {}

    def fill(self, rows: int, end: int) -> None:
        """Make so many records of the year that ends at `end` (ms)."""
        self._db.execute("begin")
        waiting = deque(self._shop.versions)
        version = waiting.popleft()
        kinds = kinds_of(version, self._rng)
        for hour in hours(rows, end):
            if waiting and waiting[0].since <= hour.start:
                version = waiting.popleft()
                kinds = kinds_of(version, self._rng)
            if hour.start // HOUR % 24 == 0:
                self._end_day(hour.start // DAY - 1)
            self._fill_hour(hour, version, kinds)
        self._end_day((end - 1) // DAY)
        self._flush()
        self._db.execute("commit")

    def _fill_hour(self, hour: Hour, version: Version, kinds: Drawn[Kind]) -> None:
        rng, count = self._rng, Counter[Kind]()
        for number, offset in enumerate(sorted(rng.randrange(HOUR) for _ in range(hour.rows))):
            kind = kinds.one(rng)
            count[kind] += 1
            self._add(kind, version, hour.start + offset, number & 0xFFF)
        if len(self._records) >= CHUNK:
            self._flush()
        self._end_hour(hour, count)

    def _add(self, kind: Kind, version: Version, moment: int, number: int) -> None:
        rng, site_id = self._rng, self._shop.site_id
        made = identifier.uuid7(Stamp(moment, number), rng.randbytes(8))
        receipt = identifier.compact(made)
        if kind.action in ("changed", "withdrawn") and self._earlier:
            receipt = self._earlier[rng.randrange(len(self._earlier))]
        else:
            self._receipts.append((site_id, receipt, rng.randbytes(32).hex(), moment))
            if kind.action != "refused":
                self._earlier.append(receipt)
        row = {
            "id": identifier.text(made), "receipt": receipt, "time": moment, "action": kind.action,
            "control": kind.control, "layer": kind.layer, "language": kind.language, "notice": kind.notice,
            "version": version.number, "purposes": kind.purposes, "services": kind.services, "regime": kind.regime,
            "region": kind.region, "gpc": kind.gpc, "client_time": moment - 300, "widget": kind.widget,
        }  # fmt: skip
        salt = rng.randbytes(32)
        said = evidence.canonical(row, self._shop.key, {"hash": version.hash, "scope": version.scope})
        leaf = self._tail.edge.size + len(self._leaves)
        self._leaves.append(Leaf(kind.action, moment // 1_000, b64encode(commitment(salt, said)).decode()))
        key = urlsafe_b64encode(rng.randbytes(16))[:22].decode()
        self._records.append(
            (site_id, row["id"], key, rng.randbytes(32).hex(), receipt, moment, kind.action, kind.control, kind.layer,
             kind.language, kind.notice, version.number, kind.purposes, kind.services, kind.regime, kind.region,
             kind.gpc, moment - 300, kind.widget, b64encode(salt).decode(), self._tail.epoch, leaf)
        )  # fmt: skip

    def _flush(self) -> None:
        growth = grow(self._tail, self._leaves)
        for statement in growth.statements:
            self._db.executemany(statement.sql, statement.rows)
        self._db.executemany(RECEIPT, sorted(self._receipts))
        self._db.executemany(RECORD, self._records)
        self._tail = growth.tail
        for rows in (self._records, self._receipts, self._leaves):
            rows.clear()

    def _end_hour(self, hour: Hour, count: Counter[Kind]) -> None:
        """Add up what the product's own rules count of each kind, in the cells of this hour and of the day."""
        found: dict[Cell, list[int]] = {}
        for kind, number in count.items():
            at = ACTIONS.index(kind.action)
            for cell in _cells_of(kind):
                into = self._day if cell.grain == "day" else found
                into.setdefault(cell, [0] * len(ACTIONS))[at] += number
        self._write(found, hour.start // HOUR)

    def _end_day(self, day: int) -> None:
        self._write(self._day, day)
        self._day = {}

    def _write(self, found: dict[Cell, list[int]], bucket: int) -> None:
        rows = [
            (self._shop.site_id, cell.dim, cell.grain, "said", bucket, cell.val, cell.also, *counts)
            for cell, counts in found.items()
        ]
        self._db.executemany(ROLLUP, rows)


@lru_cache(maxsize=8_000)
def _cells_of(kind: Kind) -> list[Cell]:
    """The cells of a record of this kind, of the first hour there was."""
    row = {**kind._asdict(), "time": 0}
    return list(cells(alike([(row, Seen(kind.browser, kind.device))])))


def kinds_of(version: Version, rng: Random) -> Drawn[Kind]:
    """Some thousand kinds of records of a version, with the weights that their places, browsers and answers have."""
    countries, browsers = Drawn(COUNTRIES), Drawn(BROWSERS)
    made = Counter(_kind(version, countries.one(rng), browsers.one(rng), rng) for _ in range(KINDS))
    return Drawn(dict(made))


def _kind(version: Version, country: str, browser: tuple[str, ...], rng: Random) -> Kind:
    region = rng.choice(REGIONS.get(country, (country,)))
    regime = {"US": "us", "GB": "uk", "CH": "ch"}.get(country, "eu")
    action, control, layer, granted = _ANSWERS.one(rng)
    language = LANGUAGE.get(country, "en")
    states = {key: "granted" if rng.random() < granted else "denied" for key in sorted(version.purposes)}
    if action == "partly" and set(states.values()) == {"denied"}:
        states[version.purposes[0]] = "granted"
    if action == "withdrawn":
        states = dict.fromkeys(states, "withdrawn")
    one_by_one = version.services if layer == 2 and rng.random() < 0.2 else []
    services = {key: "granted" if rng.random() < 0.5 else "denied" for key in sorted(one_by_one)}
    return Kind(
        action=action,
        control=control,
        layer=layer,
        language=language,
        notice=version.notices[language] if layer else "",
        version=version.number,
        purposes=json.dumps(states, separators=(",", ":")),
        services=json.dumps(services, separators=(",", ":")),
        regime=regime,
        region=region,
        gpc=rng.random() < (0.15 if "Firefox" in browser[0] else 0.01),
        widget="0.1.0",
        browser=browser[0],
        device=browser[4],
    )
