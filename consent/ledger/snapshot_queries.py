"""A store's file as it is at one moment, read without the service and without memory of its own: for whole logs."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from consent.errors import StoreError

Row = dict[str, Any]

_INDEX = "consent_record_leaf"
_LEAVES = "select leaf, type, time, content from ledger_leaf where site_id = :site_id and epoch = :epoch order by leaf"
_RECORDS = (
    "select r.*, v.hash, v.scope from consent_record r indexed by consent_record_leaf"
    " cross join policy_version v on v.site_id = r.site_id and v.version = r.version"
    " where r.site_id = :site_id and r.epoch = :epoch and r.leaf >= 0 order by r.leaf"
)
"""In the order of the index: nothing is sorted, so nothing of a record is spilled where no erasure reaches it."""


class Opened(NamedTuple):
    """One log of a store: whose, which, and its head as the columns tell it."""

    site_id: int
    site: str
    epoch: int
    origin: str
    opened: int
    size: int
    root: str
    checkpoint: str


class Snapshot(AbstractContextManager["Snapshot"]):
    """Read-only, one transaction: what a running service writes meanwhile is not seen."""

    def __init__(self, file: Path) -> None:
        """Raises StoreError when the file is no store of this version."""
        try:
            self._connection = sqlite3.connect(f"file:{quote(str(file.resolve()))}?mode=ro", uri=True)
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("pragma temp_store = memory")
            self._connection.execute("begin")
            self._names = {row["name"] for row in self.rows("select name from sqlite_master")}
        except sqlite3.Error as error:
            raise _unreadable(file, str(error)) from error
        if "ledger" not in self._names:
            raise _unreadable(file, "it has no log")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def rows(self, sql: str, **params: str | int) -> Iterator[Row]:
        """The rows of a query, one at a time."""
        for row in self._connection.execute(sql, params):
            yield dict(row)

    def logs(self) -> list[Opened]:
        """Every log by site and epoch; the install's own has site 0."""
        sql = (
            "select l.site_id, coalesce(s.key, 'install') as site, l.epoch, l.origin, l.opened,"
            " coalesce(h.size, 0) as size, coalesce(h.root, '') as root, coalesce(h.checkpoint, '') as checkpoint"
            " from ledger l left join site s on s.site_id = l.site_id"
            " left join ledger_head h on h.site_id = l.site_id and h.epoch = l.epoch order by l.site_id, l.epoch"
        )
        return [Opened(**row) for row in self.rows(sql)]

    def keys(self, log: Opened) -> list[tuple[str, int]]:
        """The vkeys of a log and the size from which each signs, in order."""
        sql = "select vkey, since from ledger_key where site_id = :site_id and epoch = :epoch order by number"
        return [(row["vkey"], row["since"]) for row in self.rows(sql, site_id=log.site_id, epoch=log.epoch)]

    def leaves(self, log: Opened) -> Iterator[Row]:
        """The leaves of a log, in order."""
        return self.rows(_LEAVES, site_id=log.site_id, epoch=log.epoch)

    def count(self, log: Opened) -> int:
        """How many leaves of a log are stored."""
        sql = "select count(*) as n from ledger_leaf where site_id = :site_id and epoch = :epoch"
        return int(next(self.rows(sql, site_id=log.site_id, epoch=log.epoch))["n"])

    def records(self, log: Opened) -> Iterator[Row]:
        """The records that name leaves of a log, in the leaves' order, each with `hash` and `scope` of its policy."""
        sql = _RECORDS if _INDEX in self._names else _RECORDS.replace(f" indexed by {_INDEX}", "")  # an older store
        return self.rows(sql, site_id=log.site_id, epoch=log.epoch)

    def tile(self, log: Opened, level: int, index: int) -> Row | None:
        """The row of a full tile."""
        sql = (
            "select hashes, root from ledger_tile"
            " where site_id = :site_id and epoch = :epoch and level = :level and tile = :tile"
        )
        return next(self.rows(sql, site_id=log.site_id, epoch=log.epoch, level=level, tile=index), None)

    def tiles(self, log: Opened) -> dict[int, int]:
        """By level, the number that follows that of the last full tile."""
        sql = (
            "select level, max(tile) + 1 as next from ledger_tile"
            " where site_id = :site_id and epoch = :epoch group by level"
        )
        return {row["level"]: row["next"] for row in self.rows(sql, site_id=log.site_id, epoch=log.epoch)}

    def strays(self, site_id: int) -> Iterator[Row]:
        """The ids of records that name a log that is not there: their epochs."""
        sql = (
            "select r.id, r.epoch from consent_record r left join ledger l on l.site_id = r.site_id"
            " and l.epoch = r.epoch where r.site_id = :site_id and r.leaf >= 0 and l.epoch is null"
            " order by r.id limit 20"
        )
        return self.rows(sql, site_id=site_id)

    def unlogged(self, site_id: int) -> int:
        """How many records are in no log."""
        sql = "select count(*) as n from consent_record where site_id = :site_id and leaf < 0"
        return int(next(self.rows(sql, site_id=site_id))["n"])

    def notices(self, site_id: int) -> Iterator[Row]:
        """What the site's visitors were shown: hash and body."""
        if "notice" not in self._names:
            return iter(())
        return self.rows("select hash, body from notice where site_id = :site_id order by hash", site_id=site_id)


def _unreadable(file: Path, why: str) -> StoreError:
    return StoreError(
        "store_unreadable",
        f"{file} cannot be read as a store: {why}.",
        "Name a data folder, its consent.sqlite or an exported log; consent serve brings an older store up to date.",
    )
