"""Retention: the proof of a choice is deleted once nobody may ask for it any more, and that is certified."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from itertools import groupby

from consent.config import Config
from consent.db import Database, Row
from consent.errors import NotFound
from consent.ledger.sequencer import Log, Sequencer
from consent.policy.queries import by_version
from consent.policy.resolved import Resolved
from consent.records.identifier import first_of
from consent.records.intake import milliseconds
from consent.rights import certificate, queries
from consent.rights.erasure import Erasure
from consent.rights.rule import DAY, Rule, limit, rule, shortest
from consent.sites.queries import all_sites
from consent.sites.site import Site

SLICE = 16
"""Receipts deleted at once: some milliseconds of the writer's time."""

PAGE = 500
PAUSE = 0.02
"""Seconds between slices, in which choices are recorded."""


class Retention:
    """Deletes what was kept long enough. What a crash interrupts goes on where it was: nothing is remembered but what
    is stored."""

    def __init__(
        self,
        db: Database,
        sequencer: Sequencer,
        erasure: Erasure,
        config: Config,
        now: Callable[[], int] = milliseconds,
    ) -> None:
        self._db = db
        self._sequencer = sequencer
        self._erasure = erasure
        self._config = config
        self._now = now

    async def run(self) -> None:
        """Delete what is due at every site."""
        for site in await all_sites(self._db):
            await self.run_site(site)

    async def run_site(self, site: Site) -> int:
        """Delete what is due at one site; the number of records deleted."""
        deleted = 0
        waiting: dict[Rule, list[str]] = {}
        async for receipt, why in self._due(site):
            slice_ = waiting.setdefault(why, [])
            slice_.append(receipt)
            if len(slice_) == SLICE:
                deleted += await self._delete(site, why, waiting.pop(why))
        for why, rest in waiting.items():
            deleted += await self._delete(site, why, rest)
        return deleted

    async def due(self, site: Site) -> Counter[Rule]:
        """How many receipts are due, by rule; nothing is deleted."""
        return Counter([why async for _, why in self._due(site)])

    async def certify(self) -> None:
        """Write certificates of what was deleted and is in none yet."""
        keys = {site.site_id: site for site in await all_sites(self._db)}
        while found := await queries.uncertified(self._db):
            for (site_id, text), group in groupby(found, key=lambda row: (row["site_id"], row["rule"])):
                await self._certify(keys[site_id], Rule.parse(text), list(group))

    async def _certify(self, site: Site, why: Rule, rows: list[Row]) -> None:
        tail = await self._sequencer.tail(Log(site.site_id, site.key), fresh=True)
        note = tail.key.sign(certificate.text(tail.origin, site.key, why, rows))
        file = certificate.name(site.key, rows)
        await asyncio.to_thread(certificate.write, self._config.data / certificate.FOLDER, file, note)
        await queries.certify(self._db, rows, file)

    async def _due(self, site: Site) -> AsyncIterator[tuple[str, Rule]]:
        """Receipts whose time has come, with the rule. Only what is old enough is looked at, page by page."""
        before = first_of(self._horizon())
        versions: dict[int, Resolved] = {}
        after = ""
        while page := await queries.oldest(self._db, site.site_id, after, before, PAGE):
            after = page[-1]["id"]
            for receipt in dict.fromkeys(row["receipt"] for row in page):
                why = await self._judge(site, receipt, versions)
                if why:
                    yield receipt, why

    def _horizon(self) -> int:
        """The moment (ms) from which on no choice is old enough, whatever it was."""
        return self._now() - shortest(self._config.proof_days) * DAY

    async def _judge(self, site: Site, receipt: str, versions: dict[int, Resolved]) -> Rule | None:
        last = await queries.last(self._db, site.site_id, receipt)
        if last is None:
            return None
        if last["version"] not in versions:
            version = await by_version(self._db, site.site_id, last["version"])
            assert version is not None, "a record's version cannot be deleted"
            versions[last["version"]] = version.resolved
        resolved = versions[last["version"]]
        due = self._now() >= limit(last, resolved, self._config.proof_days)
        return rule(resolved, last["regime"], self._config.proof_days) if due else None

    async def _delete(self, site: Site, why: Rule, receipts: list[str]) -> int:
        try:
            request = await self._erasure.destroy(site, receipts, "retention", str(why), self._horizon())
        except NotFound:
            return 0  # erased in the meantime by who holds them
        await asyncio.sleep(PAUSE)
        return int(request["records"])
