"""Gives every leaf its place: one log a site, grown only from the head that is stored, never behind what was noted."""

import asyncio
import time
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from consent.config import Config
from consent.db import Database
from consent.errors import Conflict, ContradictionError, LogRefused
from consent.ledger import queries, reading
from consent.ledger.checkpoint import Checkpoint
from consent.ledger.edge import Edge
from consent.ledger.heads import Head, Heads
from consent.ledger.keys import Keys
from consent.ledger.merkle import EMPTY_ROOT
from consent.ledger.queries import LogId
from consent.ledger.tail import Growth, Leaf, Tail, grow

INSTALL = "install"
"""What stands in the place of a site's key in the origin of the install's own log, whose site number is 0."""

TAILS = 1_000
"""Logs kept at hand, up to some 30 kB each; others are read anew when they grow."""

_EMPTY = b64encode(EMPTY_ROOT).decode()


class Log(NamedTuple):
    """Whose log: the site's number and key."""

    site_id: int
    key: str


class Sequencer:
    """Every log of one store. `host` names the service in the origins of logs that it opens."""

    def __init__(self, db: Database, keys: Keys, heads: Heads, host: str) -> None:
        self._db = db
        self._keys = keys
        self._heads = heads
        self._host = host
        self._tails: OrderedDict[int, Tail] = OrderedDict()
        self.refused: dict[str, str] = {}
        """Sites whose logs must not grow, and why, as it was when they last were to."""

    async def tail(self, log: Log, *, fresh: bool = False, db: Database | None = None) -> Tail:
        """Where a log grows; opened where there is none.

        Args:
            log: whose.
            fresh: read the store again, since another process may have appended.
            db: the transaction to read in; without one, what is committed.

        Raises LogRefused when its key is missing, or the store is behind what was noted of it or altered.
        """
        held = self._tails.get(log.site_id)
        if held is not None and not fresh:
            self._tails.move_to_end(log.site_id)
            return held
        self._tails.pop(log.site_id, None)
        try:
            tail = await self._load(db or self._db, log)
        except LogRefused as refused:
            self.refused[log.key] = str(refused)
            raise
        self.refused.pop(log.key, None)
        return self._keep(tail)

    async def settle(self, growths: Sequence[Growth]) -> None:
        """Note growths that are committed, outside the database. Raises StoreError: then they may not be promised."""
        await self._heads.note([growth.tail.head for growth in growths])
        for growth in growths:
            held = self._tails.get(growth.tail.site_id)
            if held is None or held.head[1:3] < growth.tail.head[1:3]:
                self._keep(growth.tail)

    async def append(self, held: Database, log: Log, leaves: Iterable[Leaf]) -> Growth:
        """Append inside a transaction; `settle` the growth when that is committed."""
        growth = grow(await self.tail(log, fresh=True, db=held), leaves)
        self._tails.pop(log.site_id, None)  # until it is settled, nobody may grow from what may be rolled back
        await held.batch(growth.statements)
        return growth

    async def proof(self, log: Log, epoch: int, leaf: int, extra: bytes) -> tuple[str, str] | None:
        """The proof of a leaf to the head of its log as it is now, and the vkey; None where there is no such leaf."""
        return await reading.proof(self._db, LogId(log.site_id, epoch), leaf, extra)

    async def rotate(self, log: Log) -> str:
        """Let a new key sign from now on; the present head is signed by both. Returns the new vkey."""
        async with self._db.transaction() as held:
            tail = await self.tail(log, fresh=True, db=held)
            self._tails.pop(log.site_id, None)
            number = tail.number + 1
            key = await asyncio.to_thread(self._keys.make, log.key, tail.epoch, number, tail.origin)
            text = Checkpoint(tail.origin, tail.edge.size, b64decode(tail.root)).format()
            row = {"site_id": tail.site_id, "epoch": tail.epoch, "number": number}
            await held.batch([queries.adding_key({**row, "vkey": str(key.vkey), "since": tail.edge.size})])
            await held.batch([queries.swapping_note(tail.head, tail.key.sign(text, key))])
        return str(key.vkey)

    async def new_epoch(self, log: Log, *, force: bool = False) -> Tail:
        """Begin a new log for a site, whose first leaf names the last head known of the old one.

        Raises Conflict where the log can go on and must, unless `force` says that it was further than is known here.
        """
        try:
            await self._load(self._db, log)
        except LogRefused:
            pass
        else:
            if not force:
                raise Conflict("log_sound", f"The log of {log.key} can go on.", "Nothing needs to be done.")
        row = await queries.newest(self._db, log.site_id)
        stored = Head(log.site_id, row["epoch"], row["size"], row["root"]) if row else None
        last = max((head for head in (stored, self._heads.of(log.site_id)) if head), default=None)
        assert last is not None, "a log that was never opened is not behind"
        epoch = last.epoch + 1
        origin = self._origin(log, last.epoch) if row is None or row["epoch"] != last.epoch else row["origin"]
        async with self._db.transaction() as held:
            tail = await self._open(log, epoch, held)
            growth = grow(tail, [Leaf("epoch", int(time.time()), f"{origin} {last.size} {last.root}")])
            await held.batch(growth.statements)
        await self.settle([growth])
        return growth.tail

    def _keep(self, tail: Tail) -> Tail:
        self._tails[tail.site_id] = tail
        self._tails.move_to_end(tail.site_id)
        if len(self._tails) > TAILS:
            self._tails.popitem(last=False)
        return tail

    async def _load(self, db: Database, log: Log) -> Tail:
        row = await queries.newest(db, log.site_id)
        if row is None:
            noted = self._heads.of(log.site_id)
            if noted is not None:
                raise behind(log, Head(log.site_id, noted.epoch, 0, _EMPTY), noted)
            return await self._open(log, 1, db)
        edge = await _edge(db, log, row["epoch"], row["size"])
        root = b64encode(edge.root()).decode()
        if root != row["root"]:
            raise torn(log)
        head = Head(log.site_id, row["epoch"], row["size"], root)
        await self._compare(db, log, head)
        key = await asyncio.to_thread(self._keys.read, log.key, row["epoch"], row["number"])
        return Tail(log.site_id, row["epoch"], row["number"], row["origin"], key, edge, root, row["checkpoint"])

    async def _compare(self, db: Database, log: Log, head: Head) -> None:
        """Note the stored head; raises LogRefused when it is behind the noted one, or does not follow from it."""
        noted = self._heads.of(log.site_id)
        if noted == head:
            return None
        if noted is None:
            return await self._heads.note([head])
        if noted.epoch < head.epoch:
            return await self._heads.note([head])  # its first leaf names the end of the old epoch
        if noted.epoch > head.epoch or noted.size > head.size:
            raise behind(log, head, noted)
        then = await _edge(db, log, head.epoch, noted.size)
        if b64encode(then.root()).decode() != noted.root:
            raise behind(log, head, noted)
        return await self._heads.note([head])  # what was committed and not noted when a process ended

    def _origin(self, log: Log, epoch: int) -> str:
        return f"{self._host}/log/{log.key}" + (f"/e{epoch}" if epoch > 1 else "")

    async def _open(self, log: Log, epoch: int, db: Database | None = None) -> Tail:
        """Open an empty log; another process that does so at the same time takes the same key."""
        origin = self._origin(log, epoch)
        key = await asyncio.to_thread(self._keys.make, log.key, epoch, 1, origin)
        ids = {"site_id": log.site_id, "epoch": epoch}
        note = key.sign(Checkpoint(origin, 0, EMPTY_ROOT).format())
        opened = queries.opening(
            {**ids, "origin": origin, "opened": time.time_ns() // 1_000_000},
            {**ids, "number": 1, "vkey": str(key.vkey), "since": 0},
            {**ids, "size": 0, "root": _EMPTY, "checkpoint": note},
        )
        try:
            await (db or self._db).batch(opened)
        except ContradictionError:  # it was opened at the same moment
            return await self._load(db or self._db, log)
        return Tail(log.site_id, epoch, 1, origin, key, Edge.empty(), _EMPTY, note)


async def _edge(db: Database, log: Log, epoch: int, size: int) -> Edge:
    """The edge that the store holds of a log. Raises LogRefused when rows are missing or are none."""
    try:
        return await reading.edge(db, LogId(log.site_id, epoch), size)
    except ValueError as error:
        raise torn(log) from error


def behind(log: Log, stored: Head, noted: Head) -> LogRefused:
    """The refusal to append to a log that was rolled back: two heads of one log must never contradict each other."""
    return LogRefused(
        "log_behind",
        f"The log of {log.key} was seen with {noted.size} leaves (epoch {noted.epoch}), and the store holds"
        f" {stored.size} (epoch {stored.epoch}), or others: it was restored from a backup, or altered.",
        f"Put the newest store back, or go on in a new epoch: consent ledger new-epoch {log.key}.",
    )


def torn(log: Log) -> LogRefused:
    """The refusal to append to a log whose rows do not lead to its head."""
    return LogRefused(
        "log_altered",
        f"The rows of the log of {log.key} do not lead to its head: they were altered.",
        "Find out where: consent ledger verify. Then put a backup back.",
    )


def sequencer(db: Database, config: Config) -> Sequencer:
    """The logs of a store, with the keys and heads that lie beside it."""
    host = urlsplit(config.base_url).netloc
    return Sequencer(db, Keys(config.data / "keys"), Heads(config.data / "ledger.heads"), host)
