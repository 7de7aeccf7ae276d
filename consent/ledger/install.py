"""The install's own log: the heads of all sites' logs, so that one log is enough for witnesses to watch."""

import contextlib
import time
from typing import NamedTuple

from consent.db import Database
from consent.ledger import install_queries as queries
from consent.ledger.sequencer import INSTALL, Log, Sequencer
from consent.ledger.tail import Leaf
from consent.ledger.witness import Witnesses

EVERY = 20.0
"""Seconds between looks for heads that changed: a changed one is published within a minute."""

PAGE = 1_000
"""Heads that one transaction appends."""

REMEMBERED = 10_000
"""Newest leaves of the log that are read at the start; a head that is not among them is appended once more."""


class SiteHead(NamedTuple):
    """How far a site's log has grown; `root` is base64."""

    origin: str
    size: int
    root: str

    @property
    def content(self) -> str:
        """The content of a leaf of type `head` (docs/formats.md, section 10)."""
        return f"{self.origin} {self.size} {self.root}"


class Install:
    """Appends what changed, then asks the witnesses. Nothing that visitors need waits for it."""

    def __init__(self, db: Database, sequencer: Sequencer, witnesses: Witnesses) -> None:
        self._db = db
        self._sequencer = sequencer
        self._witnesses = witnesses
        self._told: dict[str, SiteHead] | None = None

    async def publish(self) -> int:
        """Append the heads that changed, and have the head over them cosigned; the number of heads appended.

        Raises StoreError or Conflict when the log cannot go on.
        """
        told = self._told if self._told is not None else await self._recall()
        self._told = None  # until it is done: what failed half way is read anew
        changed = [head for head in await self._heads() if told.get(head.origin) != head]
        for at in range(0, len(changed), PAGE):
            await self._append(changed[at : at + PAGE])
        self._told = told | {head.origin: head for head in changed}
        await self._witnesses.ask()
        return len(changed)

    async def _append(self, heads: list[SiteHead]) -> None:
        now = int(time.time())
        leaves = [Leaf("head", now, head.content) for head in heads]
        async with self._db.transaction() as held:
            growth = await self._sequencer.append(held, Log(0, INSTALL), leaves)
        await self._sequencer.settle([growth])

    async def _heads(self) -> list[SiteHead]:
        """The head of every site's newest log that has leaves."""
        found: list[SiteHead] = []
        after = 0
        while rows := await queries.heads(self._db, after, PAGE):
            found += [SiteHead(row["origin"], row["size"], row["root"]) for row in rows if row["size"]]
            after = rows[-1]["site_id"]
        return found

    async def _recall(self) -> dict[str, SiteHead]:
        """What the log said last of each site. Opens it where there is none, so that its key can be known."""
        await self._sequencer.tail(Log(0, INSTALL))
        found: dict[str, SiteHead] = {}
        for content in await queries.last_heads(self._db, REMEMBERED):
            origin, _, rest = content.partition(" ")
            size, _, root = rest.partition(" ")
            with contextlib.suppress(ValueError):
                found[origin] = SiteHead(origin, int(size), root)
        return found
