"""A site's logs as a folder of plain files that an auditor checks without us (C2SP tlog-tiles and a verifier)."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import IO

import msgspec

from consent.errors import NotFound, Problem
from consent.ledger.edge import Edge
from consent.ledger.leaf import entry
from consent.ledger.merkle import leaf_hash
from consent.ledger.snapshot_queries import Opened, Row, Snapshot
from consent.ledger.text import encoded
from consent.ledger.tile import WIDTH, bundle, tile_path

Said = Callable[[Row, str], bytes]
"""(row of a record, key of its site) to the canonical record that was committed to."""

_HASH = re.compile("[0-9a-f]{64}", re.ASCII)

Progress = Callable[[int, int], None]


class Exported(msgspec.Struct, frozen=True):
    """What was written."""

    site: str
    leaves: int
    records: int
    notices: int


def export(file: Path, site: str, folder: Path, said: Said, *, progress: Progress | None = None) -> Exported:
    """Write every log of a site into a new folder, whole or not at all. Memory does not grow with the log.

    Only its owner can read the folder (0700, files 0600): it holds every receipt id, and whoever has one can erase.

    Raises NotFound when the store has no log of that site, Problem when the folder is taken or cannot be written, or
    when the store's leaves do not lead to its checkpoint.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Problem("folder_taken", f"{folder} is there already.", "Name a folder that is new or empty.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        with Snapshot(file) as snapshot:
            logs = [log for log in snapshot.logs() if log.site == site]
            if not logs:
                raise NotFound("no_log", f"The store has no log of {site!r}.", "See which it has: consent ledger list.")
            exported = _write_all(snapshot, logs, made, said, progress=progress)
        made.replace(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return exported


def _write_all(
    snapshot: Snapshot, logs: list[Opened], made: Path, said: Said, *, progress: Progress | None
) -> Exported:
    """Everything of a site, into a folder that is not yet in its place."""
    newest = logs[-1]
    records = 0
    for log in logs:
        records += _write_log(snapshot, log, made / (f"e{log.epoch}" if log.epoch > 1 else ""), said, progress)
    told = [
        {
            "epoch": log.epoch,
            "origin": log.origin,
            "opened": log.opened,
            "size": log.size,
            "keys": [{"vkey": vkey, "since": since} for vkey, since in snapshot.keys(log)],
        }
        for log in logs
    ]
    _write(made / "log.json", msgspec.json.format(msgspec.json.encode({"site": newest.site, "epochs": told}), indent=1))
    here = files("consent.ledger.standalone")
    for name in ("verify.py", "README.md"):
        text = here.joinpath(name).read_text("utf-8")
        _write(made / name, (text.replace("{site}", newest.site) if name == "README.md" else text).encode())
    notices = _write_notices(snapshot, newest.site_id, made / "notices")
    return Exported(newest.site, sum(log.size for log in logs), records, notices)


def _write_log(snapshot: Snapshot, log: Opened, folder: Path, said: Said, progress: Progress | None) -> int:
    """One log's tiles, entries, checkpoint and records; returns the number of records."""
    edge = Edge.empty()
    rows = snapshot.leaves(log)
    while chunk := [_entry(row) for row in islice(rows, WIDTH)]:
        _write(folder / tile_path("entries", edge.size // WIDTH, len(chunk)), bundle(chunk))
        edge, full = edge.append([leaf_hash(one) for one in chunk])
        _write_tiles(folder, full)
        if progress:
            progress(edge.size, log.size)
    _write_tiles(folder, edge.partial())
    if (edge.size, encoded(edge.root())) != (log.size, log.root):
        remedy = "Find out where: consent ledger verify. What is not sound is not exported."
        raise Problem("log_altered", f"The leaves of {log.origin} do not lead to its checkpoint.", remedy)
    _write(folder / "checkpoint", log.checkpoint.encode())
    return _write_records(snapshot, log, folder / "records.ndjson", said)


def _entry(row: Row) -> bytes:
    return entry(row["type"], row["time"], row["content"])


def _write_tiles(folder: Path, tiles: list[tuple[int, int, tuple[bytes, ...]]]) -> None:
    for level, index, hashes in tiles:
        _write(folder / tile_path(level, index, len(hashes)), b"".join(hashes))


def _write(path: Path, data: bytes) -> None:
    with _opened(path) as file:
        file.write(data)


def _opened(path: Path) -> IO[bytes]:
    """A new file that nobody but its owner reads, in folders that nobody else enters."""
    _make_folder(path.parent)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _make_folder(folder: Path) -> None:
    """With those above it, which `parents=True` would leave open to all."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700)


def _write_records(snapshot: Snapshot, log: Opened, path: Path, said: Said) -> int:
    count = 0
    with _opened(path) as lines:
        for row in snapshot.records(log):
            count += 1
            told = {"leaf": row["leaf"], "record": msgspec.Raw(said(row, log.site)), "salt": row["salt"]}
            lines.write(msgspec.json.encode(told) + b"\n")
    return count


def _write_notices(snapshot: Snapshot, site_id: int, folder: Path) -> int:
    """Every notice under the hash that records name it by; whether its body has that hash, the verifier tells."""
    folder.mkdir(mode=0o700)
    count = 0
    for row in snapshot.notices(site_id):
        if _HASH.fullmatch(row["hash"]):
            _write(folder / f"{row['hash']}.json", row["body"].encode())
            count += 1
    return count


def _unwritable(folder: Path, error: OSError) -> Problem:
    return Problem("folder", f"{folder} cannot be written: {error.strerror}.", "Name another folder, or make room.")
