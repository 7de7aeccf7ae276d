"""What a process did to its files and told its clients, read from the lines of `strace -ff -ttt -T -y -xx`."""

import re
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import NamedTuple

FILES = (
    "openat,creat,close,lseek,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,fdatasync,fsync,msync,"
    "sync_file_range,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir"
)
"""Every call that changes a file or a name, and those that say where a plain write goes."""

CALLS = f"{FILES},sendto,sendmsg,copy_file_range,sendfile,io_uring_enter"
UNSEEN = {"fallocate", "msync", "sync_file_range", "truncate", "symlink", "symlinkat", "copy_file_range", "sendfile",
          "io_uring_enter", "pwritev", "pwritev2"}  # fmt: skip
"""Calls that the model of the disk does not know: a file of ours touched by one makes the trace unusable."""

_LINE = re.compile(r"(\d+\.\d+) (\w+)\((.*)\) += (-?\d+|\?)(<[^>]*>)?(.*?)(?:<(\d+\.\d+)>)?$")
_HANDLE = re.compile(r"(\d+)<([^>]*)>(\(deleted\))?")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')

END = -1
"""The offset of what is written at a file's end."""


class Event(NamedTuple):
    """One thing that happened. `kind`: open, write, cut, sync-begins, sync-ends, sync-fails, name, link, unlink, mkdir,
    sent. `number` is a write's offset, a cut's size, or what a sync's beginning and end share."""

    when: float
    kind: str
    path: str
    number: int = 0
    data: bytes = b""
    to: str = ""


def command(folder: Path, *more: str) -> list[str]:
    """The words before a command that make its trace, in files `t.<thread>` of a folder."""
    how = ["strace", "-D", "-ff", "-ttt", "-T", "-y", "-xx", "-s", "4000000", "--seccomp-bpf"]
    return [*how, "-e", f"trace={CALLS}", *more, "-o", str(folder / "t")]


def read(folder: Path, root: Path) -> list[Event]:
    """All events below `root`, and all that was sent, in the order of time."""
    serial = count()
    found = [event for path in sorted(folder.glob("t.*")) for event in _thread(path, str(root), serial)]
    found.sort(key=lambda event: event.when)
    return list(_placed(found))


def _thread(path: Path, root: str, serial: "count[int]") -> Iterator[Event]:
    with path.open() as lines:
        for line in lines:
            match = _LINE.match(line)
            if match and match[4] != "?":
                yield from _events(match, root, serial)


def _events(match: "re.Match[str]", root: str, serial: "count[int]") -> Iterator[Event]:
    when, call, args, result = float(match[1]), match[2], match[3], int(match[4])
    if call in ("fsync", "fdatasync"):
        yield from _sync(when, args, result, took=float(match[7] or 0), root=root, serial=next(serial))
    elif result >= 0:
        event = _event(when, call, args, result, match[5] or "")
        if event and (event.kind == "sent" or event.path.startswith(root)):
            if call in UNSEEN:
                raise AssertionError(f"the model of the disk does not know {call}: {match[0][:200]}")
            yield event


def _sync(when: float, args: str, result: int, *, took: float, root: str, serial: int) -> Iterator[Event]:
    path = _handle(args)[1]
    if path.startswith(root):
        yield Event(when, "sync-begins", path, serial)
        yield Event(when + took, "sync-ends" if result == 0 else "sync-fails", path, serial)


def _event(when: float, call: str, args: str, result: int, handle: str) -> Event | None:
    if call in ("openat", "creat"):
        kind = "open" if "O_CREAT" in args or call == "creat" else "reopen"
        how = ("O_TRUNC" in args or call == "creat") * b"t" + ("O_APPEND" in args) * b"a"
        return Event(when, kind, _plain(handle[1:-1]), result, how)
    if call in ("rename", "renameat", "renameat2", "link", "linkat"):
        old, new = _paths(args)
        return Event(when, "name" if call.startswith("rename") else "link", old, to=new)
    if call in ("unlink", "unlinkat", "rmdir", "mkdir", "mkdirat", "symlink", "symlinkat", "truncate"):
        return Event(when, "mkdir" if call.startswith("mkdir") else "unlink", _paths(args)[-1])
    number, path, deleted = _handle(args)
    if path.startswith(("socket:", "TCP")):
        return Event(when, "sent", path, number, _data(args)[:result]) if "send" in call or "write" in call else None
    if deleted:
        return None
    return _on_file(when, call, args, result, handle=number, path=path)


def _on_file(when: float, call: str, args: str, result: int, *, handle: int, path: str) -> Event | None:
    if call == "pwrite64":
        return Event(when, "write", path, int(args.rsplit(", ", 1)[1]), _data(args)[:result])
    if call in ("write", "writev"):
        return Event(when, "append", path, handle, _data(args)[:result])
    if call == "ftruncate":
        return Event(when, "cut", path, int(args.rsplit(", ", 1)[1]))
    if call == "lseek":
        return Event(when, "seek", path, handle, str(result).encode())
    return Event(when, "other", path) if call in UNSEEN else None


def _placed(events: Iterable[Event]) -> Iterator[Event]:
    """Give plain writes their offsets, from what was opened, written and sought before."""
    at: dict[int, int] = {}
    appending: set[int] = set()
    for event in events:
        if event.kind in ("open", "reopen"):
            at[event.number] = 0
            (appending.add if b"a" in event.data else appending.discard)(event.number)
            if event.kind == "open":
                yield event
            if b"t" in event.data:
                yield Event(event.when, "cut", event.path)
        elif event.kind == "seek":
            at[event.number] = int(event.data)
        elif event.kind == "append":
            start = END if event.number in appending else at.get(event.number, 0)
            at[event.number] = start + len(event.data)
            yield event._replace(kind="write", number=start)
        else:
            yield event


def _handle(args: str) -> tuple[int, str, bool]:
    match = _HANDLE.match(args)
    return (int(match[1]), _plain(match[2]), bool(match[3])) if match else (-1, "", True)


def _paths(args: str) -> list[str]:
    """The paths of a call, absolute: those of `…at` are of the folder whose handle stands before them."""
    found: list[str] = []
    base = ""
    for match in re.finditer(r'(?:AT_FDCWD|\d+)<([^>]*)>|"((?:\\x[0-9a-f]{2})*)"', args):
        if match[2] is None:
            base = _plain(match[1])
        else:
            path = _plain(match[2])
            found.append(path if path.startswith("/") else f"{base}/{path}")
    return found


def _data(args: str) -> bytes:
    parts = _TEXT.findall(args)
    if any(cut for _, cut in parts):
        raise AssertionError("strace cut a text short")
    return b"".join(bytes.fromhex(text.replace("\\x", "")) for text, _ in parts)


def _plain(text: str) -> str:
    return bytes.fromhex(text.replace("\\x", "")).decode("utf-8", "replace") if text.startswith("\\x") else text
