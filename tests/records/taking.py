"""An intake at work on a store that can be made to fail."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from consent.db import Database
from consent.delivery.notices import Notices
from consent.policy.queries import Version
from consent.records import claim as claims
from consent.records import queries
from consent.records.intake import Intake, Taken
from consent.records.published import Published
from consent.records.question import Question
from consent.records.record import Record
from consent.sites.site import Site
from tests.records.failing import Failing
from tests.records.shop import logs, publish_shop, raw


class Shop:
    """A shop, its store and its intake."""

    def __init__(self, db: Failing, site: Site, version: Version, folder: Path) -> None:
        self.db = db
        self.site = site
        self.version = version
        self.now = 1_760_000_000_000
        self.published = Published(db, Notices(db).keep)
        self.folder = folder
        self.sequencer = logs(db, folder)
        self.intake = Intake(db, self.sequencer, b"secret", lambda: self.now)

    async def say(self, **changes: Any) -> Taken:
        return await self.post(raw(self.version, **changes))

    async def post(self, said: bytes) -> Taken:
        claim = claims.read(said)
        live = self.published.site("shop")
        assert live is not None
        settled = await self.published.settle(live, claim.statement, self.intake.today())
        return await self.intake.take(self.site, claim, settled, "")

    async def recovered(self) -> None:
        """Until records are taken again."""
        async with asyncio.timeout(5):
            while self.intake.committer.failure:  # noqa: ASYNC110  # it is said in a word, not by an event
                await asyncio.sleep(0.01)

    async def records(self) -> list[Record]:
        return (await queries.page(self.db, self.site.site_id, Question(limit=1_000)))[0]


@asynccontextmanager
async def taking(db: Database, folder: Path) -> AsyncIterator[Shop]:
    """A shop whose intake runs until the block ends; keys and heads lie in the folder."""
    site, version = await publish_shop(db)
    made = Shop(Failing(db), site, version, folder)
    await made.published.refresh()
    running = asyncio.create_task(made.intake.committer.run())
    yield made
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
