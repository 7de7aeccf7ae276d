"""What waits for the visitors' log, bounded: answered before it is stored, lost when the process is killed."""

import asyncio
import contextlib
import logging
from collections import Counter, deque
from collections.abc import Iterable

from consent.db import Row
from consent.errors import ContradictionError, StoreError
from consent.telemetry.hit import GRAINS, Anonymous, Hit
from consent.telemetry.log import FOLD, Log
from consent.telemetry.rollup import Sums

MOST = 20_000
"""Events, and anonymous counts, that wait at most. What comes beyond them is dropped and counted."""

UNTOLD = 100_000
"""Dropped events whose number is in memory alone, at most: with more the senders are told to come again."""

ENOUGH = 1_024
"""Events that are written at once, and not only after `EVERY`."""

CHUNK = 1_024
"""Events of one transaction, some 20 ms of the writer's time: of many that wait the same pages are written once."""

LOOKED_AT = 2_000
"""Events among which a visitor's are looked for."""

EVERY = 1.0
"""Seconds that anything waits."""

RETRY = 5.0
"""Seconds until a store that failed is tried again."""

_log = logging.getLogger(__name__)


class Buffer:
    """Takes hits, counts and drops without waiting, and writes them while `run` runs."""

    def __init__(self, log: Log) -> None:
        self._log_of_visitors = log
        self._hits: deque[Hit] = deque()
        self.waiting = 0
        """Events that are in memory alone, those that are being written among them."""
        self.untold = 0
        """Dropped events whose number is in memory alone."""
        self._counts: dict[int, Sums] = {}
        self._counted: Counter[tuple[int, int]] = Counter()
        """How many are added up there, by site and day."""
        self._counting = 0
        self._dropped: Counter[tuple[int, int, str]] = Counter()
        self._enough = asyncio.Event()
        self._unfolded = FOLD  # of the service before this one, there may be some

    def put(self, hit: Hit) -> bool:
        """Take a hit; False, and its events are counted as dropped, when too many wait."""
        size = len(hit.events)
        if not self.has_room(size):
            self.drop(hit.site_id, hit.events[0].time if hit.events else hit.began, "buffer-full", size)
            return False
        self._hits.append(hit)
        self.waiting += size
        if self.waiting >= ENOUGH:
            self._enough.set()
        return True

    def has_room(self, size: int) -> bool:
        """Whether so many events more may wait."""
        return self.waiting + size <= MOST

    def count(self, counted: Anonymous) -> bool:
        """Add one anonymous event to what is added up; False, and it is counted as dropped, when too many wait."""
        if self._counting >= MOST:
            self.drop(counted.site_id, counted.time, "buffer-full")
            return False
        self._counts.setdefault(counted.site_id, Sums()).anonymous(counted)
        self._counted[counted.site_id, counted.time // GRAINS["day"]] += 1
        self._counting += 1
        return True

    def drop(self, site_id: int, time: int, reason: str, number: int = 1) -> None:
        """Count events that were not taken. `reason` is one of the program's own words."""
        self._dropped[site_id, time // GRAINS["hour"], reason] += number
        self.untold += number

    def forget(self, site_id: int, visitor: str) -> None:
        """Take what waits of a visitor out. Where much waits it is left out when it is written: the log knows."""
        if self.waiting > LOOKED_AT:
            return
        kept = deque(hit for hit in self._hits if (hit.site_id, hit.visitor) != (site_id, visitor))
        self.waiting -= _size(self._hits) - _size(kept)
        self._hits = kept

    async def run(self) -> None:
        """Write for ever; once more when it is cancelled."""
        failed = False
        try:
            while True:
                if failed:
                    await asyncio.sleep(RETRY)
                else:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._enough.wait(), EVERY)
                failed = not await self._try(said=failed)
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await self._try(said=False)

    async def _try(self, said: bool) -> bool:
        going = asyncio.ensure_future(self.flush(ENOUGH))
        try:
            await asyncio.shield(going)
            if self._unfolded and not self._enough.is_set():
                await self.fold()
        except asyncio.CancelledError:
            await asyncio.wait([going])  # what was begun is finished: half of it would be lost
            raise
        except StoreError as error:
            if not said:
                _log.error("visitors' events could not be stored, and wait: %s", error)
            return False
        return True

    async def flush(self, least: int = 1) -> None:
        """Write all that waits now; of what comes meanwhile, what is left when fewer events wait than `least` goes on
        waiting. Raises StoreError; then what was not written does.
        """
        self._enough.clear()
        wanted = bool(self._hits or self._counts or self._dropped)
        while wanted:
            hits = self._chunk()
            counts, self._counts = self._counts, {}
            counted, self._counted, self._counting = self._counted, Counter(), 0
            dropped, self._dropped = self._dropped, Counter()
            try:
                await self._log_of_visitors.write(hits, counts, _rows(dropped))
            except StoreError as error:
                self._uncounted(counted)
                if not isinstance(error, ContradictionError):
                    self._back(hits, dropped)
                    raise
                self._refused(hits)
            except Exception:
                _log.exception("visitors' events could not be stored")
                self._uncounted(counted)
                self._refused(hits)
            self.waiting -= _size(hits)
            self.untold -= dropped.total()
            self._unfolded += 1
            if self._unfolded >= FOLD:
                await self.fold()
            wanted = self.waiting >= least or (least <= 1 and bool(self._counts or self._dropped))

    async def fold(self) -> None:
        """Add all that chunks added up to to the rollups. Raises StoreError."""
        self._unfolded = 0
        while await self._log_of_visitors.fold():
            pass

    def _chunk(self) -> list[Hit]:
        """The oldest hits, of one transaction; at least one."""
        taken: list[Hit] = []
        size = 0
        while self._hits and (not taken or size + len(self._hits[0].events) <= CHUNK):
            taken.append(self._hits.popleft())
            size += len(taken[-1].events)
        return taken

    def _back(self, hits: list[Hit], dropped: Counter[tuple[int, int, str]]) -> None:
        """Hits wait again, for an event counts once however often it is written. Counts are not tried again."""
        self._hits.extendleft(reversed(hits))
        self._dropped.update(dropped)

    def _uncounted(self, counted: Counter[tuple[int, int]]) -> None:
        """Anonymous events whose sums may not be stored; for the day's first hour, as all that is dropped of such."""
        for (site_id, day), number in counted.items():
            self.drop(site_id, day * GRAINS["day"], "store-refused", number)

    def _refused(self, hits: list[Hit]) -> None:
        for hit in hits:
            self.drop(hit.site_id, hit.began, "store-refused", len(hit.events))


def _size(hits: Iterable[Hit]) -> int:
    return sum([len(hit.events) for hit in hits])


def _rows(dropped: Counter[tuple[int, int, str]]) -> list[Row]:
    return [
        {"site_id": site_id, "hour": hour, "reason": reason, "n": number}
        for (site_id, hour, reason), number in sorted(dropped.items())
    ]
