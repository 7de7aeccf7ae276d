"""A witness of our own: it cosigns a checkpoint only when it follows from the one that it cosigned before."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from consent.ledger.checkpoint import Checkpoint
from consent.ledger.cosign import Cosigner
from consent.ledger.errors import LedgerError
from consent.ledger.memory import Memory
from consent.ledger.merkle import EMPTY_ROOT, verify_consistency
from consent.ledger.note import Vkey, open_note, split_note
from consent.ledger.text import decoded, number

MAX_BODY = 65_536
"""Bytes of a request; the largest checkpoint with 63 hashes takes a tenth of it."""

LONGEST = 63
"""Hashes of a proof at most (C2SP tlog-witness)."""

SIZE_KIND = "text/x.tlog.size"


class Told(NamedTuple):
    """An answer: status, media type and text."""

    status: int
    kind: str
    text: str


class Asked(NamedTuple):
    """A request that reads: from which size, by which proof, to which checkpoint."""

    old: int
    path: list[bytes]
    note: str
    checkpoint: Checkpoint


class Declined(Exception):  # noqa: N818  # an answer, not a fault
    """The request is answered otherwise than by a cosignature."""

    def __init__(self, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        super().__init__(text)
        self.told = Told(status, kind, f"{text}\n")


class Witness:
    """Answers `add-checkpoint` for the logs that it knows, by origin. One thread of one process at a time a log."""

    def __init__(
        self,
        cosigner: Cosigner,
        memory: Memory,
        logs: Mapping[str, Sequence[Vkey]],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._cosigner = cosigner
        self._memory = memory
        self._logs = logs
        self._now = now
        self._locks = {origin: threading.Lock() for origin in logs}

    def add_checkpoint(self, body: bytes) -> Told:
        """Answer one request. Blocking. Raises StoreError when what it saw cannot be kept: then nothing is cosigned."""
        try:
            asked = read(body)
            self._check_signer(asked)
            origin = asked.checkpoint.origin
            with self._locks[origin], self._memory.held(origin):
                return self._cosign(asked)
        except Declined as refused:
            return refused.told

    def _check_signer(self, asked: Asked) -> None:
        vkeys = self._logs.get(asked.checkpoint.origin)
        if vkeys is None:
            raise Declined(404, "This witness does not know a log of that origin.")
        try:
            open_note(asked.note, vkeys)
        except LedgerError as error:
            raise Declined(403, str(error)) from error
        if asked.old > asked.checkpoint.size:
            raise Declined(400, "The old size is larger than that of the checkpoint.")

    def _cosign(self, asked: Asked) -> Told:
        seen = self._memory.last(asked.checkpoint.origin)
        size, root = (seen[0].size, seen[0].root) if seen else (0, EMPTY_ROOT)
        if asked.old != size:
            raise Declined(409, str(size), SIZE_KIND)
        check_growth(Checkpoint(asked.checkpoint.origin, size, root), asked.checkpoint, asked.path)
        text, _ = split_note(asked.note)
        line = self._cosigner.cosign(text, int(self._now()))
        if seen is None or asked.checkpoint.size > size:  # the same head again is no news, and anybody can send it
            self._memory.remember(asked.checkpoint.origin, asked.note + line)
        return Told(200, "text/plain; charset=utf-8", line)


def read(body: bytes) -> Asked:
    """Read a request. Raises Declined (400) for anything but what the specification allows."""
    try:
        head, blank, note = body.decode().partition("\n\n")
        first, *lines = head.split("\n")
        if not blank or not first.startswith("old ") or len(lines) > LONGEST:
            raise LedgerError("It is to be a line `old SIZE`, at most 63 hashes, a blank line and a checkpoint.")
        old = number(first.removeprefix("old "), "The old size")
        path = [decoded(line, "A hash of the proof", 32) for line in lines]
        return Asked(old, path, note, Checkpoint.parse(split_note(note)[0]))
    except ValueError as error:  # LedgerError, and what is no UTF-8
        raise Declined(400, str(error)) from error


def check_growth(seen: Checkpoint, new: Checkpoint, path: Sequence[bytes]) -> None:
    """Check that a checkpoint follows from the one seen before. Raises Declined, 409 or 422, when it does not."""
    if new.size == seen.size and new.root != seen.root:
        raise Declined(409, str(seen.size), SIZE_KIND)
    if seen.size in (0, new.size):
        if path:
            raise Declined(422, "There is nothing to prove, and yet there is a proof.")
        return
    try:
        verify_consistency(seen.size, new.size, seen.root, new.root, path)
    except LedgerError as error:
        raise Declined(422, str(error)) from error
