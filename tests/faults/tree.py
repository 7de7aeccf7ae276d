"""A log's tree, computed anew from its rows and the written formats alone: RFC 6962 and docs/formats.md, section 10.

Nothing of the product is used, so that a fault of the product's own trees is found as well.
"""

import sqlite3
from base64 import b64decode, b64encode
from hashlib import sha256
from typing import NamedTuple

Log = tuple[int, int]
"""Site number and epoch."""


class Checkpoint(NamedTuple):
    """What an acknowledged proof says of its log."""

    origin: str
    size: int
    root: str


def checkpoint_of(proof: str) -> Checkpoint:
    """The checkpoint inside a `tlog-proof`, or of a signed note by itself."""
    for part in proof.split("\n\n"):
        lines = part.split("\n")
        if len(lines) >= 3 and lines[1].isdecimal():
            return Checkpoint(lines[0], int(lines[1]), lines[2])
    raise AssertionError(f"no checkpoint in {proof!r}")


def roots(entries: list[bytes]) -> list[str]:
    """The root (base64) of the tree at every size from 0 on."""
    found = [sha256(b"").digest()]
    peaks: list[tuple[int, bytes]] = []
    for entry in entries:
        peaks.append((1, sha256(b"\0" + entry).digest()))
        while len(peaks) > 1 and peaks[-2][0] == peaks[-1][0]:
            (width, left), (_, right) = peaks[-2:]
            peaks[-2:] = [(2 * width, sha256(b"\1" + left + right).digest())]
        root = peaks[-1][1]
        for _, left in reversed(peaks[:-1]):
            root = sha256(b"\1" + left + root).digest()
        found.append(root)
    return [b64encode(root).decode() for root in found]


class Trees(NamedTuple):
    """Every log of a store: its roots at every size by origin, and what is wrong with them."""

    roots: dict[str, list[str]]
    faults: list[str]

    def contradicts(self, proof: str) -> str:
        """Why the checkpoint of an acknowledged proof is not one of this store's; empty when it is."""
        told = checkpoint_of(proof)
        known = self.roots.get(told.origin, [])
        if told.size >= len(known):
            return f"its checkpoint has {told.size} leaves, the log {len(known) - 1}"
        return "" if known[told.size] == told.root else f"its checkpoint's root at {told.size} is another"


def read(store: sqlite3.Connection) -> Trees:
    """The trees of a store; of one older than the ledger there are none."""
    if not store.execute("select 1 from sqlite_schema where name = 'ledger'").fetchone():
        return Trees({}, [])
    trees = Trees({}, [])
    for site, epoch, origin, size, root, note in store.execute(
        "select site_id, epoch, origin, size, root, checkpoint from ledger join ledger_head using (site_id, epoch)"
    ).fetchall():
        entries = _entries(store, (site, epoch))
        trees.roots[origin] = known = roots(entries)
        if (len(entries), known[-1]) != (size, root) or checkpoint_of(note) != (origin, size, root):
            trees.faults.append(f"{origin}: the head of {size} leaves is not that of its {len(entries)} rows")
        trees.faults.extend(_uncommitted(store, (site, epoch), len(entries)))
    return trees


def _entries(store: sqlite3.Connection, log: Log) -> list[bytes]:
    rows = store.execute(
        "select leaf, type, time, content from ledger_leaf where site_id = ? and epoch = ? order by leaf", log
    ).fetchall()
    assert [row[0] for row in rows] == list(range(len(rows))), "leaves are numbered without gaps"
    return [f"consent-leaf/v1\n{kind}\n{time}\n{content}\n".encode() for _, kind, time, content in rows]


def _uncommitted(store: sqlite3.Connection, log: Log, size: int) -> list[str]:
    """Records and leaves must answer to each other, one to one."""
    stored = {
        row[0]: (row[1], row[2] // 1000)
        for row in store.execute(
            "select leaf, action, time from consent_record where site_id = ? and epoch = ? and leaf >= 0", log
        )
    }
    said = {
        row[0]: (row[1], row[2])
        for row in store.execute("select leaf, type, time from ledger_leaf where site_id = ? and epoch = ?", log)
        if row[1] not in ("epoch", "head", "erased")
    }
    erased = _erased(store, log)
    wrong = {leaf for leaf in stored.keys() | said.keys() if stored.get(leaf) != said.get(leaf)} - erased
    return [f"log {log}: leaves and records differ at {sorted(wrong)[:5]} of {size}"] if wrong else []


def _erased(store: sqlite3.Connection, log: Log) -> set[int]:
    """The leaves of a log that were erased, as it or a later epoch's log says (`1:17` there)."""
    found: set[int] = set()
    site, ours = log
    for epoch, content in store.execute(
        "select epoch, content from ledger_leaf where site_id = ? and type = 'erased'", (site,)
    ):
        named, _, ranges = content.rpartition(":")
        for part in ranges.split(",") if int(named or epoch) == ours else []:
            first, _, last = part.partition("-")
            found |= set(range(int(first), int(last or first) + 1))
    return found


def commitment(salt: str, record: bytes) -> str:
    """What a leaf holds of a record (base64)."""
    return b64encode(sha256(b"consent-commit/v1\0" + b64decode(salt) + record).digest()).decode()
