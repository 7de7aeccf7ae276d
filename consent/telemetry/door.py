"""Through which events go into the log; the store may be missing, and then they are answered and dropped."""

import logging
from collections import Counter
from typing import Protocol

from consent.telemetry.hit import Anonymous, Hit
from consent.telemetry.leaving import Leaver, Leaving

_log = logging.getLogger(__name__)


class Door(Protocol):
    """Takes events without waiting. Implemented over the store, and by `Shut` where there is none."""

    def put(self, hit: Hit) -> bool:
        """Take a hit; False when it was dropped, and counted as that."""

    def has_room(self, size: int) -> bool:
        """Whether a hit of so many events would be taken: looked at before one is made."""

    def is_swamped(self) -> bool:
        """Whether more was dropped than is to be counted in memory: then senders are told to come again."""

    def count(self, counted: Anonymous) -> bool:
        """Add one anonymous event up; False when it was dropped, and counted as that."""

    def drop(self, site_id: int, time: int, reason: str, number: int = 1) -> None:
        """Count events that were not taken, by one of the program's own words."""

    def is_forgotten(self, site_id: int, digest: bytes) -> bool:
        """Whether a visitor of this digest withdrew."""

    def forget(self, site_id: int, visitor: str, until: int, *, rows: bool) -> None:
        """A visitor withdrew: known from now until `until` (ms); its rows are deleted soon, where `rows` says so."""


class Shut:
    """No store: everything is dropped, and how much is known until the service stops."""

    def __init__(self, why: str = "", leaving: Leaving | None = None) -> None:
        self.why = why
        self._leaving = leaving
        self.dropped: Counter[str] = Counter()

    def put(self, hit: Hit) -> bool:
        """Nothing is taken."""
        self.dropped["no-store"] += len(hit.events)
        return False

    def has_room(self, size: int) -> bool:
        """There is none, and `put` counts what it drops."""
        return True

    def is_swamped(self) -> bool:
        """What is dropped here is never stored."""
        return False

    def count(self, counted: Anonymous) -> bool:
        """Nothing is taken."""
        self.dropped["no-store"] += 1
        return False

    def drop(self, site_id: int, time: int, reason: str, number: int = 1) -> None:
        """Counted in memory alone."""
        self.dropped[reason] += number

    def is_forgotten(self, site_id: int, digest: bytes) -> bool:
        """Nobody is known: what comes is dropped anyway."""
        return False

    def forget(self, site_id: int, visitor: str, until: int, *, rows: bool) -> None:
        """What is not open cannot be deleted from now: it is noted, and deleted when it is open again."""
        if self._leaving is not None:
            try:
                self._leaving.note(Leaver(site_id, visitor, until, rows))
            except OSError as error:
                _log.error("who withdrew could not be noted, and is not forgotten: %s", error)
