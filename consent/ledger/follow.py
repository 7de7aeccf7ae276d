"""Follows a log from outside: every head must be signed by the known key, and follow from the head seen before."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from consent.errors import Problem
from consent.ledger.checkpoint import Checkpoint
from consent.ledger.errors import LedgerError
from consent.ledger.memory import Memory
from consent.ledger.merkle import verify_consistency
from consent.ledger.note import Vkey, open_note
from consent.ledger.proof import consistency_path, root_at
from consent.ledger.standalone.verify import plain
from consent.ledger.tile import split, tile_path
from consent.web.fetch import Answer

Fetch = Callable[[str], Answer]


class Seen(NamedTuple):
    """What a look found: the head of the log, how far it had been followed before, and whether it is an older copy."""

    origin: str
    size: int
    before: int
    stale: bool


class Follower:
    """One log, at its public address."""

    def __init__(self, url: str, vkeys: Sequence[Vkey], memory: Memory, fetch: Fetch) -> None:
        self._url = url.rstrip("/")
        self._vkeys = vkeys
        self._memory = memory
        self._fetch = fetch

    def look(self) -> Seen:
        """Read the head and verify it against what is remembered, which then is this head. Blocking.

        Raises OSError when the log cannot be read now; Problem `log_forked` or `log_unsigned` when it is not what it
        was, or not whose it was: that is what a witness is for.
        """
        note = self._get("checkpoint").decode("utf-8", "replace")
        head = self._opened(note)
        with self._memory.held(head.origin):
            seen = self._memory.last(head.origin)
            if seen is None:
                self._check_tiles(head)
                self._memory.remember(head.origin, note)
                return Seen(head.origin, head.size, 0, False)
            try:
                stale = self._compare(seen[0], head)
            except Problem:
                self._memory.denounce(head.origin, note)
                raise
            if not stale and head.size > seen[0].size:
                self._memory.remember(head.origin, note)
            return Seen(head.origin, head.size, seen[0].size, stale)

    def _opened(self, note: str) -> Checkpoint:
        try:
            text, _ = open_note(note, self._vkeys)
            head = Checkpoint.parse(text)
        except LedgerError as error:
            raise unsigned(self._url, str(error)) from error
        if head.origin not in {vkey.name for vkey in self._vkeys}:
            raise unsigned(self._url, f"Its origin is {head.origin!r}, which is not the name of its key.")
        return head

    def _check_tiles(self, head: Checkpoint) -> None:
        """The tiles of a log that is seen for the first time lead to its head."""
        if head.size and self._computed(lambda: [root_at(head.size, head.size, self._tile)], head) != [head.root]:
            raise forked(head, head, "its tiles do not lead to its head")

    def _compare(self, seen: Checkpoint, head: Checkpoint) -> bool:
        """Whether the head is an older copy of what was seen. Raises Problem unless one follows from the other."""
        if head.size == seen.size:
            if head.root != seen.root:
                raise forked(seen, head, "there are two trees of this size")
            return False
        old, new = sorted((seen, head), key=lambda one: one.size)
        if old.size == 0:
            return new is seen
        try:
            path = self._computed(lambda: consistency_path(old.size, new.size, self._tile), new)
        except OSError:
            if new is seen:
                return True  # what was seen is not served any more; whether that lasts, further looks tell
            raise
        try:
            verify_consistency(old.size, new.size, old.root, new.root, path)
        except LedgerError as error:
            raise forked(seen, head, "the later one does not begin with the earlier one") from error
        return new is seen

    def _computed(self, make: Callable[[], list[bytes]], head: Checkpoint) -> list[bytes]:
        try:
            return make()
        except LedgerError as error:
            raise OSError(f"the tiles for {head.size} leaves do not read: {error}") from error

    def _tile(self, level: int, index: int, width: int) -> Sequence[bytes]:
        return split(self._get(tile_path(level, index, width)))

    def _get(self, path: str) -> bytes:
        answer = self._fetch(f"{self._url}/{path}")
        if answer.status != 200:
            raise OSError(f"{self._url}/{path} answers {answer.status}")
        return answer.body


def forked(seen: Checkpoint, head: Checkpoint, why: str) -> Problem:
    """Two heads of one log that contradict each other: proof that history was rewritten."""
    return Problem(
        "log_forked",
        plain(
            f"The log {head.origin} was rewritten: it showed {seen.size} leaves and shows {head.size} now, and {why}."
        ),
        "Keep this folder: its checkpoints are signed by the operator and prove it. Ask the operator.",
    )


def rolled_back(seen: Seen) -> Problem:
    """A log that goes on showing an older head."""
    return Problem(
        "log_rolled_back",
        plain(f"The log {seen.origin} shows {seen.size} leaves and showed {seen.before} before: it was rolled back."),
        "Keep this folder: its checkpoints are signed by the operator and prove it. Ask the operator.",
    )


def unsigned(url: str, why: str) -> Problem:
    """A head that the known key did not sign."""
    return Problem(
        "log_unsigned",
        plain(f"The head at {url} is not signed by the key that is known: {why}"),
        "Ask the operator for the log's key, and give it with --vkey.",
    )
