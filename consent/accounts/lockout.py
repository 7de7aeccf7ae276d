"""How long somebody waits who gives a wrong password again and again. Pure: the clock is handed in.

Three things are counted: tries of one account from one place, of one account from anywhere, and of one place for any
account. Addresses without an account count like the others, so nothing can be learned from a wait.
"""

import math
from collections.abc import Hashable
from typing import NamedTuple

MOST = 65_536
"""Things counted at once; the one that was quiet longest makes room."""

FORGOTTEN = 3_600
"""Seconds without a try after which nothing is held against anybody."""


class Rule(NamedTuple):
    """So many tries are free; then the wait doubles from one second, up to so many seconds."""

    free: int
    longest: int


PAIR = Rule(5, 900)
ACCOUNT = Rule(50, 60)  # from anywhere: a short wait, or anybody could lock anybody out
PLACE = Rule(30, 900)


class Lockout:
    """Counts tries."""

    def __init__(self, size: int = MOST) -> None:
        self._size = size
        self._tries: dict[Hashable, tuple[int, float, float]] = {}  # how many, until when they wait, the latest

    def attempt(self, email: str, place: str, now: float) -> int:
        """Count a try before it is looked at. Returns 0, or the seconds to wait when it is not looked at at all."""
        waits = [self._tries.get(key, (0, 0.0, 0.0))[1] - now for key, _ in _keys(email, place)]
        if max(waits) > 0:
            return math.ceil(max(waits))
        for key, rule in _keys(email, place):
            count, _, latest = self._tries.pop(key, (0, 0.0, now))
            count = 1 if now - latest > FORGOTTEN else count + 1
            over = min(count - rule.free, 20)
            until = now + min(2 ** (over - 1), rule.longest) if over > 0 else 0.0
            self._tries[key] = (count, until, now)
            if len(self._tries) > self._size:
                del self._tries[next(iter(self._tries))]
        return 0

    def succeed(self, email: str, place: str) -> None:
        """That try was right: it, and those before it from there, are forgiven; so is one of the place's."""
        self._tries.pop(("pair", email, place), None)
        for key in (("account", email), ("place", place)):
            count, _, latest = self._tries.get(key, (0, 0.0, 0.0))
            if count > 0:
                self._tries[key] = (count - 1, 0.0, latest)

    def __len__(self) -> int:
        return len(self._tries)


def _keys(email: str, place: str) -> tuple[tuple[Hashable, Rule], ...]:
    return (("pair", email, place), PAIR), (("account", email), ACCOUNT), (("place", place), PLACE)
