"""How long the visitors' log is kept: rows for the days of the policy, full addresses for theirs; rollups stay."""

import asyncio
from collections.abc import Callable, Iterable

from consent.policy.telemetry import ResolvedTelemetry
from consent.records.intake import milliseconds
from consent.telemetry import keeping_queries as keeping
from consent.telemetry import mine, queries
from consent.telemetry.hit import GRAINS
from consent.telemetry.log import Log
from consent.telemetry.removal import SLICE, remove
from consent.visitors.address import truncated
from consent.visitors.visit import DAY

SLICES = 4_000
"""Slices of one run at one site, some half a million events; the next run goes on."""

PAGE = 256
"""Visitors deleted at once."""

PAUSE = 0.005
"""Seconds between slices, in which visitors' events are stored."""

UNSAID = 30
"""Days for which rows are kept of a site whose policy has no [telemetry] any more."""

DROPPED = 400
"""Days for which it is kept what was dropped, and why."""

Terms = Iterable[tuple[int, ResolvedTelemetry | None]]
"""Each site, and what its policy in force says of its visitors' log."""


class Retention:
    """Deletes what was kept long enough. Nothing is remembered but what is stored: a crash costs nothing."""

    def __init__(self, log: Log, terms: Callable[[], Terms], now: Callable[[], int] = milliseconds) -> None:
        self._log = log
        self._db = log.db
        self._terms = terms
        self._now = now
        self._declared: dict[int, tuple[str, ...]] = {}
        """The customer's fields that the last run of each site was told of."""

    async def run(self) -> None:
        """Delete what is due at every site, so much as fits into one run. Raises StoreError."""
        for site_id, terms in self._terms():
            await self._rows(site_id, terms.days if terms else UNSAID)
            full = terms is not None and terms.address == "full"
            await self._addresses(site_id, terms.address_days if terms and full else 0)
            await self._customers(site_id, terms.customer if terms else ())
            await keeping.expire_dropped(self._db, site_id, (self._now() - DROPPED * DAY) // GRAINS["hour"])

    async def _rows(self, site_id: int, days: int) -> None:
        """Sessions that began longer ago, with their events; then visitors who did not come since."""
        horizon = self._now() - days * DAY
        for _ in range(SLICES):
            ids = await keeping.began_before(self._db, site_id, f"{max(0, horizon):012x}", SLICE)
            if not ids:
                break
            await remove(self._log, site_id, ids)
            await asyncio.sleep(PAUSE)
        else:
            return
        for _ in range(SLICES):
            ids = await keeping.away_since(self._db, site_id, horizon, PAGE)
            if not ids:
                break
            async with self._log.turn:
                await self._db.batch(queries.removing_visitors(site_id, ids))
            await asyncio.sleep(PAUSE)

    async def _addresses(self, site_id: int, days: int) -> None:
        """Addresses in full of longer ago become their networks."""
        for _ in range(SLICES):
            rows = await keeping.whole_addresses(self._db, site_id, self._now() - days * DAY, SLICE)
            if not rows:
                break
            await keeping.cut(self._db, [row | {"address": truncated(row["address"])} for row in rows])
            await asyncio.sleep(PAUSE)

    async def _customers(self, site_id: int, declared: tuple[str, ...]) -> None:
        """What a policy does not declare any more is taken from what the site told of its customers."""
        if self._declared.get(site_id) == declared:
            return
        after = ("", "")
        while rows := await keeping.customers(self._db, site_id, after, SLICE):
            after = (rows[-1]["customer"], rows[-1]["id"])
            async with self._log.turn:
                await queries.tell(self._db, [changed for row in rows if (changed := _stripped(row, declared)) != row])
            await asyncio.sleep(PAUSE)
        self._declared[site_id] = declared


def _stripped(row: dict[str, object], declared: tuple[str, ...]) -> dict[str, object]:
    """A visitor's row without fields that are not declared; without any, nothing of the customer is kept."""
    kept = {name: text for name, text in mine.fields_of(str(row["customer_fields"])).items() if name in declared}
    return row | {"customer_fields": mine.as_text(kept), "customer": row["customer"] if declared else ""}
