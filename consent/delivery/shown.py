"""How often a notice was shown: counts of a day, in memory for seconds. Of no visitor is anything kept."""

import asyncio
import contextlib
import logging
import re
from typing import Annotated, Literal

import msgspec

from consent.db import Database
from consent.policy import notice_queries as queries
from consent.policy.notice_queries import Count

MAX_BODY = 1_024

EVERY = 5.0
"""Seconds for which counts are in memory alone, and may be lost: they are telemetry."""

MOST = 10_000
"""Different counts in memory; what comes beyond them before the next writing is not counted."""

Device = Literal["phone", "tablet", "desktop", "other"]

_TABLET = re.compile(r"iPad|Tablet|PlayBook|Silk(?!.*Mobile)|Android(?!.*Mobile)", re.IGNORECASE)
_PHONE = re.compile(r"Mobi|iPhone|iPod|Android", re.IGNORECASE)
_DESKTOP = re.compile(r"Windows NT|Macintosh|X11|CrOS", re.IGNORECASE)

_log = logging.getLogger(__name__)


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/{site}/shown`."""

    notice: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    layer: Literal[1, 2]
    regime: Annotated[str, msgspec.Meta(pattern="^[a-z]{2,16}$")]
    language: Annotated[str, msgspec.Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]


class Counts:
    """Adds up, and writes every few seconds."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._counts: dict[tuple[int, Count], int] = {}

    def add(self, site_id: int, day: int, shown: Shown, device: Device) -> None:
        """Count one; not where there are too many different ones already."""
        count = Count(day, shown.notice, shown.layer, shown.regime, shown.language, device, 0)
        key = (site_id, count)
        if key in self._counts or len(self._counts) < MOST:
            self._counts[key] = self._counts.get(key, 0) + 1

    async def write(self) -> None:
        """Write what was counted. Raises StoreError; then it is counted as lost, for it may have been written."""
        counts, self._counts = self._counts, {}
        if counts:
            await queries.add_shown(self._db, counts)

    async def run(self) -> None:
        """Write for ever; once more when it is cancelled."""
        try:
            while True:
                await asyncio.sleep(EVERY)
                await self._try()
        finally:
            with contextlib.suppress(asyncio.CancelledError):
                await self._try()

    async def _try(self) -> None:
        try:
            await self.write()
        except Exception:
            _log.exception("counts of what was shown could not be written")


def device(agent: str) -> Device:
    """The kind of device, as coarse as it is useful: nothing else of a User-Agent is looked at."""
    told = agent[:512]
    if _TABLET.search(told):
        return "tablet"
    if _PHONE.search(told):
        return "phone"
    return "desktop" if _DESKTOP.search(told) else "other"
