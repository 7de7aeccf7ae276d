"""What SQLite leaves behind: bytes of deleted rows in the unused parts of pages, which `secure_delete` does not reach.

When SQLite balances a tree it moves cells to other pages and leaves their old copies in the gap of the page they came
from. A row deleted later is overwritten where it stands, not where it once stood (measured: one erasure in some hundred
leaves an id in the file). So the gaps are overwritten here, in the file itself, by the format that SQLite documents
(sqlite.org/fileformat2.html, 1.6): a gap is read by nobody, so a crash in the middle of it harms nothing.
"""

import os
import sqlite3
import struct
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

PATCHED = 128
"""Pages overwritten while writers wait."""

READ = 64
"""Pages read at once."""

MOST_PAGES = 1 << 24
"""From here on a page of overflowing text could look like a tree's: a number of a page begins it."""

_HEADS = {2: 12, 5: 12, 10: 8, 13: 8}
"""Bytes before the cell pointers, by kind of page: inner and leaf pages of indexes and tables."""

_open: dict[tuple[int, int], int] = {}
_opening = threading.Lock()


class Shape(NamedTuple):
    """The size of a page in bytes, and how many there are."""

    page: int
    pages: int


def loose(page: bytes) -> list[tuple[int, int]]:
    """Where a page of a tree holds nothing: its gap, and what is inside its free blocks. Empty for other pages."""
    head = _HEADS.get(page[0])
    if head is None:
        return []
    block, cells, content = struct.unpack_from(">HHH", page, 1)
    spans = [(head + 2 * cells, content or 65_536)]
    while block:
        following, size = struct.unpack_from(">HH", page, min(block, len(page) - 4))
        spans.append((block + 4, block + size))
        if following and following < block + size:
            return []
        block = following
    inside = all(head <= start <= end <= len(page) for start, end in spans)
    return spans if inside and all(start > spans[0][1] for start, _ in spans[1:]) else []


def cleaned(page: bytes) -> bytes | None:
    """The page with nothing in its unused parts; None when that is so already."""
    dirty = [(start, end) for start, end in loose(page) if page.count(0, start, end) < end - start]
    if not dirty:
        return None
    fresh = bytearray(page)
    for start, end in dirty:
        fresh[start:end] = bytes(end - start)
    return bytes(fresh)


def dirty_pages(path: Path, proceed: Callable[[], bool]) -> list[int]:
    """Numbers of pages (from 0) that hold residue, read beside writers and at half speed.

    Raises TimeoutError as soon as `proceed` says no.
    """
    file = descriptor(path)
    shape = _shape(file)
    found: list[int] = []
    for first in range(0, shape.pages, READ):
        began = time.monotonic()
        if not proceed():
            raise TimeoutError
        data = os.pread(file, READ * shape.page, first * shape.page)
        pages = (data[start : start + shape.page] for start in range(0, len(data), shape.page))
        found += [first + index for index, page in enumerate(pages) if first + index and cleaned(page)]
        time.sleep(time.monotonic() - began)
    return found


def written_back(path: Path) -> bool:
    """Write the log of writes back as far as readers let, beside writers; False when it is not the whole of it.

    While somebody reads an old state, this alone is tried: it makes no writer wait.
    """
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            [busy, frames, done] = connection.execute("pragma wal_checkpoint(passive)").fetchone()
        except sqlite3.OperationalError as error:
            return _in_the_way(error)
        return not busy and frames == done


def overwrite(path: Path, numbers: Sequence[int], again: Collection[int] = ()) -> bool:
    """Empty the log of writes, and clean these pages while nobody writes; False when somebody was in the way.

    With the lock held and the log empty, the file is all there is: no checkpoint comes between reading a page and
    writing it. The write at the end makes every other connection forget what it has in memory of the old pages. Nobody
    is waited for: who calls this keeps writers waiting.

    Args:
        path: the store.
        numbers: of pages, from 0.
        again: which of them are written even if they look clean, since it is not known what of them is on the disk.
    """
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            [busy, *_] = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
            if busy or not numbers:
                return not busy
            connection.execute("begin immediate")
            if _written(path):
                return False
            _clean(descriptor(path), numbers, again)
            connection.execute(
                "insert into probe (site_id, time) values (0, ?)"
                " on conflict (site_id) do update set time = excluded.time",
                (time.time_ns() // 1_000_000,),
            )
            connection.execute("commit")
        except sqlite3.OperationalError as error:
            return _in_the_way(error)
    return True


def descriptor(path: Path) -> int:
    """A descriptor of the store's file, kept open until the process ends.

    Closing one would drop the locks that SQLite holds on the file in this process (sqlite.org/howtocorrupt.html, 2.2).
    """
    with _opening:
        found = path.stat()
        key = (found.st_dev, found.st_ino)
        if key not in _open:
            _open[key] = os.open(path, os.O_RDWR)
        return _open[key]


def _in_the_way(error: sqlite3.OperationalError) -> bool:
    """False for an error that says that somebody else is at work; any other is raised."""
    if (error.sqlite_errorcode & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return False
    raise error


def _clean(file: int, numbers: Sequence[int], again: Collection[int]) -> None:
    shape = _shape(file)
    for number in numbers:
        page = os.pread(file, shape.page, number * shape.page) if 0 < number < shape.pages else b""
        fresh = cleaned(page) if page else None
        if fresh or (page and number in again):
            os.pwrite(file, fresh or page, number * shape.page)
    try:
        os.fsync(file)
    except OSError:
        if hasattr(os, "posix_fadvise"):  # the next look is at the disk, not at what was to be on it
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        raise


def _shape(file: int) -> Shape:
    """Raises ValueError for a file that is not built as ours are."""
    header = os.pread(file, 100, 0)
    page = int.from_bytes(header[16:18], "big")
    page = 65_536 if page == 1 else page
    shape = Shape(page, os.fstat(file).st_size // page if page else 0)
    if header[20] or any(header[52:56]) or shape.pages >= MOST_PAGES:
        raise ValueError("pages of this store cannot be told apart")
    return shape


def _written(path: Path) -> bool:
    """Whether somebody wrote since the log was emptied."""
    log = path.with_name(f"{path.name}-wal")
    return log.exists() and log.stat().st_size > 0
