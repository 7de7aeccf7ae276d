"""Visitors who withdrew and whose rows are not deleted yet, noted in a file: whoever kills the service keeps none.

A line is written before the answer to the withdrawal, without waiting for the disk; when nobody is waiting any more,
the file is overwritten and empty.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

NAME = "telemetry.leaving"

_LINE = re.compile(r"([0-9]{1,18}) ([0-9a-f]{32}) ([0-9]{1,18}) ([01])")


class Leaver(NamedTuple):
    """Who is to be forgotten: at which site, known again until when (ms), and whether the rows are deleted."""

    site_id: int
    visitor: str
    until: int
    rows: bool


class Leaving:
    """The file. It is small: whoever waits does so for milliseconds, unless the store fails."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, one: Leaver) -> None:
        """Add one. Raises OSError."""
        line = f"{one.site_id} {one.visitor} {one.until} {int(one.rows)}\n"
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)

    def noted(self) -> list[Leaver]:
        """Who was waiting; a line that was torn is none."""
        if not self._path.exists():
            return []
        found = [_LINE.fullmatch(line) for line in self._path.read_text("ascii", errors="replace").splitlines()]
        return [Leaver(int(one[1]), one[2], int(one[3]), one[4] == "1") for one in found if one]

    def clear(self) -> None:
        """Nobody waits any more: what the file held is overwritten. Raises OSError."""
        if self._path.exists() and (size := self._path.stat().st_size):
            with self._path.open("r+b") as file:
                file.write(b"\n" * size)
                file.flush()
                os.fsync(file.fileno())
                file.truncate(0)
