"""A backup: the store as it was at one moment, what lies beside it, and a manifest by which a copy is checked."""

import hashlib
import os
import re
import shutil
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from consent.config import Config
from consent.db.copy import Progress, copy, inspect
from consent.db.place import sync
from consent.errors import NotFound, Problem
from consent.rights.certificate import FOLDER
from consent.rights.erased import NAME

MANIFEST = "manifest.json"
FORMAT = "consent-backup/v1"
STORE = "consent.sqlite"
HEADS = "ledger.heads"
SECRETS = ("keys", "tokens", "secret")
"""Folders and files that speak for the operator: who has them can sign logs and read them."""

_NAME = re.compile(r"(?:keys/|tokens/|certificates/)?[A-Za-z0-9_-][A-Za-z0-9._-]*", re.ASCII)


class File(msgspec.Struct, frozen=True):
    """One file of a backup."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds. `rows`: how many each table has; `secrets`: whether keys and tokens are in it."""

    format: str
    made: str
    software: str
    secrets: bool
    rows: dict[str, int]
    files: dict[str, File]


def back_up(config: Config, folder: Path, progress: Progress, *, secrets: bool) -> Manifest:
    """Copy everything into an empty folder, beside a service at work. Every choice acknowledged before is in it.

    Heads are copied first, so that they are never ahead of the copied store; the list of what was erased last, so that
    nothing erased comes back. Raises Problem.
    """
    _check_places(config, folder)
    made = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    names = [HEADS] if (config.data / HEADS).exists() else []
    for name in names:
        _copy_file(config.data / name, folder / name)
    copy(config.store, folder / STORE, progress)
    for name in _beside(config.data, secrets):
        _copy_file(config.data / name, folder / name)
        names.append(name)
    files = {name: describe(folder / name) for name in (STORE, *names)}
    rows = inspect(folder / STORE)
    manifest = Manifest(FORMAT, made, version("consent-manager"), secrets, rows, files)
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")
    for path in (folder / MANIFEST, folder):
        sync(path)
    _note(config.backup_note)
    return manifest


def _note(place: Path) -> None:
    """Say in the data folder that a backup was made now (ms since 1970)."""
    made = place.with_name(f"{place.name}.new")
    made.write_text(f"{time.time_ns() // 1_000_000}\n", "ascii")
    made.replace(place)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a backup, when every file is as it says. Raises Problem."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotFound("no_backup", f"There is no backup in {folder}.", "Name the folder of one.") from error
    if manifest.format != FORMAT or STORE not in manifest.files:
        raise Problem("backup_unsound", f"The manifest in {folder} is not one of ours.", "Name another folder.")
    for name, file in manifest.files.items():
        path = folder / name
        if not _NAME.fullmatch(name) or not path.is_file() or describe(path) != file:
            message = f"{name[:80]!r} in the backup is missing, or not as its manifest says."
            raise Problem("backup_unsound", message, "Do not use this backup; take another one.")
    return manifest


def describe(path: Path) -> File:
    """Size and digest of a file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return File(file.tell(), digest)


def place(source: Path, target: Path, made: Path) -> None:
    """Copy a file to where there is none, whole or not at all, by the name `made`; on disk when this returns."""
    if not target.exists():
        _copy_file(source, made)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        made.rename(target)
        sync(target.parent)


def _check_places(config: Config, folder: Path) -> None:
    if not config.store.exists():
        remedy = "Name the right folder with --data."
        raise NotFound("no_store", f"There is no store in the folder {config.data}.", remedy)
    if folder.resolve().is_relative_to(config.data.resolve()):
        message = "A backup inside the data folder would be lost with it, and would keep what is erased."
        raise Problem("backup_place", message, "Name a folder elsewhere, best on another disk.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Problem("backup_place", f"{folder} is there already and not empty.", "Name a new folder.")


def _beside(data: Path, secrets: bool) -> list[str]:
    """What else of the data folder goes into a backup."""
    places = [data / NAME, data / FOLDER, *((data / name for name in SECRETS) if secrets else ())]
    found = [path for place in places for path in (sorted(place.iterdir()) if place.is_dir() else [place])]
    names = [str(path.relative_to(data)) for path in found if path.is_file()]
    return [name for name in names if _NAME.fullmatch(name)]


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o700, exist_ok=True)
    with (
        source.open("rb") as read,
        os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
    ):
        shutil.copyfileobj(read, out)
        out.flush()
        os.fsync(out.fileno())
