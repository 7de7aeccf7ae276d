"""Places by the databases that the owner installed: several together, exchanged while the service runs.

Only the network of an address is looked up (/24, /48). Without a database, and for what none knows: unknown.
"""

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import maxminddb

from consent.errors import Problem
from consent.visitors.address import truncated
from consent.visitors.spot import UNKNOWN_SPOT, Maker, Spot, maker, normalise

CHECK = 10_000
"""Milliseconds between looks at the folder."""

BACK = 86_400_000
"""Milliseconds that requests may be told of late; a time before that means that the clock was set."""

CACHED = 16_384
"""Networks remembered."""

MAX_FILES = 16

LOOKED_AT = 1_000
"""Records that are read before a new file is believed to say nothing of places."""


class Database(NamedTuple):
    """One open file."""

    path: Path
    reader: maxminddb.Reader
    stamp: tuple[int, int, int]

    @property
    def kind(self) -> str:
        """What its maker calls it."""
        return str(self.reader.metadata().database_type)

    @property
    def built(self) -> int:
        """When it was made, in seconds since 1970; 0 where that is no time."""
        made = self.reader.metadata().build_epoch
        return made if isinstance(made, int) and 0 <= made < 1 << 36 else 0

    @property
    def maker(self) -> Maker:
        """Who made it."""
        return maker(self.kind)

    def find(self, address: str) -> Spot:
        """What it says of an address; a damaged part of it says nothing, nor does a file that was written over."""
        if self._is_overwritten():
            return UNKNOWN_SPOT
        try:
            return normalise(self.reader.get(address))
        except Exception:  # a damaged record may raise anything
            return UNKNOWN_SPOT

    def says(self) -> Spot:
        """What can be had from it: the first value of each kind among its first records. Raises Problem for damage."""
        found = UNKNOWN_SPOT
        try:
            for _, (_, record) in zip(range(LOOKED_AT), self.reader, strict=False):
                found = found.over(normalise(record))
        except Exception as error:
            raise _unusable(self.path, error) from error
        return found

    def _is_overwritten(self) -> bool:
        """Whether the mapped file itself was changed, as `cp` does: a read past its new end would kill the process."""
        stamp = _stamp(self.path)
        return stamp[0] == self.stamp[0] and stamp != self.stamp


def open_database(path: Path) -> Database:
    """Open a file, mapped into memory. Raises Problem with the remedy when it is no database.

    By the reader in Python, 75 us a look: the one in C takes 4, and a damaged file ends its process.
    """
    try:
        status = path.stat()
        reader = maxminddb.open_database(path, maxminddb.MODE_MMAP)
    except Exception as error:
        raise _unusable(path, error) from error
    return Database(path, reader, (status.st_ino, status.st_mtime_ns, status.st_size))


def _unusable(path: Path, error: Exception) -> Problem:
    remedy = "Install a database in MaxMind's format (.mmdb): consent geo install FILE."
    return Problem("geo_database", f"{path.name} cannot be used: {error}.", remedy)


class Places:
    """The databases of a folder. What is replaced is opened anew, the old one let go; a bad one is passed over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[Path, Database] = {}
        self._checked: int | None = None
        self._cache: OrderedDict[str, Spot] = OrderedDict()
        self.faults: dict[str, str] = {}

    def place(self, address: str, now: int) -> Spot:
        """Where an address is, by its network. Never raises.

        `now` (ms) says when to look at the folder again; it may be the time of a request that is over.
        """
        if self._checked is None or not -BACK <= now - self._checked < CHECK:
            self._checked = now
            self.refresh()
        network = truncated(address) if self._open else ""
        if not network:
            return UNKNOWN_SPOT
        found = self._cache.get(network)
        if found is None:
            found = self._cache[network] = self._find(network)
            if len(self._cache) > CACHED:
                self._cache.popitem(last=False)
        return found

    def refresh(self) -> None:
        """Open what is new or was replaced, close what is gone; what cannot be opened stays as it was."""
        files = {path: _stamp(path) for path in _files(self._folder)}
        self.faults = {name: text for name, text in self.faults.items() if self._folder / name in files}
        for path in [*self._open]:
            if path not in files:
                self._open.pop(path).reader.close()
                self._cache.clear()
        for path, stamp in files.items():
            known = self._open.get(path)
            if known is None or known.stamp != stamp:
                self._reopen(path, known)

    @property
    def databases(self) -> list[Database]:
        """Those that are open, by name."""
        return [self._open[path] for path in sorted(self._open)]

    @property
    def attributions(self) -> list[Maker]:
        """Whom a page that shows places has to name."""
        return list(dict.fromkeys(one.maker for one in self.databases if one.maker.attribution))

    def close(self) -> None:
        """Let go of all files."""
        for database in self._open.values():
            database.reader.close()
        self._open.clear()
        self._cache.clear()

    def _reopen(self, path: Path, known: Database | None) -> None:
        try:
            self._open[path] = open_database(path)
        except Problem as problem:
            self.faults[path.name] = str(problem)
            return
        self.faults.pop(path.name, None)
        self._cache.clear()
        if known is not None:
            known.reader.close()

    def _find(self, network: str) -> Spot:
        found = UNKNOWN_SPOT
        for database in self.databases:
            found = found.over(database.find(network))
        return found


def _files(folder: Path) -> Iterator[Path]:
    try:
        yield from sorted(path for path in folder.iterdir() if path.suffix == ".mmdb" and path.is_file())[:MAX_FILES]
    except OSError:
        return


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_ino, status.st_mtime_ns, status.st_size)
