"""Access logs as files: plain or packed, one line at a time, however long a line is."""

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from consent.errors import Problem
from consent.telemetry.combined import MAX_LENGTH

STDIN = "-"

_OPENERS: dict[bytes, Callable[..., Any]] = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\x00": lzma.open, b"BZh": bz2.open}
_ZSTANDARD = b"\x28\xb5\x2f\xfd"


class Line(NamedTuple):
    """A line with its end, if it has one; cut where it is too long to be read. `size`: of the whole line, bytes."""

    raw: bytes
    size: int
    ended: bool


class LogFile:
    """An open access log. `size` is that of the file as it is, 0 where unknown; `at` how much of it was read."""

    def __init__(self, name: str, raw: BinaryIO, text: BinaryIO, size: int) -> None:
        self.name = name
        self.size = size
        self._raw = raw
        self._text = text

    @property
    def at(self) -> int:
        """Bytes of the file, as it is, that were read."""
        return self._raw.tell() if self.size else 0

    def lines(self) -> Iterator[Line]:
        """Every line; the last one may have no end. Raises Problem where the file cannot be read on."""
        try:
            while raw := self._text.readline(MAX_LENGTH + 2):
                size, part = len(raw), raw
                while not part.endswith(b"\n") and (part := self._text.readline(MAX_LENGTH + 2)):
                    size += len(part)
                yield Line(raw, size, raw.endswith(b"\n") or bool(part))
        except (EOFError, OSError, lzma.LZMAError, zlib.error) as error:
            raise _refusal(self.name, f"cannot be read on: {error}") from error


@contextmanager
def open_log(name: str) -> Iterator[LogFile]:
    """Open a file, or the standard input for `-`; what packs it is told by its first bytes. Raises Problem."""
    if name == STDIN:
        with _unpacked(name, cast(BinaryIO, sys.stdin.buffer)) as text:
            yield LogFile("standard input", sys.stdin.buffer, text, 0)
        return
    try:
        path = Path(name)
        with path.open("rb") as raw, _unpacked(name, raw) as text:
            yield LogFile(name, raw, text, path.stat().st_size if path.is_file() else 0)
    except OSError as error:
        raise _refusal(name, f"cannot be read: {error.strerror or error}") from error


@contextmanager
def _unpacked(name: str, raw: BinaryIO) -> Iterator[BinaryIO]:
    """The text of what may be packed."""
    buffered = io.BufferedReader(cast(io.RawIOBase, raw)) if not isinstance(raw, io.BufferedReader) else raw
    start = buffered.peek(6)[:6]
    if start.startswith(_ZSTANDARD):
        raise _refusal(
            name, "is packed with zstd", f"Unpack it on the way: zstd -dc {name} | consent import-log SITE -"
        )
    opener = next((one for mark, one in _OPENERS.items() if start.startswith(mark)), None)
    if opener is None:
        yield cast(BinaryIO, buffered)
        return
    with opener(buffered, "rb") as text:
        yield cast(BinaryIO, text)


def _refusal(name: str, what: str, remedy: str = "Name a plain log, or one packed with gzip, xz or bzip2.") -> Problem:
    return Problem("log_file", f"{name} {what}.", remedy)
