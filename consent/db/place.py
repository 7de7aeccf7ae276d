"""Where the data lives: a folder of our own, on a disk of this machine, used by one service at a time."""

import os
import secrets
import sqlite3
from pathlib import Path

from consent.errors import StoreError

NETWORK = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "fuse.sshfs", "fuse.s3fs", "fuse.glusterfs", "ceph")
"""File systems whose locks and shared memory SQLite's write-ahead log cannot rely on (sqlite.org/wal.html)."""


def prepare(folder: Path) -> None:
    """Make the data folder, readable by its owner only. Raises StoreError with the remedy when that is impossible."""
    try:
        _make_folder(folder)
        probe = folder / f".writable.{os.getpid()}"
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        raise StoreError(
            "data_not_writable",
            f"The data folder {folder} cannot be written: {error.strerror}.",
            "Give it to the user who runs this command, or name another with --data.",
        ) from error
    kind = file_system(folder.resolve(), _mounts())
    if kind in NETWORK:
        raise StoreError(
            "data_on_network",
            f"The data folder {folder} lies on a network file system ({kind}), where a write may be lost unnoticed.",
            "Name a folder on a disk of this machine with --data.",
        )


def file_system(folder: Path, mounts: str) -> str:
    """The file system a folder lies on, after the lines of /proc/mounts; empty where they are not known."""
    best, kind = "", ""
    for line in mounts.splitlines():
        _, point, name, *_ = [*line.split(" "), "", "", ""]
        point = point.replace("\\040", " ")
        inside = folder.is_relative_to(point) if point else False
        if inside and len(point) >= len(best):
            best, kind = point, name
    return kind


def _mounts() -> str:
    try:
        return Path("/proc/self/mounts").read_text("utf-8", errors="replace")
    except OSError:
        return ""


def secret(path: Path, fresh: str) -> str:
    """The text of a file that its owner alone may read, made with `fresh` where there is none, whole or not at all."""
    if not path.exists():
        _make_folder(path.parent)
        made = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(fresh)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(made, path)  # whoever was first wins: nobody's secret is replaced
        except FileExistsError:
            pass
        finally:
            made.unlink()
        sync_folder(path.parent)
    return path.read_text("utf-8")


def _make_folder(folder: Path) -> None:
    """A folder that only its owner may look into, durable before anything in it is relied on."""
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(folder.resolve().parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: a file that is synced may still be lost with its name."""
    sync(folder)


def sync(path: Path) -> None:
    """Make what a file holds, or the names in a folder, durable."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


class Hold:
    """The data folder is ours until `release()` or the process ends, however it ends.

    An exclusive transaction on an empty SQLite file: a lock that works wherever SQLite does and leaves nothing stale.
    """

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(folder / "service.lock", timeout=0, isolation_level=None)
        try:
            self._connection.execute("begin exclusive")
        except sqlite3.OperationalError as error:
            self._connection.close()
            raise StoreError(
                "data_in_use",
                f"Another service is using the data folder {folder}.",
                "Stop it first, or start this one with another folder: --data DIR.",
            ) from error

    def release(self) -> None:
        """Let others have the folder."""
        self._connection.close()
