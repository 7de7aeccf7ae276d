"""Restoring a backup: nothing that was erased since comes back, and no log goes on that may have been further."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from consent.accounts.access_queries import UNNAMED_LATER
from consent.accounts.session_queries import end_everything
from consent.config import Config
from consent.db import Database
from consent.db.copy import inspect
from consent.db.place import Hold, prepare, sync
from consent.db.sqlite import open_sqlite
from consent.errors import Conflict, Problem, StoreError
from consent.ledger.heads import Head, Heads
from consent.rights import backup, epochs, erased, leaves, queries
from consent.rights.backup import HEADS, STORE, Manifest
from consent.rights.erased import Line
from consent.rights.erasure import SCRUB, request_row
from consent.sites.queries import all_sites

_UNFINISHED = ".restoring."
"""Begins the names of what is not whole yet; the next restore removes what an interrupted one left."""


class Restored(msgspec.Struct, frozen=True):
    """What came of it. `behind`: logs that were further than this store; `renewed`: those that go on in a new epoch.

    Both name sites, and `install` for the install's own log.
    """

    made: str
    records: int
    erased: int
    behind: list[str]
    renewed: list[str]
    secrets: bool


async def restore(config: Config, folder: Path, listed: Path | None, *, last: bool = False) -> Restored:
    """Make a store of a backup in a data folder that has none.

    What the list of the backup, that of the data folder and `listed` name as erased is deleted before the store takes
    its name. Every log goes on in a new epoch, for choices may have been acknowledged after the backup: a log that went
    on as it was would sign two histories. Not so where it is known that there were none: `last` says it, or the heads
    in the data folder, newer than the backup's, are those of the store. Raises Problem when the backup is not as its
    manifest says, a list is of other logs, or the folder is in use.
    """
    manifest = backup.read_manifest(folder)
    prepare(config.data)
    _check_empty(config, manifest)
    hold = Hold(config.data)
    try:
        return await _restore(config, folder, manifest, _named(config, listed), last=last)
    finally:
        hold.release()


def _check_empty(config: Config, manifest: Manifest) -> None:
    """Nothing of a store may be left: SQLite would play an old log of writes into the new one."""
    left = sorted(path.name for path in config.data.glob(f"{STORE}*"))
    if left:
        message = f"There is a store in {config.data} already, or a part of one: {', '.join(left)}."
        remedy = f"Name an empty folder with --data, or move away every file whose name begins with {STORE}, together."
        raise Conflict("store_exists", message, remedy)
    for name, file in manifest.files.items():
        path = config.data / name
        if name not in (HEADS, erased.NAME) and path.exists() and backup.describe(path) != file:
            message = f"{name} is in {config.data} already, and is not as in the backup."
            raise Conflict("restore_differs", message, "Move it away and restore again; then look which one is right.")


async def _restore(config: Config, folder: Path, manifest: Manifest, named: list[Line], *, last: bool) -> Restored:
    for path in config.data.glob(f"{_UNFINISHED}*"):
        path.unlink()
    store = config.data / f"{_UNFINISHED}{STORE}"
    backup.place(folder / STORE, store, config.data / f"{_UNFINISHED}copy")
    rows = inspect(store)
    db = await open_sqlite(store)
    try:
        names = await queries.log_names(db)
        _check_lists(names, named)
        found, backed = epochs.noted(config.data / HEADS), epochs.noted(folder / HEADS)
        await _place(config, folder, manifest, backed)
        lines = list(dict.fromkeys([*erased.read(folder / erased.NAME), *named]))
        known = set(erased.read(config.data / erased.NAME))
        erased.note(config.data / erased.NAME, [line for line in lines if line not in known])
        await end_everything(db)
        gone = await _erase_again(db, [line for line in lines if names.get((line.site_id, line.epoch)) == line.log])
        behind, renewed = await epochs.renew(db, config, found, backed, last=last)
    finally:
        await db.close()
    _put_in_place(store, config.store)
    return Restored(manifest.made, rows.get("consent_record", 0) - gone, gone, behind, renewed, manifest.secrets)


async def _place(config: Config, folder: Path, manifest: Manifest, heads: Mapping[int, Head]) -> None:
    """Everything but the store; heads only ever go forward, so what is there of them stays."""
    for name in manifest.files:
        if name not in (STORE, HEADS, erased.NAME):
            backup.place(folder / name, config.data / name, config.data / f"{_UNFINISHED}copy")
    await Heads(config.data / HEADS).note(heads.values())


def _put_in_place(store: Path, target: Path) -> None:
    """Give the finished store its name. Raises StoreError where a part of it is still in a log of writes."""
    log = store.with_name(f"{store.name}-wal")
    if log.exists() and log.stat().st_size:
        raise StoreError("store_busy", "Another program uses the store.", "Wait for it, then restore again.")
    for path in (log, store.with_name(f"{store.name}-shm")):
        path.unlink(missing_ok=True)
    store.rename(target)
    sync(target.parent)


def _named(config: Config, listed: Path | None) -> list[Line]:
    """What lists beside the backup name. Raises Problem for a list that cannot be read, or is none."""
    found = erased.read(config.data / erased.NAME)
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
    return found


def _check_lists(names: Mapping[tuple[int, int], str], named: Sequence[Line]) -> None:
    """Raises Problem for a line of another log: by its numbers alone it would delete what nobody wanted erased."""
    for line in named:
        ours = names.get((line.site_id, line.epoch), line.log)
        if line.log != ours:
            message = f"A list of what was erased is of the log {line.log}, and that of this store is {ours}."
            raise Problem("list_foreign", message, "Name the ledger.erased of this service, or take out such lines.")


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
        await db.execute(UNNAMED_LATER, site_id=site.site_id)
    if not await db.scrub(SCRUB):
        raise StoreError("store_busy", "Another program uses the store.", "Wait for it, then restore again.")
    return gone
