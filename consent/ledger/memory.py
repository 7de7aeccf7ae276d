"""What a witness remembers: the newest checkpoint of each log that it verified, and all of them in a row.

A file is replaced whole and synced before anybody is told, under a lock that other processes heed, too.
"""

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from consent.db.place import sync_folder
from consent.errors import StoreError
from consent.ledger.checkpoint import Checkpoint
from consent.ledger.errors import LedgerError
from consent.ledger.note import split_note

_PLAIN = re.compile(r"[^A-Za-z0-9.-]+")


class Memory:
    """A folder of checkpoints."""

    def __init__(self, folder: Path) -> None:
        """Raises StoreError when the folder cannot be written."""
        self._folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _failed(folder, error) from error

    def path(self, origin: str, ending: str) -> Path:
        """The file for one log: named after it, as far as a file's name can be."""
        short = hashlib.sha256(origin.encode()).hexdigest()[:12]
        return self._folder / f"{_PLAIN.sub('_', origin)[:60]}.{short}.{ending}"

    def last(self, origin: str) -> tuple[Checkpoint, str] | None:
        """The newest checkpoint of a log, and the note it stood in. Raises StoreError when it cannot be read."""
        path = self.path(origin, "checkpoint")
        try:
            note = path.read_text("utf-8")
            return Checkpoint.parse(split_note(note)[0]), note
        except FileNotFoundError:
            return None
        except (OSError, LedgerError, ValueError) as error:
            raise _failed(path, error) from error

    @contextmanager
    def held(self, origin: str) -> Iterator[None]:
        """Nobody else changes what is remembered of this log until the block ends."""
        file = os.open(self.path(origin, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)

    def remember(self, origin: str, note: str) -> None:
        """Put a checkpoint in the place of the one before, and add it to the row. Raises StoreError on failure."""
        path = self.path(origin, "checkpoint")
        made = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            _write(self.path(origin, "history"), note + "\n", os.O_APPEND)
            _write(made, note, os.O_EXCL)
            made.replace(path)
            sync_folder(self._folder)
        except OSError as error:
            made.unlink(missing_ok=True)
            raise _failed(path, error) from error

    def denounce(self, origin: str, note: str) -> None:
        """Keep a signed checkpoint that contradicts what was seen: with the row, it is proof of a rewritten history."""
        path = self.path(origin, "contradiction")
        try:
            _write(path, note + "\n", os.O_APPEND)
        except OSError as error:
            raise _failed(path, error) from error

    def pinned(self, url: str) -> list[str]:
        """The keys that were taken for those of the log at an address."""
        path = self.path(url, "keys")
        return path.read_text("utf-8").split() if path.exists() else []

    def pin(self, url: str, vkeys: Iterable[str]) -> None:
        """Take keys for those of the log at an address from now on. Raises StoreError on failure."""
        path = self.path(url, "keys")
        try:
            _write(path, "".join(f"{vkey}\n" for vkey in vkeys), os.O_TRUNC)
        except OSError as error:
            raise _failed(path, error) from error

    def epoch(self, url: str) -> int:
        """The newest epoch seen of the log at an address; 1 where none was noted. Raises StoreError."""
        path = self.path(url, "epoch")
        try:
            return int(path.read_text("ascii"))
        except FileNotFoundError:
            return 1
        except (OSError, ValueError) as error:
            raise _failed(path, error) from error

    def reach(self, url: str, epoch: int) -> None:
        """Note that an epoch was seen. Raises StoreError on failure."""
        path = self.path(url, "epoch")
        try:
            _write(path, f"{epoch}\n", os.O_TRUNC)
        except OSError as error:
            raise _failed(path, error) from error


def _write(path: Path, text: str, how: int) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())


def _failed(path: Path, error: Exception) -> StoreError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    message = f"What the witness remembers cannot be kept in {path}: {reason}."
    return StoreError("memory_failed", message, "Look at the disk, or name another folder with --folder.")
