"""Checkpoints of C2SP tlog-checkpoint: what a log says of itself, and signs."""

from typing import NamedTuple

from consent.ledger.errors import LedgerError
from consent.ledger.text import decoded, encoded, number


class Checkpoint(NamedTuple):
    """A log's name, its number of leaves and the root over them; further lines are opaque, and ours have none."""

    origin: str
    size: int
    root: bytes
    extension: tuple[str, ...] = ()

    def format(self) -> str:
        """The text to sign: three lines or more."""
        lines = (self.origin, str(self.size), encoded(self.root), *self.extension)
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """The checkpoint of a note's text. Raises LedgerError for anything but its one spelling."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() != "":
            raise LedgerError("A checkpoint is to have three lines, each with its end.")
        if not all(lines):
            raise LedgerError("A checkpoint has no empty line.")
        root = decoded(lines[2], "The checkpoint's root", 32)
        return cls(lines[0], number(lines[1], "The checkpoint's size"), root, tuple(lines[3:]))
