"""Restoring a backup: nothing that was erased since comes back, and no log goes on that was further already."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from consent.config import Config
from consent.db import Database
from consent.db.copy import inspect, sync
from consent.db.place import Hold, prepare
from consent.db.sqlite import open_sqlite
from consent.errors import Conflict, Problem, StoreError
from consent.ledger import heads
from consent.ledger import queries as ledger
from consent.ledger.heads import Head
from consent.rights import backup, erased, leaves, queries
from consent.rights.backup import HEADS, STORE, Manifest
from consent.rights.erased import Line
from consent.rights.erasure import SCRUB, request_row
from consent.sites.queries import all_sites

_UNFINISHED = f".restoring.{STORE}"


class Restored(msgspec.Struct, frozen=True):
    """What came of it. `behind`: sites whose logs were further than this store, and go on in a new epoch only."""

    made: str
    records: int
    erased: int
    behind: list[str]
    secrets: bool


async def restore(config: Config, folder: Path, listed: Path | None) -> Restored:
    """Make a store of a backup in a data folder that has none.

    What the list of the backup, that of the data folder and `listed` name as erased is deleted before the store takes
    its name. Raises Problem when the backup is not as its manifest says, or the folder is in use.
    """
    manifest = backup.read_manifest(folder)
    prepare(config.data)
    if config.store.exists():
        message = f"There is a store in {config.data} already."
        raise Conflict("store_exists", message, "Name an empty folder with --data, or move the old store away first.")
    hold = Hold(config.data)
    try:
        return await _restore(config, folder, manifest, _lines(config, folder, listed))
    finally:
        hold.release()


async def _restore(config: Config, folder: Path, manifest: Manifest, lines: list[Line]) -> Restored:
    store = config.data / _UNFINISHED
    for path in config.data.glob(f"{_UNFINISHED}*"):
        path.unlink()  # of an attempt that was interrupted
    backup.place(folder / STORE, store)
    rows = inspect(store)
    for name in manifest.files:
        if name not in (STORE, erased.NAME):
            backup.place(folder / name, config.data / name)
    erased.note(
        config.data / erased.NAME, [line for line in lines if line not in erased.read(config.data / erased.NAME)]
    )
    db = await open_sqlite(store)
    try:
        gone = await _erase_again(db, lines)
        behind = await _behind(db, _noted(config.data / HEADS))
    finally:
        await db.close()
    store.rename(config.store)
    sync(config.data)
    return Restored(manifest.made, rows.get("consent_record", 0) - gone, gone, behind, manifest.secrets)


def _lines(config: Config, folder: Path, listed: Path | None) -> list[Line]:
    """Everything that any list names. Raises Problem for a list that cannot be read, or is none."""
    found = [*erased.read(folder / erased.NAME), *erased.read(config.data / erased.NAME)]
    if listed is not None:
        try:
            named = erased.parse(listed.read_text("ascii", errors="replace"))
        except OSError as error:
            raise Problem(
                "file", f"{listed} cannot be read: {error.strerror}.", "Name the newest ledger.erased."
            ) from error
        if not named and listed.stat().st_size:
            raise Problem("file", f"{listed} is no list of what was erased.", "Name the newest ledger.erased.")
        found += named
    return list(dict.fromkeys(found))


async def _erase_again(db: Database, lines: Sequence[Line]) -> int:
    """Delete what was erased after the backup was made; the log tells it again once it goes on."""
    gone = 0
    for line in lines:
        async with db.transaction() as held:
            deleted = 0
            for first, last in leaves.spans(line.ranges):
                deleted += await queries.delete_leaves(held, line.site_id, line.epoch, first, last)
            if deleted:
                ranges = {line.epoch: line.ranges}
                now = time.time_ns() // 1_000_000
                row = request_row(line.site_id, "restore", "", records=deleted, ranges=ranges, now=now)
                await queries.add(held, {**row, "state": "untold"})
        gone += deleted
    for site in await all_sites(db):
        await queries.delete_empty(db, site.site_id)
    if not await db.scrub(SCRUB):
        raise StoreError("store_busy", "Another program uses the store.", "Wait for it, then restore again.")
    return gone


def _noted(path: Path) -> dict[int, Head]:
    return heads.parse(path.read_text("ascii", errors="replace")) if path.exists() else {}


async def _behind(db: Database, known: Mapping[int, Head]) -> list[str]:
    """Sites whose logs were noted further than this store has them."""
    found = []
    for site in await all_sites(db):
        row, head = await ledger.newest(db, site.site_id), known.get(site.site_id)
        if head and (row is None or (head.epoch, head.size) > (row["epoch"], row["size"])):
            found.append(site.key)
    return found
