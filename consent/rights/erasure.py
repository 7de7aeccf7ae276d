"""Erasure: whoever holds a receipt has its records destroyed; the log tells that, and every other proof stays good."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from consent.db import Database, Row
from consent.errors import LogRefused, NotFound
from consent.ledger.sequencer import Log, Sequencer
from consent.ledger.tail import Growth, Leaf
from consent.records.intake import DAY, milliseconds
from consent.rights import erased, leaves, queries
from consent.rights.leaves import Erased
from consent.sites.queries import all_sites
from consent.sites.site import Site

AT_ONCE = 1.0
"""Seconds that whoever asked is kept waiting for the last byte to go; what takes longer is pending."""

SCRUB = 3_000.0
"""Seconds that the background work may take to look through a store."""

REQUESTS_KEPT = 731 * DAY
"""For how long it is kept what was asked for: 24 months (11 CCR 7101(a))."""

HOUR = 3_600_000
"""Milliseconds between looks for requests of long ago."""


class Outcome(msgspec.Struct, frozen=True):
    """How many records are gone. `complete`: no byte of them is left in our files; `pending`: soon."""

    erased: int
    state: str


class Erasure:
    """Destroys records of one store. `data` is its folder."""

    def __init__(self, db: Database, sequencer: Sequencer, data: Path, now: Callable[[], int] = milliseconds) -> None:
        self._db = db
        self._sequencer = sequencer
        self._list = data / erased.NAME
        self._now = now
        self._unknown: Counter[int] = Counter()
        self._forgot = 0

    async def erase(self, site: Site, receipt: str, seconds: float = AT_ONCE) -> Outcome:
        """Destroy a receipt, its records and their salts, and wait so long for the last byte to go.

        Raises NotFound, StoreError or LogRefused.
        """
        if not await queries.exists(self._db, site.site_id, receipt):  # whoever guesses keeps no writer busy
            self._unknown[site.site_id] += 1
            raise unknown_receipt()
        request = await self.destroy(site, [receipt], "erasure")
        if not await self._db.scrub(seconds):
            return Outcome(request["records"], "pending")
        await queries.advance(self._db, [request], "complete", self._now())
        return Outcome(request["records"], "complete")

    async def destroy(
        self, site: Site, receipts: Sequence[str], kind: str, rule: str = "", before: int | None = None
    ) -> Row:
        """Delete receipts and append what the log tells of it, in one transaction; then note it outside the store.

        Args:
            site: whose they are.
            receipts: which; those that are not there any more are left out.
            kind: `erasure` or `retention`.
            rule: by which rule they are deleted, where it is one.
            before: leave out those with a choice from this moment (ms) on: it was made after they were chosen.

        Returns the row of the request. Raises NotFound when none of them is left.
        """
        async with self._db.transaction() as held:
            there, rows = await self._chains(held, site, receipts, before)
            if not there:
                raise unknown_receipt()
            ranges = leaves.erased(rows)
            growth = await self._append(held, site, ranges)
            await queries.delete(held, site.site_id, there, rows)
            request = request_row(site.site_id, kind, rule, records=len(rows), ranges=ranges, now=self._now())
            await queries.add(held, request)
        await self._sequencer.settle([growth] if growth else [])
        await self._note([request])
        return request

    async def finish(self) -> None:
        """Bring what was begun to its end, also what another process began or a crash interrupted."""
        for request in await queries.in_state(self._db, "untold"):
            await self._tell(request)
        await self._note(await queries.in_state(self._db, "deleted"))
        while listed := await queries.in_state(self._db, "listed"):
            if not await self._db.scrub(SCRUB):
                break
            await queries.advance(self._db, listed, "complete", self._now())

    async def tidy(self) -> None:
        """Write down how often an unknown receipt was shown, and forget requests of long ago."""
        now = self._now()
        counted, self._unknown = self._unknown, Counter()
        for site_id, count in counted.items():
            await queries.count_unknown(self._db, site_id, now // DAY, now, count)
        if abs(now - self._forgot) < HOUR:
            return
        for site in await all_sites(self._db):
            while await queries.forget(self._db, site.site_id, now - REQUESTS_KEPT):
                pass
        self._forgot = now

    async def _chains(
        self, held: Database, site: Site, receipts: Sequence[str], before: int | None
    ) -> tuple[list[str], list[Row]]:
        """Those receipts that are still there and may go, and where all their records stand."""
        there: list[str] = []
        rows: list[Row] = []
        for receipt in dict.fromkeys(receipts):
            chain = await queries.chain(held, site.site_id, receipt)
            late = before is not None and any(row["time"] >= before for row in chain)
            if not late and await queries.exists(held, site.site_id, receipt):
                there.append(receipt)
                rows += chain
        return there, rows

    async def _append(self, held: Database, site: Site, ranges: Erased) -> Growth | None:
        if not ranges:
            return None  # older than the ledger: no leaf commits to it
        log = Log(site.site_id, site.key)
        epoch = (await self._sequencer.tail(log, fresh=True, db=held)).epoch
        seconds = self._now() // 1_000
        return await self._sequencer.append(
            held, log, [Leaf("erased", seconds, text) for text in leaves.content(ranges, epoch)]
        )

    async def _tell(self, request: Row) -> None:
        """Let the log tell what a restored backup was made to lose; a log that must not grow tells it later."""
        [site] = [one for one in await all_sites(self._db) if one.site_id == request["site_id"]]
        try:
            async with self._db.transaction() as held:
                growth = await self._append(held, site, leaves.from_text(request["leaves"]))
                await queries.advance(held, [request], "deleted", self._now())
            await self._sequencer.settle([growth] if growth else [])
        except LogRefused:
            return

    async def _note(self, requests: Sequence[Row]) -> None:
        """Note outside the store what was deleted, so that a backup does not bring it back."""
        if not requests:
            return
        names = await queries.log_names(self._db)
        lines = [
            erased.Line(row["site_id"], epoch, names[row["site_id"], epoch], ranges)
            for row in requests
            for epoch, ranges in leaves.from_text(row["leaves"]).items()
        ]
        await asyncio.to_thread(erased.note, self._list, lines)
        await queries.advance(self._db, requests, "listed", self._now())


def request_row(site_id: int, kind: str, rule: str, *, records: int, ranges: Erased, now: int) -> Row:
    """What is noted of a request: nothing in it leads to whoever made it."""
    return {
        "site_id": site_id,
        "id": secrets.token_hex(8),
        "time": now,
        "kind": kind,
        "rule": rule,
        "state": "deleted",
        "records": records,
        "leaves": leaves.as_text(ranges),
        "done": 0,
    }


def unknown_receipt() -> NotFound:
    """The answer to a receipt that is not known, or not any more; the same for every one."""
    return NotFound(
        "unknown_receipt",
        "No receipt of this id is known at this site.",
        "Send it as it came with the choice. Without the receipt nobody can tell whose record is whose.",
    )
