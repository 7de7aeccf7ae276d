"""Checks the logs of a store, offline, by the same program that auditors run on an export (`standalone/verify.py`)."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from consent.errors import NotFound
from consent.ledger.errors import LedgerError
from consent.ledger.heads import Head, parse
from consent.ledger.snapshot_queries import Opened, Row, Snapshot
from consent.ledger.standalone import verify as standalone
from consent.ledger.standalone.verify import Fault, Report
from consent.ledger.text import decoded, encoded
from consent.ledger.tile import WIDTH

Said = Callable[[Row, str], bytes]
"""(row of a record, key of its site) to the canonical record that was committed to."""

Progress = Callable[[int, int], None]
Seen = tuple[int, bytes, str]
"""What somebody has seen of a log: size, root, and who."""

_HEAD = re.compile(r"(\S+) ([0-9]{1,15}) (\S{44})", re.ASCII)


class Stored:
    """One log of a store, as the check reads it."""

    def __init__(self, snapshot: Snapshot, log: Opened, said: Said) -> None:
        self._snapshot = snapshot
        self._log = log
        self._said = said
        self.site, self.origin, self.epoch = log.site, log.origin, log.epoch
        self.size, self.note = log.size, log.checkpoint
        self.keys = snapshot.keys(log)
        self.odd: list[tuple[int, int]] = []
        """Tiles (level, index) with another root beside them than theirs."""

    def most(self) -> int:
        """How many leaves there are."""
        return self._snapshot.count(self._log)

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """Every entry with its index."""
        for row in self._snapshot.leaves(self._log):
            yield row["leaf"], f"consent-leaf/v1\n{row['type']}\n{row['time']}\n{row['content']}\n".encode()

    def records(self) -> Iterator[tuple[int, str, object]]:
        """Leaf, salt and record, in the order of leaves; a record that cannot be read is empty, which is not sound."""
        for row in self._snapshot.records(self._log):
            try:
                record = standalone.parse_json(self._said(row, self.site))
            except (ValueError, TypeError, Fault):
                record = {}
            yield row["leaf"], row["salt"], record

    def tile(self, level: int, index: int, width: int) -> bytes | None:
        """The hashes of a full tile; partial ones are not kept."""
        if width < WIDTH:
            return None
        row = self._snapshot.tile(self._log, level, index)
        if row is None:
            raise Fault(f"tile {index} of level {level} is missing.")
        hashes: bytes = standalone.unbase64(row["hashes"], f"tile {index} of level {level}", 32 * WIDTH)
        made = standalone.fold([hashes[at : at + 32] for at in range(0, len(hashes), 32)])
        if made is None or row["root"] != encoded(made):
            self.odd.append((level, index))
        return hashes


class _Beside(NamedTuple):
    """What others have seen of the logs: the file of heads by site, the install's own log by origin."""

    noted: dict[int, Head]
    seen: Sequence[tuple[str, int, bytes, str]]

    def of(self, log: Opened) -> list[Seen]:
        """Size, root and who, of this log."""
        known = [(size, root, who) for origin, size, root, who in self.seen if origin == log.origin]
        head = self.noted.get(log.site_id)
        if head and head.epoch == log.epoch:
            known.append((head.size, _root(head.root) or b"", "ledger.heads"))
        return known


def check_store(
    file: Path,
    heads: Path | None,
    said: Said,
    *,
    site: str | None = None,
    seen: Sequence[tuple[str, int, bytes, str]] = (),
    progress: Progress | None = None,
) -> list[Report]:
    """Check every log of a store, or those of one site; a report for each, of the install's own first.

    Args:
        file: the SQLite file.
        heads: the file of heads beside it; None where it is not there.
        said: what a record's row commits to.
        site: only this one.
        seen: what others have seen of logs: origin, size, root, and who.
        progress: told how many leaves of how many are done.

    Raises StoreError when the file is no store, NotFound when there is no such site.
    """
    noted = parse(heads.read_text("ascii", errors="replace")) if heads and heads.exists() else {}  # before the snapshot
    with Snapshot(file) as snapshot:
        logs = [log for log in snapshot.logs() if site is None or log.site == site]
        if site is not None and not logs:
            raise NotFound("no_log", f"The store has no log of {site!r}.", "See which it has: consent ledger list.")
        beside = _Beside(noted, [*seen, *_published(snapshot)])
        reports: list[Report] = []
        for _, epochs in groupby(logs, key=lambda log: log.site_id):
            ours = list(epochs)
            found: list[Report] = []
            for log in reversed(ours):  # later epochs first: they tell what was erased of former ones
                gone = [span for later in found for span in later.erased.get(log.epoch, ())]
                found.append(_check_log(snapshot, log, (beside, gone), said, progress))
            found.reverse()
            _check_site(snapshot, ours[-1], found, noted.get(ours[-1].site_id))
            reports += found
        return reports


def _check_log(
    snapshot: Snapshot, log: Opened, told: tuple[_Beside, list[tuple[int, int]]], said: Said, progress: Progress | None
) -> Report:
    stored = Stored(snapshot, log, said)
    beside, gone = told
    report = standalone.check(stored, beside.of(log), progress, gone)
    lines = log.checkpoint.split("\n")
    if lines[1:3] != [str(log.size), log.root]:
        report.tell("the columns of the head tell another size or root than the checkpoint does.")
    for level, index in stored.odd:
        first, end = (at * WIDTH ** (level + 1) for at in (index, index + 1))
        if not any(fault.index is not None and first <= fault.index < end for fault in report.faults):
            report.tell(f"tile {index} of level {level} does not have the root that stands beside it.", first)
    for level, follows in snapshot.tiles(log).items():
        full = report.size // WIDTH ** (level + 1)
        if follows > full:
            report.tell(f"there are tiles of level {level} beyond the end.", full * WIDTH ** (level + 1))
    report.sort()
    return report


def _check_site(snapshot: Snapshot, newest: Opened, reports: list[Report], head: Head | None) -> None:
    """What concerns all epochs of a site: what the file of heads has seen, records of no log, how epochs follow."""
    last = reports[-1]
    if head and head.epoch > newest.epoch:
        last.tell(f"ledger.heads has seen epoch {head.epoch} of this log, and the store has not: it is older.")
    for stray in snapshot.strays(newest.site_id):
        last.tell(f"the record {stray['id']} names a log that is not there, of epoch {stray['epoch']}.")
    count = snapshot.unlogged(newest.site_id)
    if count:
        last.notes.append(f"{count} records are in no log: nothing proves them.")
    standalone.compare_epochs(reports)
    last.sort()


def _published(snapshot: Snapshot) -> list[tuple[str, int, bytes, str]]:
    """The last head of each site's log that the install's own log names."""
    seen: dict[str, tuple[str, int, bytes, str]] = {}
    for log in (log for log in snapshot.logs() if log.site_id == 0):
        for row in snapshot.leaves(log):
            found = _HEAD.fullmatch(row["content"]) if row["type"] == "head" else None
            root = _root(found[3]) if found else None
            if found and root:  # one that does not read was altered, which the check of that log tells
                seen[found[1]] = (found[1], int(found[2]), root, f"leaf {row['leaf']} of {log.origin}")
    return list(seen.values())


def _root(text: str) -> bytes | None:
    try:
        return decoded(text, "A root", 32)
    except LedgerError:
        return None
