"""A disk that keeps only what it was told to keep: what a power loss may leave of files, and of their names.

A file's bytes are safe once a sync of that file has ended that began after they were written; a name once a sync of
its folder has (POSIX promises no more). Of all else any part may be there, whole or torn at a sector's border.
A sync that failed loses what it was to save: the kernel takes those pages for clean (fsyncgate, PostgreSQL 2018).
"""

import hashlib
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.faults.trace import END, Event

SECTOR = 512
PAGE = 4_096
KINDS = ("nothing", "half", "torn", "names")
"""Of what was not synced: nothing; a random half; a random half, cut at sectors; all names but no bytes."""

Part = tuple[int, bytes | None]
"""Bytes at an offset; or, with None, the file's new size."""
Naming = dict[str, "File | None"]
"""Names that change together: what they stand for afterwards, None for nothing."""


class File:
    """A file or, with `folder`, a folder: what is safe of it, what was written since, and how it looks now."""

    def __init__(self, *, folder: bool = False) -> None:
        self.folder = folder
        self.safe = b""
        self.now = bytearray()
        self.since: list[Part] = []
        self.lost: set[int] = set()

    def change(self, part: Part) -> None:
        """Write or cut. Pages lost to a failed sync are written again as soon as one byte of them is."""
        part = (len(self.now) if part[0] == END else part[0], part[1])
        _apply(self.now, part)
        touched = _pages(part)
        if part[1] and self.lost & touched:
            start, end = min(touched) * PAGE, (max(touched) + 1) * PAGE
            part = (start, bytes(self.now[start:end]))
            self.lost -= touched
        self.since.append(part)

    def saved(self, parts: int) -> None:
        """The first `parts` changes are safe now."""
        self.safe = self.after(self.since[:parts])
        del self.since[:parts]

    def failed(self, parts: int) -> None:
        """The first `parts` changes are gone from the disk, though programs still read them."""
        self.lost |= set().union(*map(_pages, self.since[:parts]))
        del self.since[:parts]

    def after(self, parts: Iterable[Part]) -> bytes:
        """What is safe, with these changes."""
        made = bytearray(self.safe)
        for part in parts:
            _apply(made, part)
        return bytes(made)


def _pages(part: Part) -> set[int]:
    offset, data = part
    return set(range(offset // PAGE, (offset + max(len(data or b""), 1) - 1) // PAGE + 1))


def _apply(content: bytearray, part: Part) -> None:
    offset, data = part
    end = offset + len(data or b"")
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    if data is None:
        del content[offset:]
    else:
        content[offset:end] = data


class Disk:
    """All below one folder, which itself is safe."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.names: dict[str, File] = {}
        self.safe: dict[str, File] = {}
        self.since: list[Naming] = []
        self._syncs: dict[int, tuple[File, int, str, list[Naming]]] = {}

    def happen(self, event: Event) -> bool:
        """Take one event in; whether it changed what a power loss would leave."""
        if event.path.endswith("-shm") or not event.path.startswith(self.root + "/"):
            return event.path == self.root and event.kind.startswith("sync") and self._sync(event)
        if event.kind.startswith("sync"):
            return self._sync(event)
        if event.kind in ("write", "cut"):
            if event.path not in self.names:
                return False  # a file without a name any more
            self.names[event.path].change((event.number, event.data if event.kind == "write" else None))
            return True
        return self._name(event)

    def _name(self, event: Event) -> bool:
        if event.kind in ("open", "mkdir"):
            if event.path not in self.names:
                self._rename({event.path: File(folder=event.kind == "mkdir")})
                return True
            return False
        if event.kind == "unlink":
            self._rename({event.path: None})
        elif event.kind == "link":
            self._rename({event.to: self.names[event.path]})
        elif event.kind == "name":
            self._rename({event.path: None, event.to: self.names[event.path]})
        return event.kind in ("unlink", "link", "name")

    def _rename(self, change: Naming) -> None:
        self.since.append(change)
        _named(self.names, change)

    def _sync(self, event: Event) -> bool:
        if event.kind == "sync-begins":
            node = self.names.get(event.path)
            if node is None and event.path != self.root:
                return False
            node = node or File(folder=True)
            naming = [change for change in self.since if any(_folder(name) == event.path for name in change)]
            self._syncs[event.number] = (node, len(node.since), event.path, naming)
            return False
        begun = self._syncs.pop(event.number, None)
        if begun is None:
            return False
        self._end(*begun, good=event.kind == "sync-ends")
        return True

    def _end(self, node: File, parts: int, path: str, naming: list[Naming], *, good: bool) -> None:
        """A sync has ended. Others of the same file that began before it have that much less to save."""
        if not node.folder:
            (node.saved if good else node.failed)(parts)
            for serial, (other, rest, *more) in self._syncs.items():
                if other is node:
                    self._syncs[serial] = (other, max(0, rest - parts), *more)  # type: ignore[assignment]  # unpacked
        else:  # a failed one counts, too: SQLite does not look, and a broken journal ends all
            for change in naming:
                if any(change is waiting for waiting in self.since):
                    _named(self.safe, change)
            self.since = [change for change in self.since if not any(change is saved for saved in naming)]

    def image(self, kind: str, chance: random.Random) -> dict[str, bytes | None]:
        """A tree that a power loss may leave now: contents by path, None for folders."""
        names = dict(self.safe)
        for change in self.since:
            if kind == "names" or (kind != "nothing" and chance.random() < 0.5):
                _named(names, change)
        return {
            path: None if node.folder else node.after(_some(node.since, kind, chance))
            for path, node in names.items()
            if all(parent in names for parent in self._above(path))
        }

    def _above(self, path: str) -> list[str]:
        parents = [str(parent) for parent in Path(path).parents]
        return parents[: parents.index(self.root)]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _named(names: dict[str, File], change: Naming) -> None:
    for name, node in change.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


def _some(parts: list[Part], kind: str, chance: random.Random) -> Iterator[Part]:
    """Those of the changes that reached the disk."""
    for offset, data in parts:
        if kind in ("half", "torn") and chance.random() < 0.5:
            if kind == "torn" and data:
                sectors = (offset % SECTOR + len(data)) // SECTOR
                data = data[: max(0, chance.randint(0, sectors) * SECTOR - offset % SECTOR)]  # noqa: PLW2901
            yield offset, data


def fingerprint(image: dict[str, bytes | None]) -> bytes:
    """The same for the same tree."""
    digest = hashlib.sha256()
    for path, content in sorted(image.items()):
        digest.update(f"{path}\0{-1 if content is None else len(content)}\0".encode())
        digest.update(content or b"")
    return digest.digest()


def lay(image: dict[str, bytes | None], root: str, to: Path) -> None:
    """Make the files of an image below another folder, with the permissions that the service gives its own."""
    for path, content in sorted(image.items()):
        place = to / path.removeprefix(root + "/")
        if content is None:
            place.mkdir(mode=0o700)
        else:
            place.write_bytes(content)
            place.chmod(0o600)
