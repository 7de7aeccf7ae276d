"""Notices in the store: what was shown, by hash, the code that showed it, how often. None is ever deleted."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from consent.db import Database, Row, Statement
from consent.policy.queries import Version

Kind = Literal["layers", "form"]

LISTED = 1_000
"""Notices of a site in one list, the newest first."""

COUNTED = 10_000
"""Rows of counts that one answer sums up."""


class Notice(msgspec.Struct, frozen=True):
    """What one language's layers, or the page with the form, show; `body` is what `hash` is over, `first` is in ms."""

    hash: str
    kind: Kind
    language: str
    body: str
    first: int = 0


class Code(msgspec.Struct, frozen=True):
    """The built scripts that showed a notice; `hash` is over their texts, one after the other."""

    hash: str
    bootstrap: str
    banner: str
    preferences: str


class Listed(msgspec.Struct, frozen=True):
    """A notice in a list: which versions showed it, from when on (ms), and how often where that may be counted."""

    hash: str
    kind: Kind
    language: str
    first: int
    versions: list[int]
    shown: int


class Count(msgspec.Struct, frozen=True):
    """How often a notice was shown on a day (since 1970, UTC)."""

    day: int
    notice: str
    layer: int
    regime: str
    language: str
    device: str
    shown: int


async def keep(db: Database, version: Version, notices: Sequence[Notice], code: Code, now: int) -> None:
    """Store what a version shows, and the code that shows it. What is there already stays as it is."""
    await db.batch(
        [
            Statement(
                "insert into notice_code (site_id, hash, bootstrap, banner, preferences, first)"
                " values (0, :hash, :bootstrap, :banner, :preferences, :first) on conflict (site_id, hash) do nothing",
                [{**_row(code), "first": now}],
            ),
            Statement(
                "insert into notice (site_id, hash, kind, language, body, first)"
                " values (:site_id, :hash, :kind, :language, :body, :first) on conflict (site_id, hash) do nothing",
                [{**_row(notice), "site_id": version.site_id, "first": now} for notice in notices],
            ),
            Statement(
                "insert into notice_version (site_id, hash, version, first) values (:site_id, :hash, :version, :first)"
                " on conflict (site_id, hash, version) do nothing",
                [
                    {"site_id": version.site_id, "hash": n.hash, "version": version.version, "first": now}
                    for n in notices
                ],
            ),
        ]
    )


async def of_version(db: Database, site_id: int, version: int) -> set[str]:
    """The hashes of what a version is known to show."""
    rows = await db.fetch(
        "select hash from notice_version where site_id = :site_id and version = :version",
        site_id=site_id, version=version,
    )  # fmt: skip
    return {row["hash"] for row in rows}


async def is_shown(db: Database, site_id: int, version: int, notice: str) -> bool:
    """Whether a version of a site ever showed a notice."""
    row = await db.fetch_one(
        "select first from notice_version where site_id = :site_id and hash = :hash and version = :version",
        site_id=site_id, hash=notice, version=version,
    )  # fmt: skip
    return row is not None


async def by_hash(db: Database, site_id: int, notice: str) -> Notice | None:
    """A notice as it was stored."""
    row = await db.fetch_one(
        "select hash, kind, language, body, first from notice where site_id = :site_id and hash = :hash",
        site_id=site_id, hash=notice,
    )  # fmt: skip
    return msgspec.convert(row, Notice) if row else None


async def holders(db: Database, notice: str) -> list[int]:
    """The numbers of the sites that showed a notice; no two sites show the same."""
    rows = await db.fetch("select site_id from notice where hash = :hash order by site_id", hash=notice)
    return [row["site_id"] for row in rows]


async def versions(db: Database, site_id: int, notice: str) -> dict[int, int]:
    """Which versions showed a notice, with the moment (ms) from which they did."""
    rows = await db.fetch(
        "select version, first from notice_version where site_id = :site_id and hash = :hash order by version",
        site_id=site_id, hash=notice,
    )  # fmt: skip
    return {row["version"]: row["first"] for row in rows}


async def code(db: Database, version: str) -> Code | None:
    """The scripts of one code version."""
    row = await db.fetch_one(
        "select hash, bootstrap, banner, preferences from notice_code where site_id = 0 and hash = :hash", hash=version
    )
    return msgspec.convert(row, Code) if row else None


async def listed(db: Database, site_id: int, *, counted: bool = False) -> list[Listed]:
    """The notices of a site, the newest first. `counted`: with how often each was shown, which reads all its counts."""
    rows = await db.fetch(
        "select n.hash, n.kind, n.language, n.first, v.version from notice n"
        " join notice_version v on v.site_id = n.site_id and v.hash = n.hash"
        " where n.site_id = :site_id order by n.first desc, n.language, n.hash, v.version limit :limit",
        site_id=site_id, limit=LISTED,
    )  # fmt: skip
    counts = await _sums(db, site_id) if counted else []
    shown = {row["notice"]: int(row["shown"]) for row in counts}
    found: dict[str, Listed] = {}
    for row in rows:
        one = found.setdefault(
            row["hash"],
            Listed(row["hash"], row["kind"], row["language"], row["first"], [], shown.get(row["hash"], 0)),
        )
        one.versions.append(row["version"])
    return list(found.values())


async def _sums(db: Database, site_id: int) -> list[Row]:
    return await db.fetch(
        "select notice, sum(shown) as shown from shown_day where site_id = :site_id group by notice", site_id=site_id
    )


async def add_shown(db: Database, counts: Mapping[tuple[int, Count], int]) -> None:
    """Add to the counts of days; `shown` of each key is not looked at, its value is what is added."""
    await db.execute_many(
        "insert into shown_day (site_id, day, notice, layer, regime, language, device, shown)"
        " values (:site_id, :day, :notice, :layer, :regime, :language, :device, :shown)"
        " on conflict (site_id, day, notice, layer, regime, language, device)"
        " do update set shown = shown_day.shown + excluded.shown",
        [{**_row(count), "site_id": site_id, "shown": number} for (site_id, count), number in counts.items()],
    )


async def shown(db: Database, site_id: int, notice: str) -> list[Count]:
    """How often a notice was shown, by day, layer, regime, language and kind of device, the newest day first."""
    rows = await db.fetch(
        "select day, notice, layer, regime, language, device, shown from shown_day"
        " where site_id = :site_id and notice = :notice"
        " order by day desc, layer, regime, language, device limit :limit",
        site_id=site_id, notice=notice, limit=COUNTED,
    )  # fmt: skip
    return [msgspec.convert(row, Count) for row in rows]


def _row(made: msgspec.Struct) -> dict[str, str | int | bool | None]:
    return {name: getattr(made, name) for name in made.__struct_fields__}
