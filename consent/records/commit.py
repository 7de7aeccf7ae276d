"""Group commit: records are collected on the loop while a commit runs, then handed over in one transaction with their
leaves, tiles and signed checkpoints.

Whoever waits is answered when that transaction is durable and the heads are noted, or told that it is not. A commit
that failed is never tried again as if nothing had happened: those who wait are told, and the store must prove itself
before more is taken.
"""

import asyncio
import logging
import os
from base64 import b64encode
from collections.abc import Sequence
from itertools import groupby

from consent.db import Database, Row, Statement
from consent.errors import ContradictionError, LogRefused, StoreError, Unavailable
from consent.ledger.leaf import SALT_BYTES, commitment
from consent.ledger.sequencer import Log, Sequencer
from consent.ledger.tail import Growth, Leaf, grow
from consent.records import evidence, queries, rollup_queries
from consent.records.decision import Action, Settled, action
from consent.records.evidence import Evidence
from consent.records.rollup import Seen

WAITING = 2_048
"""Records that may wait for a commit. More are refused: nothing waits without bound."""

GROUP = 512
"""Records committed together at most."""

OVERDUE = 10.0
"""Seconds after which a commit counts as stuck: whoever waits is told, and new records are refused until it ends."""

RETRY = (1.0, 5.0)
"""Seconds until a store that failed is tried again; doubled each time up to the second."""

_log = logging.getLogger(__name__)


class Entry:
    """A record on its way. `done` comes to its evidence when it is stored, or to the row that had its key before.

    A first choice brings its `receipt`; one that follows another brings what it comes to, for its action depends on
    what is stored when its turn comes. `seen` is counted, and not stored with the record.
    """

    __slots__ = ("done", "follows", "log", "receipt", "record", "said", "salt", "seen", "version")

    def __init__(
        self,
        log: Log,
        version: Row,
        record: Row,
        receipt: Row | None,
        *,
        follows: Settled | None = None,
        seen: Seen | None = None,
    ) -> None:
        self.log = log
        self.version = version
        self.record = record
        self.receipt = receipt
        self.follows = follows
        self.seen = seen
        self.said = b""
        self.salt = os.urandom(SALT_BYTES)
        self.done: asyncio.Future[Evidence | Row] = asyncio.get_running_loop().create_future()

    def leaf(self) -> Leaf:
        """What the log says of a record: its action, known when its turn has come, its time, a commitment to it all."""
        self.said = evidence.canonical(self.record, self.log.key, self.version)
        made = b64encode(commitment(self.salt, self.said)).decode()
        return Leaf(self.record["action"], self.record["time"] // 1_000, made)

    @property
    def key(self) -> tuple[int, str]:
        """What makes it this record and no other: site and idempotency key."""
        return self.record["site_id"], self.record["key"]

    @property
    def chain(self) -> tuple[int, str]:
        """Whose choice it is: site and receipt."""
        return self.record["site_id"], self.record["receipt"]


class Committer:
    """Commits what is submitted while `run` is running."""

    def __init__(self, db: Database, sequencer: Sequencer) -> None:
        self._db = db
        self._sequencer = sequencer
        self._queue: list[Entry] = []
        self._pending: dict[tuple[int, str], Entry] = {}
        self._wanted = asyncio.Event()
        self._failure = ""
        self._closing = False

    @property
    def failure(self) -> str:
        """Why no record is taken now; empty when records are taken."""
        return self._failure or ("the service is stopping" if self._closing else "")

    @property
    def queued(self) -> int:
        """Records that wait for a commit."""
        return len(self._queue)

    def waiting(self, site_id: int, key: str) -> Entry | None:
        """The record of this key that is on its way."""
        return self._pending.get((site_id, key))

    def submit(self, entry: Entry) -> None:
        """Queue a record. Raises Unavailable when nothing can be promised."""
        if self.failure or len(self._queue) >= WAITING:
            raise unavailable(self.failure or "too many records are waiting")
        self._pending[entry.key] = entry
        self._queue.append(entry)
        self._wanted.set()

    async def run(self) -> None:
        """Commit what is waiting, for ever."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            while self._queue:
                group, self._queue = self._queue[:GROUP], self._queue[GROUP:]
                if not await self._commit(group):
                    await self._recover()

    async def close(self) -> None:
        """Take nothing more, and wait until all that was taken is durable or refused."""
        self._closing = True
        await asyncio.gather(*(entry.done for entry in self._pending.values()), return_exceptions=True)

    async def _commit(self, group: Sequence[Entry]) -> bool:
        """Store a group and answer it; False when the store failed."""
        overdue = asyncio.get_running_loop().call_later(OVERDUE, self._refuse, group, "a commit takes too long")
        try:
            await self._write(group)
        except StoreError as error:
            self._refuse(group, error.message)
            return False
        except Exception:  # whatever it is, nobody may wait for ever
            _log.exception("a group could not be written")
            self._refuse(group, "the service has a fault")
            return False
        finally:
            overdue.cancel()
        return not self._failure

    async def _write(self, group: Sequence[Entry]) -> None:
        """Store a group in one transaction; where that contradicts what is there, each site by itself."""
        await self._judge([entry for entry in group if entry.follows])
        try:
            await self._store(group)
        except ContradictionError:
            for ours in _by_site(group):
                await self._write_site(ours)

    async def _write_site(self, group: Sequence[Entry]) -> None:
        """Store what is new of one site's group: another process may have appended, a key may have been used before.

        What is read and what is written are one transaction here, so that no other process comes between.
        """
        try:
            await self._store_alone(group)
        except ContradictionError:  # a receipt was erased just now: that must not take others with it
            for entry in group:
                await self._write_one(entry)

    async def _write_one(self, entry: Entry) -> None:
        try:
            await self._store_alone([entry])
        except ContradictionError:
            _log.exception("a record contradicts the store")
            self._fail(entry, "the choice it follows is not there any more")

    async def _store_alone(self, group: Sequence[Entry]) -> None:
        """One transaction that begins with reading. Raises ContradictionError when nothing was done."""
        try:
            async with self._db.transaction() as held:
                known = await self._known(held, group)
                new = [entry for entry in group if entry.key not in known]
                tail = await self._sequencer.tail(group[0].log, fresh=True, db=held)
                growth = grow(tail, [entry.leaf() for entry in new]) if new else None
                if growth:
                    await held.batch(_statements(growth, new))
        except LogRefused as refused:
            self._refuse_site(group, refused)
            return
        for entry in group:
            if entry.key in known:
                self._answer(entry, known[entry.key])
        if growth:
            await self._sequencer.settle([growth])
            self._answer_all(growth, new)

    async def _store(self, group: Sequence[Entry]) -> None:
        """One transaction: records, leaves, tiles, checkpoints; then the heads are noted, and who waits is answered.

        A log that must not grow costs only its own site's records. Raises ContradictionError when nothing was done.
        """
        stored: list[tuple[Growth, Sequence[Entry]]] = []
        for ours in _by_site(group):
            try:
                tail = await self._sequencer.tail(ours[0].log)
            except LogRefused as refused:
                self._refuse_site(ours, refused)
                continue
            stored.append((grow(tail, [entry.leaf() for entry in ours]), ours))
        if stored:
            await self._db.batch([one for growth, ours in stored for one in _statements(growth, ours)])
            await self._sequencer.settle([growth for growth, _ in stored])
        for growth, entries in stored:
            self._answer_all(growth, entries)

    def _answer_all(self, growth: Growth, group: Sequence[Entry]) -> None:
        vkey = str(growth.tail.key.vkey)
        for leaf, entry in enumerate(group, growth.first):
            self._answer(entry, Evidence(entry.said, growth.proof(leaf, entry.salt), vkey))

    def _refuse_site(self, group: Sequence[Entry], refused: LogRefused) -> None:
        """Tell those whose site's log must not grow; what exactly is wrong with it is for its operator."""
        _log.error("%s", refused)
        for entry in group:
            self._fail(entry, "the log of this site must not grow now")

    async def _judge(self, later: Sequence[Entry]) -> None:
        """Say the actions of choices that follow others. Groups are written one by one: what is read is the latest."""
        before: dict[tuple[int, str], Action] = {}
        refusing = {entry.chain for entry in later if entry.follows and entry.follows.extent == "nothing"}
        for site_id in {site_id for site_id, _ in refusing}:
            receipts = [receipt for site, receipt in refusing if site == site_id]
            for receipt, latest in (await queries.latest_actions(self._db, site_id, receipts)).items():
                before[site_id, receipt] = latest
        for entry in later:
            assert entry.follows is not None
            entry.record["action"] = action(entry.follows, before.get(entry.chain, "refused"))
            before[entry.chain] = entry.record["action"]

    async def _known(self, db: Database, group: Sequence[Entry]) -> dict[tuple[int, str], Row]:
        """Rows of the group's keys that are of other records."""
        known: dict[tuple[int, str], Row] = {}
        for site_id in {entry.record["site_id"] for entry in group}:
            ours = {entry.record["key"]: entry for entry in group if entry.record["site_id"] == site_id}
            rows = await queries.known(db, site_id, list(ours))
            known |= {(site_id, key): row for key, row in rows.items() if row["id"] != ours[key].record["id"]}
        return known

    async def _recover(self) -> None:
        """Wait until the store commits again."""
        wait, longest = RETRY
        while self._failure:
            await asyncio.sleep(wait)
            wait = min(wait * 2, longest)
            try:
                await queries.probe(self._db)
                await self._sequencer.settle([])
            except Exception as error:
                _log.error("the store still fails: %s", error)
            else:
                _log.warning("the store works again")
                self._failure = ""

    def _refuse(self, group: Sequence[Entry], why: str) -> None:
        """Tell a group and all who wait behind it that nothing is promised, and take nothing more."""
        _log.error("records are refused: %s", why)
        self._failure = why
        for entry in (*group, *self._queue):
            self._fail(entry, why)
        self._queue = []

    def _fail(self, entry: Entry, why: str) -> None:
        self._pending.pop(entry.key, None)
        if not entry.done.done():
            entry.done.set_exception(unavailable(why))

    def _answer(self, entry: Entry, answer: Evidence | Row) -> None:
        self._pending.pop(entry.key, None)
        if not entry.done.done():
            entry.done.set_result(answer)


def _statements(growth: Growth, group: Sequence[Entry]) -> list[Statement]:
    """What stores records of one site, has them counted and grows their log."""
    for leaf, entry in enumerate(group, growth.first):
        entry.record |= {"epoch": growth.tail.epoch, "leaf": leaf, "salt": b64encode(entry.salt).decode()}
    receipts = [entry.receipt for entry in group if entry.receipt is not None]
    counted = rollup_queries.noting(group[0].log.site_id, ((entry.record, entry.seen) for entry in group))
    return [*queries.adding(receipts, [entry.record for entry in group]), counted, *growth.statements]


def unavailable(why: str) -> Unavailable:
    """The answer when a record cannot be promised."""
    return Unavailable(f"The choice was not recorded: {why}.")


def _by_site(group: Sequence[Entry]) -> list[list[Entry]]:
    """A group by site, each in the order in which it came."""
    in_order = sorted(group, key=lambda entry: entry.log.site_id)
    return [list(ours) for _, ours in groupby(in_order, key=lambda entry: entry.log.site_id)]
