"""How far each log had grown, noted outside the database: a store that was restored is noticed by it."""

import asyncio
import fcntl
import os
import secrets
from collections.abc import Iterable
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from consent.db.place import sync_folder
from consent.errors import StoreError

LIMIT = 1_048_576
"""Bytes after which the file is written anew with the last line of each log."""


class Head(NamedTuple):
    """A log at one moment. `root` is base64."""

    site_id: int
    epoch: int
    size: int
    root: str

    @property
    def line(self) -> str:
        """The head as a line of the file, with a check that a torn line does not pass."""
        text = " ".join(map(str, self))
        return f"{text} {sha256(text.encode()).hexdigest()[:8]}\n"


def parse(text: str) -> dict[int, Head]:
    """The last head of every log by site; lines that do not check are left out, for a crash may tear one."""
    heads: list[Head] = []
    for line in text.splitlines():
        said, _, check = line.rpartition(" ")
        parts = said.split(" ")
        if len(parts) == 4 and sha256(said.encode()).hexdigest()[:8] == check:
            heads.append(Head(int(parts[0]), int(parts[1]), int(parts[2]), parts[3]))
    return furthest(heads)


def furthest(*groups: Iterable[Head]) -> dict[int, Head]:
    """The head of each site that is furthest on: a note that comes late takes nothing back."""
    found: dict[int, Head] = {}
    for head in chain(*groups):
        held = found.get(head.site_id)
        if held is None or (head.epoch, head.size) >= (held.epoch, held.size):
            found[head.site_id] = head
    return found


class Heads:
    """The file. What `note` was told is on disk when it returns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._doubtful = False
        self._known = parse(path.read_text("ascii", errors="replace")) if path.exists() else {}

    def of(self, site_id: int) -> Head | None:
        """The last head noted of a site's log."""
        return self._known.get(site_id)

    async def note(self, heads: Iterable[Head]) -> None:
        """Write down heads. Raises StoreError when that failed: then nothing that depends on them may be promised."""
        new = list(heads)
        await asyncio.to_thread(self._write, new)
        self._known = furthest(self._known.values(), new)

    def _write(self, heads: list[Head]) -> None:
        lines = "".join(head.line for head in heads).encode()
        try:
            with _Locked(self._path) as file:
                size = os.fstat(file).st_size
                torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"  # by another process, or before a crash
                if self._doubtful or torn or size + len(lines) > LIMIT:
                    self._rewrite(heads)
                else:
                    _append(file, lines)
        except OSError as error:
            self._doubtful = True  # what a failed write left is unknown: the next one makes a new file
            message = f"The heads of the logs could not be written: {error.strerror}."
            raise StoreError("heads_failed", message, "Look at the disk; the service tries again by itself.") from error
        self._doubtful = False

    def _rewrite(self, heads: list[Head]) -> None:
        """A new file in the place of the old one, which other processes may have added to."""
        there = parse(self._path.read_text("ascii", errors="replace"))
        known = furthest(self._known.values(), there.values(), heads)
        made = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        file = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _append(file, "".join(head.line for head in known.values()).encode())
        finally:
            os.close(file)
        made.replace(self._path)
        sync_folder(self._path.parent)


class _Locked:
    """The file, open for appending and locked against other processes; made where there is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def __enter__(self) -> int:
        while True:
            fresh = not self._path.exists()
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX)
                if fresh:
                    sync_folder(self._path.parent)
                same = self._path.exists() and self._path.stat().st_ino == os.fstat(self._file).st_ino
            except BaseException:
                os.close(self._file)  # with it goes the lock
                raise
            if same:
                return self._file
            os.close(self._file)  # another process put a new file in its place meanwhile

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


def _append(file: int, lines: bytes) -> None:
    rest = lines
    while rest:
        rest = rest[os.write(file, rest) :]
    os.fdatasync(file)
