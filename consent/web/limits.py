"""Token buckets, as many as there are places, in bounded memory."""

import math
from collections.abc import Hashable

PER_PLACE = 65_536
"""Buckets kept. When more places come than this, the one that was quiet longest is forgotten and starts full."""


class Buckets:
    """One bucket a key; each holds a minute's worth and fills steadily.

    A bucket is one number, the time at which it would be full again (the generic cell rate algorithm, ITU-T I.371).
    """

    def __init__(self, per_minute: int, size: int = PER_PLACE) -> None:
        self._interval = 60 / per_minute
        self._burst = 60 - self._interval
        self._size = size
        self._full: dict[Hashable, float] = {}

    def take(self, key: Hashable, now: float) -> int:
        """Take one token at `now` (seconds of any steady clock). Returns 0, or the whole seconds to wait for one."""
        full = max(self._full.pop(key, now), now)
        wait = full - now - self._burst
        if wait > 1e-9:
            self._full[key] = full
            return math.ceil(wait)
        self._full[key] = full + self._interval
        if len(self._full) > self._size:
            del self._full[next(iter(self._full))]
        return 0

    def __len__(self) -> int:
        return len(self._full)
