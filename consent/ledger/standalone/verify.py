#!/usr/bin/env python3
"""Checks an exported consent log, and receipts of it, without trusting whoever kept it.

    python3 verify.py [FOLDER] [--vkey KEY] [--receipt FILE]     a log; FOLDER is the one in which this file lies
    python3 verify.py --receipt FILE [--vkey KEY]                a receipt alone

Needs Python 3.8 or later and nothing else. It opens no connection and writes nothing. README.md tells what is proved.
The formats: RFC 6962 (Merkle trees), RFC 8032 (Ed25519), c2sp.org/signed-note, tlog-checkpoint, tlog-tiles, tlog-proof.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import struct
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import Callable, Iterable, Iterator, NoReturn

    Point = tuple[int, int, int, int]
    Told = tuple[int, str, dict[str, Any]]  # leaf, salt, record
    Span = tuple[int, int]  # first and last leaf
    Seen = tuple[int, bytes, str]  # size, root, who has seen it
    Progress = Callable[[int, int], None]
    Read = Callable[[int, int, int], bytes | None]
    Tell = Callable[[str, int | None], None]

ACTIONS = ("given", "partly", "refused", "changed", "withdrawn")
WIDTH = 256
LARGEST = 2**53 - 1
DEEPEST = 16
MOST_SIGNATURES = 100
LONGEST_NOTE = 1_000_000
GAP = 2**20
"""Leaves that may be missing, and the check goes on behind them; a log that claims more than it has fills no memory."""


class Fault(Exception):
    """What is wrong, in one sentence; `index` is the leaf at which it is, where it is at one.

    One that `follows` may only be the consequence of another.
    """

    def __init__(self, sentence: str, index: int | None = None, follows: bool = False) -> None:
        super().__init__(sentence)
        self.sentence, self.index, self.follows = plain(sentence), index, follows

    def __str__(self) -> str:
        return self.sentence if self.index is None else f"Leaf {self.index}: {self.sentence}"


def plain(text: str) -> str:
    """A text for the terminal: what would steer it, turn it around or hide in it is written as an escape."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


# ---- Ed25519 signatures (RFC 8032, section 5.1) ---------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def point_add(a: Point, b: Point) -> Point:
    """The sum of two points in extended coordinates (x, y, z, t)."""
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def point_multiply(times: int, point: Point) -> Point:
    """A point added to itself."""
    total = (0, 1, 1, 0)
    while times:
        if times & 1:
            total = point_add(total, point)
        point, times = point_add(point, point), times >> 1
    return total


def point_of(data: bytes) -> Point | None:
    """The point that 32 bytes stand for, or None."""
    y, sign = int.from_bytes(data, "little") & (2**255 - 1), data[31] >> 7
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or (0, 1, 1, 0)


ORDER_8 = 0x5FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
"""The y of four points of order 8; the other four of small order have 0, 1 and -1."""


def is_strong(data: bytes) -> bool:
    """Whether 32 bytes are the one spelling of a point of large order: for others, anybody can make signatures."""
    y = int.from_bytes(data, "little") & (2**255 - 1)
    return y < P and y not in (0, 1, P - 1, ORDER_8, P - ORDER_8)


def signature_holds(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the owner of the public key has signed the message."""
    key, s = point_of(public), int.from_bytes(signature[32:], "little")
    if key is None or len(signature) != 64 or s >= ORDER or not (is_strong(public) and is_strong(signature[:32])):
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    x, y, z, _ = point_add(point_multiply(s, BASE), point_multiply(ORDER - h, key))
    z = pow(z, P - 2, P)
    x, y = x * z % P, y * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


# ---- Texts: keys, signed notes, checkpoints, proofs, records --------------------------------------------------------


def unbase64(text: str, what: str, length: int | None = None) -> bytes:
    """The bytes of a base64 text in its one spelling."""
    try:
        data = base64.b64decode(text.encode(), validate=True)
    except (ValueError, UnicodeError):
        raise Fault(f"{what} is not base64.") from None
    if base64.b64encode(data).decode() != text or length not in (None, len(data)):
        raise Fault(f"{what} is not base64 of the right length.")
    return data


def number(text: str, what: str) -> int:
    """A whole number in its one spelling."""
    if not re.fullmatch(r"0|[1-9][0-9]{0,15}", text, re.ASCII) or int(text) > LARGEST:
        raise Fault(f"{what} is not a whole number.")
    return int(text)


def parse_vkey(text: str) -> tuple[str, bytes, bytes]:
    """Name, id and bytes of a public key: <name>+<8 hex>+<base64>."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not parts[0] or re.search(r"\s", parts[0]):
        raise Fault(f"{text[:80]!r} is not a public key.")
    if not is_unicode(parts[0]):
        raise Fault("The name of the public key is not UTF-8.")
    data = unbase64(parts[2], "The public key", 33)
    key_id = hashlib.sha256(parts[0].encode() + b"\n" + data).digest()[:4]
    if data[0] != 1 or parts[1] != key_id.hex():
        raise Fault("The public key's kind or id does not belong to it.")
    if not is_strong(data[1:]):
        raise Fault("The public key is one of those with which anybody can sign.")
    return parts[0], key_id, data[1:]


def is_unicode(text: str) -> bool:
    """Whether every character is one: no half of a pair stands alone."""
    try:
        text.encode()
    except UnicodeError:
        return False
    return True


def open_note(note: str, vkey: str) -> str:
    """The text of a note that this key has signed (c2sp.org/signed-note)."""
    name, key_id, public = parse_vkey(vkey)
    if len(note) > LONGEST_NOTE or not is_unicode(note):
        raise Fault("The checkpoint is too long, or not UTF-8.")
    text, blank, lines = note.rpartition("\n\n")
    if lines.count("\n") > MOST_SIGNATURES:
        raise Fault("The checkpoint has too many signatures.")
    if not blank or not lines.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", note):
        raise Fault("The checkpoint is not a signed note.")
    signed = False
    for line in lines[:-1].split("\n"):
        parts = line.split(" ")
        if len(parts) != 3 or parts[0] != "\u2014" or not parts[1] or "+" in parts[1] or re.search(r"\s", parts[1]):
            raise Fault("A signature line of the checkpoint is malformed.")
        data = unbase64(parts[2], "A signature")
        if len(data) < 5:
            raise Fault("A signature of the checkpoint is too short.")
        if (parts[1], data[:4]) == (name, key_id):
            if not signature_holds(public, data[4:], (text + "\n").encode()):
                raise Fault(f"The signature of {name} on the checkpoint does not hold.")
            signed = True
    if not signed:
        raise Fault(f"The checkpoint is not signed by the key {vkey}.")
    return text + "\n"


def open_checkpoint(note: str, vkey: str) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint that this key has signed (c2sp.org/tlog-checkpoint)."""
    lines = open_note(note, vkey).split("\n")
    if len(lines) < 4 or not all(lines[:-1]):
        raise Fault("The checkpoint does not have its three lines.")
    return lines[0], number(lines[1], "The checkpoint's size"), unbase64(lines[2], "The checkpoint's root", 32)


def parse_proof(text: str) -> tuple[bytes, int, list[bytes], str]:
    """Salt, index, path and checkpoint of a proof (c2sp.org/tlog-proof)."""
    head, blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or len(lines) < 3 or lines[0] != "c2sp.org/tlog-proof@v1" or not lines[1].startswith("extra "):
        raise Fault("The proof is not one of c2sp.org/tlog-proof@v1 with a salt.")
    if not lines[2].startswith("index ") or len(lines) > 66:
        raise Fault("The proof does not tell the index of its leaf, or is too long.")
    path = [unbase64(line, "A hash of the proof", 32) for line in lines[3:]]
    return unbase64(lines[1][6:], "The salt", 32), number(lines[2][6:], "The index"), path, checkpoint


def whole(text: str) -> int:
    """A number of JSON: every number of this log is whole."""
    value = float(text)
    if not value.is_integer() or abs(value) > LARGEST:
        fail()
    return int(text) if text.lstrip("-").isdigit() else int(value)


def parse_json(text: str | bytes) -> Any:
    """JSON as this log has it."""
    return json.loads(text, parse_float=whole, parse_int=whole, parse_constant=fail)


def canonical(record: dict[str, Any]) -> bytes:
    """A record as RFC 8785 writes it: names in order (they are ASCII), no spaces, UTF-8."""
    text = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if not text.isascii() or text.count("{") + text.count("[") > DEEPEST:
        check_shape(record)
    return text.encode()


def check_shape(value: Any, depth: int = 0) -> None:
    if depth > DEEPEST:
        fail()
    if isinstance(value, dict):
        if not all(name.isascii() for name in value):
            fail()
        value = value.values()
    elif not isinstance(value, list):
        return
    for one in value:
        check_shape(one, depth + 1)


def fail(_: object = None) -> NoReturn:
    raise Fault("The record has a name, a number or a depth that cannot be in this log.")


def site_of(origin: str) -> str:
    """The site whose log has this name; empty where it is not one of a log."""
    found = re.fullmatch(r".*?/log/([^/]+)(?:/e(?:[2-9]|[1-9][0-9]{1,4}))?", origin)
    return found.group(1) if found else ""


def commitment(salt: bytes, record: dict[str, Any]) -> bytes:
    """What a leaf holds of a record: nobody can tell the record from it without the salt."""
    try:
        return hashlib.sha256(b"consent-commit/v1\x00" + salt + canonical(record)).digest()
    except (UnicodeError, RecursionError, TypeError):
        fail()


def record_entry(salt: bytes, record: dict[str, Any]) -> bytes:
    """The bytes of the leaf of a record."""
    action, time = record.get("action"), record.get("time")
    if action not in ACTIONS or type(time) is not int or time < 0:
        raise Fault("The record lacks an action or a time.")
    content = base64.b64encode(commitment(salt, record)).decode()
    return f"consent-leaf/v1\n{action}\n{time // 1000}\n{content}\n".encode()


# ---- Merkle trees (RFC 6962, section 2.1) ---------------------------------------------------------------------------


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def follow(index: int, size: int, reached: bytes, path: list[bytes]) -> bytes:
    """The root to which a path leads from a leaf hash (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        raise Fault(f"There is no leaf {index} in a log of {size}.")
    last = size - 1
    for sibling in path:
        if last == 0:
            raise Fault("The proof is longer than the way to the root.")
        if index & 1 or index == last:
            reached = node_hash(sibling, reached)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            reached = node_hash(reached, sibling)
        index, last = index >> 1, last >> 1
    if last:
        raise Fault("The proof ends before the root.")
    return reached


def verify_receipt(record: dict[str, Any], proof: str, vkey: str) -> tuple[str, int, int, bytes]:
    """Origin, index, size and root of the log that a receipt proves; raises Fault when it proves nothing."""
    salt, index, path, note = parse_proof(proof)
    origin, size, root = open_checkpoint(note, vkey)
    if origin != parse_vkey(vkey)[0]:
        raise Fault("The checkpoint is of another log than the key.")
    if not site_of(origin) or record.get("site") != site_of(origin):
        raise Fault("The record is of another site than the log.")
    if follow(index, size, leaf_hash(record_entry(salt, record)), path) != root:
        raise Fault("The proof does not lead from this record to the signed root: one of them was altered.")
    return origin, index, size, root


class Tree:
    """Grows leaf by leaf, compares every tile that is full with the stored one, and knows its root at any moment.

    A hash is None where it is unknown, because something below it is missing or was altered and has been told already.
    """

    def __init__(self, tile: Read, tell: Tell) -> None:
        self.size, self.tile, self.tell = 0, tile, tell
        self.levels: list[tuple[int, list[bytes | None]]] = []

    def push(self, one: bytes | None) -> None:
        self.size += 1
        level = 0
        while True:
            if level == len(self.levels):
                self.levels.append((0, []))
            index, hashes = self.levels[level]
            hashes.append(one)
            if len(hashes) < WIDTH:
                return
            one = fold(hashes) if self.compare(level, index, hashes) else None
            self.levels[level] = (index + 1, [])
            level += 1

    def compare(self, level: int, index: int, hashes: list[bytes | None]) -> bool:
        """Whether the stored tile holds these hashes; tells the first leaf under one that differs."""
        span = WIDTH**level
        try:
            stored = self.tile(level, index, len(hashes))
        except Fault as fault:
            self.tell(fault.sentence, index * WIDTH * span)
            return False
        if stored is None or None in hashes:
            return None not in hashes
        for at, one in enumerate(hashes):
            if stored[32 * at : 32 * at + 32] != one:
                what = "its entry does not have" if level == 0 else "the leaves from here on do not have"
                self.tell(f"{what} the hash that tile {index} of level {level} holds.", (index * WIDTH + at) * span)
                return False
        if len(stored) != 32 * len(hashes):
            self.tell(f"tile {index} of level {level} has the wrong length.", index * WIDTH * span)
            return False
        return True

    def compare_partial(self) -> None:
        for level, (index, hashes) in enumerate(self.levels):
            if hashes:
                self.compare(level, index, hashes)

    def root(self) -> bytes | None:
        """The root over all leaves so far, or None."""
        if not self.size:
            return hashlib.sha256(b"").digest()
        tail = b""
        for _, hashes in self.levels:
            folded = fold(hashes, tail)
            if folded is None:
                return None
            tail = folded
        return tail


def fold(hashes: list[bytes | None], tail: bytes = b"") -> bytes | None:
    """The root over full subtrees of equal size, and what stands to the right of them."""
    known = [one for one in hashes if one is not None]
    end = len(hashes)
    if len(known) != end:
        return None
    while end:
        width = end & -end
        row = known[end - width : end]
        while len(row) > 1:
            row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
        tail = node_hash(row[0], tail) if tail else row[0]
        end -= width
    return tail


# ---- Logs -----------------------------------------------------------------------------------------------------------


class Report:
    """What the check of one log has found.

    `faults` are told lowest leaf first; `lost` is what others cannot show to be sound, for it is not here; `notes` are
    neither but should be known.
    """

    def __init__(self, origin: str) -> None:
        self.origin, self.size, self.signed_by = origin, 0, ""
        self.root: bytes | None = None
        self.faults: list[Fault] = []
        self.lost: list[str] = []
        self.notes: list[str] = []
        self.kinds: Counter[str] = Counter()
        self.first: tuple[str, str] | None = None
        self.erased: dict[int, list[tuple[int, int]]] = {}  # of former epochs, as this log tells it

    def tell(self, sentence: str, index: int | None = None, follows: bool = False) -> None:
        self.faults.append(Fault(sentence, index, follows))
        if len(self.faults) > 200:  # sorted and cut, so that a log that is wrong everywhere fills no memory
            self.sort()

    @property
    def verdict(self) -> str:
        """`WRONG`, `incomplete` or `sound`."""
        return "WRONG" if self.faults else "incomplete" if self.lost else "sound"

    def sort(self) -> None:
        self.faults.sort(key=lambda fault: (fault.follows, LARGEST if fault.index is None else fault.index))
        del self.faults[100:]


class Walk:
    """One way through a log from its first leaf to its last.

    A log has: `site`, `origin`, `epoch`, `size`, `keys` (vkey, size from which it signs), `note` (signed checkpoint),
    `most()`, how many leaves it can hold at most going by what is stored,
    `entries()` (index, bytes), `records()` (leaf, salt, record), both in order, and `tile(level, index, width)`, the
    bytes of a tile or None where none is kept. `known` are roots that others have seen: (size, root, who). `gone` are
    the leaves of this log that later epochs tell as erased: (first, last).
    """

    def __init__(
        self, log: Any, known: Iterable[Seen] = (), progress: Progress | None = None, gone: Iterable[Span] = ()
    ) -> None:
        self.log, self.known, self.progress = log, sorted(known, key=lambda one: one[0]), progress
        self.gone = gone
        self.report = Report(log.origin)
        self.tell = self.report.tell
        self.tree = Tree(log.tile, self.tell)
        self.records: Iterator[Told] = iter(log.records())
        self.record: Told | None = None
        self.bare = self.erased = bytearray()
        self.end = 0

    def check(self) -> Report:
        """Go all the way and report. One pass, memory of two bits a leaf."""
        report = self.report
        self.record = next(self.records, None)
        root = self.open()
        self.end = min(report.size, self.log.most() + GAP)
        self.bare, self.erased = bytearray(self.end // 8 + 1), bytearray(self.end // 8 + 1)
        for low, high in self.gone:
            self.mark(low, min(high, self.end - 1))
        self.leaves()
        self.leftovers()
        self.tree.compare_partial()
        reached = self.tree.root()
        partial = report.size - report.size % WIDTH
        if root is not None and reached is not None and reached != root and not report.faults:
            self.tell("from here on a leaf was altered, or the checkpoint is of other leaves.", partial)
        self.compare_erased(sure=reached is not None and reached == root)
        report.root = reached
        report.sort()
        if self.progress:
            self.progress(report.size, report.size)
        return report

    def open(self) -> bytes | None:
        log = self.log
        try:
            signing = [vkey for vkey, since in log.keys]
            if not signing:
                raise Fault("No key of this log is known.")
            self.report.signed_by = signing[-1]
            origin, self.report.size, root = open_checkpoint(log.note, signing[-1])
            if origin != log.origin or any(parse_vkey(vkey)[0] != log.origin for vkey in signing):
                raise Fault(f"The checkpoint or a key is of another log than {log.origin}.")
            if site_of(origin) != log.site:
                raise Fault(f"{log.origin} is not the name of a log of {log.site}.")
            return root
        except Fault as fault:
            self.tell(str(fault))
            self.report.size = log.size
            return None

    def leaves(self) -> None:
        size, at = self.end, 0
        for index, entry in self.log.entries():
            if index < at:
                self.tell("it is there twice.", index)
                continue
            if index >= size:
                self.tell("it is beyond the end that the checkpoint tells.", index)
                break
            if index > at:
                at = self.missing(at, index)
            self.leaf(index, entry)
            at += 1
        if at < size:
            self.missing(at, size)
        if size < self.report.size:
            self.tell(f"it is missing, as are those up to {self.report.size - 1}.", size)
        self.milestones(beyond=True)

    def missing(self, first: int, end: int) -> int:
        self.tell("it is missing" + (f", as are those up to {end - 1}." if end > first + 1 else "."), first)
        for index in range(first, end):
            self.push(None)
            self.take(index)
        return end

    def push(self, one: bytes | None) -> None:
        self.milestones()
        self.tree.push(one)
        if self.progress and not self.tree.size % 4096:
            self.progress(self.tree.size, self.report.size)

    def milestones(self, *, beyond: bool = False) -> None:
        """Compare with what others have seen of this log when it was this long."""
        while self.known and (beyond or self.known[0][0] <= self.tree.size):
            size, root, who = self.known.pop(0)
            if size > self.tree.size:
                why = "it was cut off or replaced, or this is an older copy"
                self.tell(f"{who} has seen this log with {size} leaves: {why}.", self.tree.size)
            elif self.tree.root() not in (None, root):
                self.tell(f"{who} has seen other leaves than these among the first {size}.")

    def leaf(self, index: int, entry: bytes) -> None:
        self.push(leaf_hash(entry))
        found = self.take(index)
        parts = entry.decode("utf-8", "replace").split("\n")
        if len(parts) != 5 or parts[0] != "consent-leaf/v1" or parts[4] or not parts[2].isdigit():
            self.tell("it is not an entry of consent-leaf/v1.", index)
            return
        kind, content = parts[1], parts[3]
        self.report.kinds[kind] += 1
        if kind in ACTIONS:
            self.compare_record(index, entry, found)
        elif found:
            self.tell(f"a record names it, but its kind, {kind[:20]!r}, has none.", index)
        if kind == "erased":
            self.mark_erased(index, content)
        elif kind == "epoch" and not (index == 0 and self.log.epoch > 1):
            self.tell("only a later epoch begins so.", index)
        elif kind not in (*ACTIONS, "epoch", "head"):
            self.tell(f"its kind, {kind[:20]!r}, is not known.", index)
        if index == 0:
            self.report.first = (kind, content)

    def take(self, index: int) -> list[Told]:
        """The records that name this leaf."""
        found = []
        while self.record is not None and self.record[0] <= index:
            if self.record[0] < index:
                self.tell("a record names it out of order.", self.record[0])
            else:
                found.append(self.record)
            self.record = next(self.records, None)
        return found

    def compare_record(self, index: int, entry: bytes, found: list[Told]) -> None:
        if not found:
            self.bare[index >> 3] |= 1 << (index & 7)
        if len(found) > 1:
            self.tell(f"{len(found)} records name it.", index)
        for _, salt, record in found:
            try:
                made = record_entry(unbase64(salt, "its salt", 32), record)
            except Fault as fault:
                self.tell(fault.sentence, index)
                continue
            if record.get("site") != self.log.site:
                self.tell("its record is of another site.", index)
            elif made != entry:
                self.tell("its record and salt are not what was committed to: one of the three was altered.", index)

    def leftovers(self) -> None:
        if self.record is not None:
            self.tell("a record names it, and there is no such leaf.", self.record[0])

    def mark_erased(self, index: int, content: str) -> None:
        former = re.match(r"([1-9][0-9]{0,4}):", content, re.ASCII)
        epoch = int(former.group(1)) if former else self.log.epoch
        last = -1
        for part in content[former.end() if former else 0 :].split(","):
            found = re.fullmatch(r"([0-9]{1,15})(?:-([0-9]{1,15}))?", part, re.ASCII)
            low, high = (int(found.group(1)), int(found.group(2) or found.group(1))) if found else (0, -1)
            if not last < low <= high < (LARGEST if former else index) or (former and epoch >= self.log.epoch):
                self.tell("it does not tell earlier leaves that were erased, in ascending ranges.", index)
                return
            if former:
                self.report.erased.setdefault(epoch, []).append((low, high))
            else:
                self.mark(low, high)
            last = high

    def mark(self, low: int, high: int) -> None:
        for one in range(low, high + 1):
            self.erased[one >> 3] |= 1 << (one & 7)

    def compare_erased(self, sure: bool) -> None:
        """A leaf has no record if, and only if, a later leaf tells that it was erased; it may be one that is gone."""
        if self.bare == self.erased:
            return
        for at, (bare, erased) in enumerate(zip(self.bare, self.erased)):
            for bit in range(8) if bare != erased else ():
                if (bare ^ erased) >> bit & 1:
                    gone = "it has no record, and no later leaf tells that it was erased."
                    kept = "it was erased, but has a record or never had one."
                    self.tell(gone if bare >> bit & 1 else kept, 8 * at + bit, follows=not sure)


def compare_epochs(reports: list[Report]) -> None:
    """Every later epoch begins with the last checkpoint known of the former one."""
    if reports and reports[0].first and reports[0].first[0] == "epoch":
        reports[0].lost.append(f"It continues {reports[0].first[1].partition(' ')[0]}, which is not here.")
    for former, later in zip(reports, reports[1:]):
        kind, content = later.first or ("", "")
        parts = content.split(" ")
        if kind != "epoch" or len(parts) != 3 or not re.fullmatch("[0-9]{1,15}", parts[1], re.ASCII):
            later.tell("a later epoch begins by naming the end of the former one, and this one does not.", 0)
        elif parts[0] != former.origin:
            later.lost.append(f"It continues {parts[0]} ({parts[1]} leaves), which is not here.")
        elif int(parts[1]) > former.size:
            lost = int(parts[1]) - former.size
            later.lost.append(f"The former log had {lost} leaves more: they were lost before this one began.")
        elif int(parts[1]) < former.size:
            later.tell("it names an end before the former log's last leaf: that one went on after it.", 0)
        elif former.root is not None and parts[2] != base64.b64encode(former.root).decode():
            later.tell("it names another root than that of the former log.", 0)
        later.sort()


# ---- Exports --------------------------------------------------------------------------------------------------------


def tile_path(level: int | str, index: int, width: int) -> str:
    """The path of a tile (c2sp.org/tlog-tiles): 1234067 is x001/x234/067."""
    digits = str(index).zfill((len(str(index)) + 2) // 3 * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
    return f"tile/{level}/{name}" + (f".p/{width}" if width < WIDTH else "")


class Export:
    """One log of an export, read from its folder."""

    def __init__(self, folder: Path, site: str, told: dict[str, Any]) -> None:
        self.site, self.origin, self.epoch = site, told["origin"], told["epoch"]
        self.keys = [(key["vkey"], key["since"]) for key in told["keys"]]
        texts = [site, self.origin, *(vkey for vkey, _ in self.keys)]
        if (
            type(self.epoch) is not int
            or not 0 < self.epoch < 100_000
            or not all(isinstance(one, str) for one in texts)
        ):
            raise ValueError("an epoch, a name or a key is none")
        self.folder = folder / (f"e{self.epoch}" if self.epoch > 1 else ".")
        self.note, self.size = self.read("checkpoint").decode("utf-8", "replace"), number(str(told["size"]), "A size")
        self.notices: set[str] = set()

    def most(self) -> int:
        return WIDTH * sum(1 for path in (self.folder / "tile" / "entries").rglob("*") if path.is_file())

    def read(self, path: str) -> bytes:
        try:
            return (self.folder / path).read_bytes()
        except OSError as error:
            raise Fault(f"{path} cannot be read: {error.strerror}.") from None

    def tile(self, level: int, index: int, width: int) -> bytes:
        return self.read(tile_path(level, index, width))

    def entries(self) -> Iterator[tuple[int, bytes]]:
        for first in range(0, min(self.size, self.most() + GAP), WIDTH):
            try:
                data = self.read(tile_path("entries", first // WIDTH, min(WIDTH, self.size - first)))
            except Fault:
                continue  # the walk tells of the leaves that are missing
            at, index = 0, first
            while at + 2 <= len(data):
                (length,) = struct.unpack_from(">H", data, at)
                yield index, data[at + 2 : at + 2 + length]
                at, index = at + 2 + length, index + 1

    def records(self) -> Iterator[Told]:
        try:
            lines = (self.folder / "records.ndjson").open("rb")
        except OSError as error:
            raise Fault(f"records.ndjson cannot be read: {error.strerror}.") from None
        last = -1
        with lines:
            for count, line in enumerate(lines, 1):
                try:
                    told = parse_json(line)
                    leaf, salt, record = told["leaf"], told["salt"], dict(told["record"])
                    if type(leaf) is not int or leaf < 0 or not isinstance(salt, str):
                        raise ValueError
                except (ValueError, KeyError, TypeError, RecursionError):
                    raise Fault(f"Line {count} of records.ndjson is not a record.", last + 1) from None
                if isinstance(record.get("notice"), str):
                    self.notices.add(record["notice"])
                last = leaf
                yield leaf, salt, record


def check_export(
    folder: Path, known: Iterable[tuple[str, int, bytes, str]] = (), progress: Progress | None = None
) -> list[Report]:
    """Check every log of an exported folder; a report for each."""
    try:
        told = json.loads((folder / "log.json").read_text("utf-8"))
        logs = [Export(folder, told["site"], one) for one in told["epochs"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Fault(f"{folder} is not an exported log: log.json is missing or damaged ({error}).") from None
    reports: list[Report] = []
    for log in reversed(logs):  # later epochs first: they tell what was erased of former ones
        seen = [(size, root, who) for origin, size, root, who in known if origin == log.origin]
        gone = [span for later in reports for span in later.erased.get(log.epoch, ())]
        reports.append(check(log, seen, progress, gone))
        named = log.notices - {""}
        there = {path.stem for path in (folder / "notices").glob("*.json")}
        absent = len(named - there)
        if absent:
            reports[-1].notes.append(f"{absent} of {len(named)} notices that records name are not in the export.")
    reports.reverse()
    compare_epochs(reports)
    for path in sorted((folder / "notices").glob("*.json")):
        if hashlib.sha256(path.read_bytes()).hexdigest() != path.stem:
            reports[-1].tell(f"The notice {path.name} is not what its name tells: it was altered.")
    return reports


def check(log: Any, known: Iterable[Seen] = (), progress: Progress | None = None, gone: Iterable[Span] = ()) -> Report:
    """Check one log; what stops the check is a fault of the report, too."""
    walk = Walk(log, known, progress, gone)
    try:
        return walk.check()
    except Fault as fault:
        walk.tell(fault.sentence, fault.index)
        walk.report.sort()
        return walk.report


# ---- The command ----------------------------------------------------------------------------------------------------


def evidence_of(path: str | Path) -> list[tuple[dict[str, Any], str, str]]:
    """The (record, proof, vkey) of a receipt file."""
    try:
        told = parse_json(Path(path).read_text("utf-8"))
        evidence = told["evidence"] if isinstance(told, dict) and "evidence" in told else told
        pieces = evidence if isinstance(evidence, list) else [evidence]
        found = [(one["record"], one["proof"], one["vkey"]) for one in pieces]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Fault(f"{path} is not a receipt: it has no evidence of record, proof and vkey ({error}).") from None
    if not found or any(not isinstance(one[0], dict) or {type(one[1]), type(one[2])} != {str} for one in found):
        raise Fault(f"{path} is not a receipt: its evidence is not of record, proof and vkey.")
    return found


def check_receipt(path: str | Path, vkeys: Iterable[str] = ()) -> list[tuple[str, int, int, bytes]]:
    """Origin, index, size and root of each piece of evidence in a receipt file."""
    found = []
    for record, proof, vkey in evidence_of(path):
        if vkeys and vkey not in vkeys:
            raise Fault(f"The receipt is signed by {vkey}, which is not a key that you named.")
        found.append(verify_receipt(record, proof, vkey))
    return found


def bar(done: int, total: int) -> None:
    """A progress bar for people; nothing for pipes."""
    if sys.stderr.isatty():
        part = 40 * done // max(1, total)
        end = "\r" if done < total else "\r\x1b[K"
        sys.stderr.write(f"[{'#' * part}{'.' * (40 - part)}] {done} of {total} leaves{end}")
        sys.stderr.flush()


def told(report: Report) -> str:
    """A report as lines of text."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(report.kinds.items()))
    lines = [f"{report.origin}: {report.size} leaves ({kinds or 'empty'})"]
    if report.root is not None:
        lines.append(f"  root    {base64.b64encode(report.root).decode()}")
    lines.append(f"  key     {report.signed_by or 'none is known'}")
    lines += [f"  note    {note}" for note in report.notes]
    lines += [f"  LOST    {lost}" for lost in report.lost]
    lines += [f"  WRONG   {fault}" for fault in report.faults[:20]]
    if len(report.faults) > 20:
        lines.append("  WRONG   and more: the first is what to look at.")
    return "\n".join(plain(line) for line in lines + ([] if report.faults else [f"  {report.verdict}"]))


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0: all is sound; 1: something is wrong; 2: the question was; 3: nothing is, but not all is here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--vkey", action="append", default=[], help="a key that you know to be the operator's")
    parser.add_argument("--receipt", action="append", default=[], metavar="FILE", help="a visitor's receipt")
    asked = parser.parse_args(arguments)
    folder = asked.folder or (None if asked.receipt else Path(__file__).resolve().parent)
    try:
        known = []
        for path in asked.receipt:
            for origin, index, size, root in check_receipt(path, asked.vkey):
                print(plain(f"{path}: sound. It is leaf {index} of {origin}, which had {size} leaves then."))
                known.append((origin, size, root, path))
        reports = check_export(folder, known, bar) if folder else []
    except Fault as fault:
        print(f"WRONG: {fault}")
        return 1
    for report in reports:
        print(told(report))
    strangers = [report.signed_by for report in reports if asked.vkey and report.signed_by not in asked.vkey]
    for vkey in strangers:
        print(f"WRONG: {plain(vkey)} signs a log, and is not a key that you named.")
    if reports and not asked.vkey:
        print("Compare the keys with those that the operator publishes, then name them with --vkey.")
    if strangers or any(report.faults for report in reports):
        return 1
    return 3 if any(report.lost for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
