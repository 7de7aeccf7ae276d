"""Whether the service is well: what waits, what was dropped and why, how far the log has come, disk, backup. Pure."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from consent.web import figures

Grade = Literal["good", "warn", "bad"]

OLD_BACKUP = 2 * 86_400_000
"""Milliseconds after which the last backup is old."""

SCARCE = (0.10, 0.03)
"""Free part of the disk below which it is told, and below which it is urgent."""

FULL = 0.5
"""Part of a queue that is filled when it is told."""

REASONS = {
    "buffer-full": "more came than the buffer holds",
    "store-refused": "the store did not take them",
    "withdrawn": "the visitor had withdrawn",
    "too-old": "they happened too long ago",
    "no-consent": "the visitor had not agreed",
    "bot": "a bot sent them",
}
"""What the words of the visitors' log mean; others stand as they are."""


class Check(msgspec.Struct, frozen=True):
    """One thing looked at: how it is, and what to do where it is not well."""

    name: str
    grade: Grade
    says: str
    remedy: str = ""


class Head(msgspec.Struct, frozen=True):
    """How far a log has come; `time` of its newest entry in ms."""

    origin: str
    epoch: int
    size: int
    root: str
    time: int
    vkey: str


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What the page says; its JSON face is this. `dropped`: events by reason and number, most first."""

    checks: tuple[Check, ...]
    head: Head | None
    dropped: tuple[tuple[str, int], ...]
    dropped_by_hour: tuple[int, ...]
    files: tuple[tuple[str, int], ...]

    @property
    def grade(self) -> Grade:
        """The worst of all."""
        grades = {check.grade for check in self.checks}
        return "bad" if "bad" in grades else "warn" if "warn" in grades else "good"


def choices(failure: str, waiting: int, most: int) -> Check:
    """Whether choices are recorded."""
    name = "Choices"
    if failure:
        return Check(name, "bad", f"Choices cannot be recorded: {failure}.", "Visitors are asked again until they can.")
    if waiting > most * FULL:
        return Check(name, "warn", f"{waiting:,} of {most:,} places in the queue are taken.", "The disk is slow.")
    return Check(name, "good", f"They are recorded; {waiting:,} wait{'s' * (waiting == 1)} for the disk.")


def buffer(waiting: int | None, most: int, dropped: int, failure: str) -> Check:
    """Whether events of visits are stored; `waiting` is None where they are not, and `failure` says why."""
    name = "Visits"
    if waiting is None:
        return Check(name, "bad", f"Visits are not kept: {failure}.", "Mend that, and start the service again.")
    if waiting > most * FULL:
        return Check(name, "warn", f"{waiting:,} of {most:,} events wait.", "Events beyond that are dropped.")
    if dropped:
        were = "was" if dropped == 1 else "were"
        return Check(name, "good", f"{_waiting(waiting)}; {dropped:,} {were} dropped in the last day.")
    return Check(name, "good", f"{_waiting(waiting)}; none was dropped in the last day.")


def ledger(refused: str | None, head: Head | None) -> Check:
    """Whether the site's log grows."""
    name = "Ledger"
    if refused:
        return Check(name, "bad", refused, "No choice of this site is recorded until that is settled.")
    if head is None:
        return Check(name, "good", "It begins with the first choice.")
    return Check(name, "good", f"{head.size:,} {'entry' if head.size == 1 else 'entries'} in epoch {head.epoch}.")


def disk(free: int, total: int) -> Check:
    """Whether there is room."""
    name, part = "Disk", free / total if total else 1.0
    says = f"{figures.size(free)} of {figures.size(total)} are free."
    if part < SCARCE[1]:
        return Check(name, "bad", says, "Make room: when the disk is full, no choice can be recorded.")
    return Check(name, "warn", says, "Make room soon.") if part < SCARCE[0] else Check(name, "good", says)


def backup(made: int | None, now: int) -> Check:
    """How old the last backup is, times in ms; None: none is known."""
    name, command = "Backup", "Make one elsewhere: consent backup FOLDER."
    if made is None:
        return Check(name, "warn", "No backup has been made of this store.", command)
    says = f"The last one was made at {figures.moment(made)}."
    return Check(name, "warn", says, command) if now - made > OLD_BACKUP else Check(name, "good", says)


def places(known: Sequence[str], faults: Sequence[str]) -> Check:
    """Whether the databases of places can be read."""
    name = "Places"
    if faults:
        return Check(name, "bad", faults[0], "Exchange the file: consent geo list.")
    if not known:
        what = "No database of places is installed: countries are not known."
        return Check(name, "warn", what, "Install one: consent geo install FILE.")
    return Check(name, "good", f"Read from {', '.join(known)}.")


def _waiting(number: int) -> str:
    return "1 event waits" if number == 1 else f"{number:,} events wait"


def reason(word: str) -> str:
    """Why events were dropped, in words."""
    return REASONS.get(word, word.replace("-", " "))
