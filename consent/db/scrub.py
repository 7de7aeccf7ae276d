"""Overwrites what deleted rows left in SQLite's files, beside a service at work."""

import asyncio
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from consent.db.residue import PATCHED, dirty_pages, overwrite, written_back
from consent.errors import StoreError

SOON = 0.05
"""Seconds until the next try, when somebody was in the way; twice as many each time."""

LATEST = 5.0
"""Seconds that lie between two tries at most."""


class Scrubber:
    """Scrubs one store. `writing` is held while pages are written: the store's own writer waits as long."""

    def __init__(self, path: Path, writing: asyncio.Lock) -> None:
        self._path = path
        self._writing = writing
        self._running = False
        self._stopped = threading.Event()
        self._doubtful: set[int] = set()
        """Pages whose writing failed: they may look clean, since the system forgets what it could not write."""

    def stop(self) -> None:
        """End what is running, and begin nothing more."""
        self._stopped.set()

    async def run(self, seconds: float) -> bool:
        """True when nothing is left; False when that took too long or another run is at work. Raises StoreError.

        The log of writes goes first: from then on what was deleted is only in the file, and one look at every page
        finds it all, for residue stays on its page.
        """
        if self._running or self._stopped.is_set():
            return False
        until = time.monotonic() + seconds
        self._running = True
        try:
            return await self._overwrite([], until) and await self._clean(until)
        except TimeoutError:
            return False
        except (OSError, ValueError) as error:
            remedy = "Look at the disk, and use SQLite as it comes."
            raise StoreError("store_failed", f"The store could not be overwritten: {error}.", remedy) from error
        finally:
            self._running = False

    async def _clean(self, until: float) -> bool:
        dirty = await asyncio.to_thread(dirty_pages, self._path, lambda: self._may(until))
        numbers = sorted(self._doubtful.union(dirty))
        for first in range(0, len(numbers), PATCHED):
            if not await self._overwrite(numbers[first : first + PATCHED], until):
                return False
        return True

    async def _overwrite(self, numbers: Sequence[int], until: float) -> bool:
        """Try until nobody is in the way, ever more rarely: who reads an old state may go on for minutes."""
        pause = SOON
        while True:
            if await asyncio.to_thread(written_back, self._path) and await self._written(numbers):
                return True
            if self._stopped.is_set() or not self._may(until):
                return False
            await asyncio.sleep(min(pause, max(0.0, until - time.monotonic())))
            pause = min(2 * pause, LATEST)

    async def _written(self, numbers: Sequence[int]) -> bool:
        async with self._writing:
            if self._stopped.is_set():
                return False
            again = self._doubtful.intersection(numbers)
            try:
                done = await asyncio.to_thread(overwrite, self._path, numbers, again)
            except BaseException:
                self._doubtful.update(numbers)
                raise
            if done:
                self._doubtful.difference_update(numbers)
            return done

    def _may(self, until: float) -> bool:
        return time.monotonic() < until and not self._stopped.is_set()
