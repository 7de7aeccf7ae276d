"""Retention: the proof of a choice is deleted once nobody may ask for it any more, and that is certified."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from itertools import groupby

from consent.config import Config
from consent.db import Database, Row
from consent.errors import LogRefused, NotFound
from consent.ledger.sequencer import Log, Sequencer
from consent.policy.queries import by_version
from consent.policy.resolved import Resolved, read_resolved
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
PAGES = 400
"""Pages that one run looks at of a site; the next run goes on behind them."""

MOST_DAYS = 400
"""No policy lets a choice hold for longer."""

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
        self._marks: dict[int, str] = {}
        """Behind which id the next run goes on, of sites with more than one run looks at."""
        self._shortest: dict[int, tuple[int, int]] = {}
        """Of each site the number of its newest version, and the fewest days that a choice holds under any."""

    async def run(self) -> None:
        """Delete what is due at every site, so much as fits into one run.

        Raises LogRefused at the end, where a log must not grow: its site's records wait, others' do not.
        """
        refused = None
        for site in await all_sites(self._db):
            try:
                _, mark = await self._run(site, self._marks.pop(site.site_id, ""), PAGES)
                if mark:
                    self._marks[site.site_id] = mark
            except LogRefused as error:
                refused = refused or error
        if refused:
            raise refused

    async def run_site(self, site: Site) -> int:
        """Delete everything that is due at one site; the number of records deleted."""
        return (await self._run(site, "", None))[0]

    async def _run(self, site: Site, after: str, pages: int | None) -> tuple[int, str]:
        """The number of records deleted, and the id behind which to go on; none at the end."""
        deleted, looked, mark = 0, 0, ""
        waiting: dict[Rule, list[str]] = {}
        async for end, due in self._pages(site, after):
            for receipt, why in due:
                slice_ = waiting.setdefault(why, [])
                slice_.append(receipt)
                if len(slice_) == SLICE:
                    deleted += await self._delete(site, why, waiting.pop(why))
            looked += 1
            if looked == pages:
                mark = end
                break
        for why, rest in waiting.items():
            deleted += await self._delete(site, why, rest)
        return deleted, mark

    async def due(self, site: Site) -> Counter[Rule]:
        """How many receipts are due, by rule; nothing is deleted."""
        return Counter([why async for _, page in self._pages(site, "") for _, why in page])

    async def certify(self, only: Site | None = None) -> None:
        """Write certificates of what was deleted and is in none yet, at every site or at one.

        Raises LogRefused at the end, where a log cannot sign; other sites' certificates are written all the same.
        """
        waiting = await queries.uncertified_sites(self._db)
        refused = None
        for site in [only] if only else await all_sites(self._db):
            try:
                while site.site_id in waiting and (found := await queries.uncertified(self._db, site.site_id)):
                    for text, group in groupby(found, key=lambda row: str(row["rule"])):
                        await self._certify(site, Rule.parse(text), list(group))
            except LogRefused as error:
                refused = refused or error
        if refused:
            raise refused

    async def _certify(self, site: Site, why: Rule, rows: list[Row]) -> None:
        tail = await self._sequencer.tail(Log(site.site_id, site.key), fresh=True)
        note = tail.key.sign(certificate.text(tail.origin, site.key, why, rows))
        file = certificate.name(site.key, rows)
        await asyncio.to_thread(certificate.write, self._config.data / certificate.FOLDER, file, note)
        await queries.certify(self._db, rows, file)

    async def _pages(self, site: Site, after: str) -> AsyncIterator[tuple[str, list[tuple[str, Rule]]]]:
        """Receipts whose time has come, with the rule, and the last id that was looked at."""
        before = first_of(await self._horizon(site))
        versions: dict[int, Resolved] = {}
        while page := await queries.oldest(self._db, site.site_id, after, before, PAGE):
            after = page[-1]["id"]
            last = [row for row in page if row["id"] == row["last"]]  # a chain is as old as its last record
            judged = [(row["receipt"], await self._judge(site, row, versions)) for row in last]
            yield after, [(receipt, why) for receipt, why in judged if why]

    async def _horizon(self, site: Site) -> int:
        """The moment (ms) from which on no choice at a site is old enough, whatever it was."""
        number, days = self._shortest.get(site.site_id, (0, MOST_DAYS))
        while rows := await queries.versions(self._db, site.site_id, number):
            number = rows[-1]["version"]
            days = min(days, *(read_resolved(row["body"]).days for row in rows))
        self._shortest[site.site_id] = (number, days)
        return self._now() - (shortest(self._config.proof_days) + days) * DAY + 1

    async def _judge(self, site: Site, last: Row, versions: dict[int, Resolved]) -> Rule | None:
        if last["version"] not in versions:
            version = await by_version(self._db, site.site_id, last["version"])
            assert version is not None, "a record's version cannot be deleted"
            versions[last["version"]] = version.resolved
        resolved = versions[last["version"]]
        due = self._now() >= limit(last, resolved, self._config.proof_days)
        return rule(resolved, last["regime"], self._config.proof_days) if due else None

    async def _delete(self, site: Site, why: Rule, receipts: list[str]) -> int:
        try:
            request = await self._erasure.destroy(site, receipts, "retention", str(why), await self._horizon(site))
        except NotFound:
            return 0  # erased in the meantime by who holds them
        await asyncio.sleep(PAUSE)
        return int(request["records"])
