"""Overwrites what deleted rows left in SQLite's files, beside a service at work."""

import asyncio
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from consent.db.residue import LOCK_SECONDS, PATCHED, dirty_pages, overwrite
from consent.errors import StoreError


class Scrubber:
    """Scrubs one store. `writing` is held while pages are written: the store's own writer waits as long."""

    def __init__(self, path: Path, writing: asyncio.Lock) -> None:
        self._path = path
        self._writing = writing
        self._running = False
        self._stopped = threading.Event()

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
        numbers = await asyncio.to_thread(dirty_pages, self._path, lambda: self._may(until))
        for first in range(0, len(numbers), PATCHED):
            if not await self._overwrite(numbers[first : first + PATCHED], until):
                return False
        return True

    async def _overwrite(self, numbers: Sequence[int], until: float) -> bool:
        """Try until nobody is in the way."""
        while True:
            async with self._writing:
                if self._stopped.is_set():
                    return False
                if await asyncio.to_thread(overwrite, self._path, numbers):
                    return True
            if not self._may(until):
                return False
            await asyncio.sleep(LOCK_SECONDS)

    def _may(self, until: float) -> bool:
        return time.monotonic() < until and not self._stopped.is_set()
