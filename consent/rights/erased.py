"""What was erased, noted outside the database, so that no backup brings it back (docs/formats.md, section 10)."""

import fcntl
import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from consent.db.place import sync_folder
from consent.errors import StoreError
from consent.ledger.errors import LedgerError
from consent.ledger.leaf import parse_ranges

NAME = "ledger.erased"


class Line(NamedTuple):
    """Leaves of one log that were erased. `log`: origin and id of its first key, which no other log has."""

    site_id: int
    epoch: int
    log: str
    ranges: str

    def __str__(self) -> str:
        text = f"{self.site_id} {self.epoch} {self.log} {self.ranges}"
        return f"{text} {sha256(text.encode()).hexdigest()[:8]}\n"


def parse(text: str) -> list[Line]:
    """The lines of the file; those that do not check are left out, for a crash may tear one."""
    lines: list[Line] = []
    for line in text.splitlines():
        said, _, check = line.rpartition(" ")
        parts = said.split(" ")
        if len(parts) != 4 or sha256(said.encode()).hexdigest()[:8] != check:
            continue
        try:
            parse_ranges(parts[3])
        except LedgerError:
            continue
        lines.append(Line(int(parts[0]), int(parts[1]), parts[2], parts[3]))
    return lines


def read(path: Path) -> list[Line]:
    """The lines of a file; none where there is no file. Raises OSError."""
    return parse(path.read_text("ascii", errors="replace")) if path.exists() else []


def note(path: Path, lines: Iterable[Line]) -> None:
    """Add lines; on disk when this returns. Twice is once, for whoever reads them. Raises StoreError."""
    try:
        _append(path, "".join(map(str, lines)))
    except OSError as error:
        message = f"What was erased could not be noted in {path}: {error.strerror}."
        raise StoreError("erased_failed", message, "Look at the disk; the service tries again by itself.") from error


def _append(path: Path, text: str) -> None:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = os.fstat(file).st_size
        torn = size and os.pread(file, 1, size - 1) != b"\n"  # it would spoil the line that follows
        rest = (f"\n{text}" if torn else text).encode()
        while rest:
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
    finally:
        os.close(file)
    sync_folder(path.parent)
