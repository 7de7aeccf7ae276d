"""Writes to the visitors' log: rows and what is added up of them in one transaction, one writing after another."""

import asyncio
import contextlib
import secrets
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

from consent.db import Database, Row, Statement
from consent.errors import ContradictionError
from consent.telemetry import queries
from consent.telemetry.chunk import Chunk, Key
from consent.telemetry.forgotten import Forgotten
from consent.telemetry.hit import GRAINS, EventRow, Hit
from consent.telemetry.rollup import Sums
from consent.telemetry.session import Session
from consent.visitors.cookies import digest

AT_ONCE = 64
"""Hits worked out before others have a turn."""

FOLD = 16
"""Chunks folded into the rollups together."""

RECENT = 65_536
"""The latest events, whose ids are in memory with up to as many before: 13 MB. What comes again counts no further."""

LIVE = 8_192
"""Sessions in memory: some 15 MB, and 9 more for ids at most. Of others the store is asked when they go on."""

HELD = 128
"""Events of a session in memory whose ids are known with it: of one with more the store is asked."""


class _Live:
    """A session in memory. `ids`: hashes of all its events' ids; None where some are known to the store alone."""

    __slots__ = ("ids", "session")

    def __init__(self, session: Session, ids: "array[int] | None") -> None:
        self.session = session
        self.ids = ids


class Log:
    """One store's log. `turn` is held while something is written: what is read for that stays true.

    `forgotten`: who withdrew; nothing of them is written any more.
    """

    def __init__(self, db: Database, forgotten: Forgotten | None = None) -> None:
        self.db = db
        self.turn = asyncio.Lock()
        self.forgotten = forgotten or Forgotten()
        self._live: OrderedDict[Key, _Live] = OrderedDict()
        self._recent: set[int] = set()
        """Hashes of site and id of the events written last; when there are `RECENT`, `_earlier` has them."""
        self._earlier: set[int] = set()

    async def write(
        self,
        hits: Sequence[Hit],
        counts: dict[int, Sums],
        dropped: Sequence[Row] = (),
        also: Sequence[Statement] = (),
    ) -> int:
        """Store hits and add them up, with anonymous counts by site, in one transaction; the number of new events.

        An event that is there already counts no further. Hits of visitors who withdrew are left out. `also` goes into
        the same transaction. Raises StoreError: then nothing was stored, or all was, and writing the same again adds no
        event twice.
        """
        async with self.turn:
            try:
                if any(self.forgotten.has_any(site_id) for site_id in {hit.site_id for hit in hits}):
                    hits = [hit for hit in hits if not self._is_forgotten(hit)]
                return await self._write(hits, counts, dropped, also)
            except BaseException:
                self._live.clear()  # what was stored is not known
                raise

    async def _write(
        self, hits: Sequence[Hit], counts: dict[int, Sums], dropped: Sequence[Row], also: Sequence[Statement]
    ) -> int:
        keys = [(hit.site_id, hit.session) for hit in hits]
        before = await self._before(keys)
        fresh = await self._fresh(hits, keys, before)
        opening = await self._opening([hit for hit, key in zip(hits, keys, strict=True) if key not in before])
        chunk = Chunk(before)
        for number, (hit, key, new) in enumerate(zip(hits, keys, fresh, strict=True), 1):
            chunk.add(hit, new, opening.get(key, False))
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        statements = chunk.statements(counts, dropped, lambda: secrets.token_hex(8))
        if statements or also:
            await self.db.batch([*statements, *also])
        self._remember(chunk, before)
        return len(chunk.events)

    async def fold(self) -> bool:
        """Add what chunks added up to to the rollups; whether more may be left. Raises StoreError.

        Each is folded once, also when another process folds too.
        """
        rows = await queries.uncounted(self.db, FOLD)
        sums: dict[int, Sums] = {}
        for row in rows:
            sums.setdefault(row["site_id"], Sums()).add_text(row["cells"])
            await asyncio.sleep(0)
        cells = [cell for site_id, own in sorted(sums.items()) for cell in own.rows(site_id, "full")]
        if rows:
            with contextlib.suppress(ContradictionError):
                await self.db.batch(queries.folding(rows, cells))
        return len(rows) == FOLD

    async def _before(self, keys: Sequence[Key]) -> dict[Key, Session]:
        """The sessions of these that there are."""
        found: dict[Key, Session] = {}
        asked: dict[int, set[str]] = {}
        for key in keys:
            live = self._live.get(key)
            if live is None:
                asked.setdefault(key[0], set()).add(key[1])
            else:
                found[key] = live.session
        for site_id, ids in asked.items():
            found |= {(site_id, one.id): one for one in await queries.sessions(self.db, site_id, sorted(ids))}
        return found

    async def _fresh(
        self, hits: Sequence[Hit], keys: Sequence[Key], before: dict[Key, Session]
    ) -> list[list[EventRow]]:
        """Of each hit the events that are not there yet, each once: not in the session, nor in another one of the day,
        for whoever tries again may do so after the session is over, or without the cookie of an answer that was lost.
        """
        lives = [self._live.get(key) for key in keys]
        seen = await self._seen(hits, keys, lives, before)
        fresh: list[list[EventRow]] = []
        for hit, live in zip(hits, lives, strict=True):
            held = (live and live.ids) or ()
            new = []
            for event in hit.events:
                key = (hit.site_id, event.id)
                mark = hash(key)
                if key not in seen and mark not in self._recent and mark not in self._earlier and mark not in held:
                    seen.add(key)
                    new.append(event)
            fresh.append(new)
        return fresh

    async def _seen(
        self, hits: Sequence[Hit], keys: Sequence[Key], lives: Sequence[_Live | None], before: dict[Key, Session]
    ) -> set[Key]:
        """Which events of these hits the store has, in their sessions or, where those are new, in their visitors'.

        Of sessions whose events are all in memory it is not asked.
        """
        going: dict[int, list[tuple[str, str]]] = {}
        coming: dict[int, list[tuple[str, str]]] = {}
        for hit, key, live in zip(hits, keys, lives, strict=True):
            if live is not None and live.ids is not None:
                continue
            pairs = going if key in before else coming
            whose = hit.session if pairs is going else hit.visitor
            if pairs is going or hit.visit > 1:
                pairs.setdefault(hit.site_id, []).extend([(whose, event.id) for event in hit.events])
        seen: set[Key] = set()
        for site_id, asked in going.items():
            seen |= {(site_id, one) for one in await queries.known_events(self.db, site_id, asked)}
        since = f"{max(0, min([hit.began for hit in hits], default=0) - 2 * GRAINS['day']):012x}"
        for site_id, asked in coming.items():
            seen |= {(site_id, one) for one in await queries.known_of_visitors(self.db, site_id, asked, since)}
        return seen

    async def _opening(self, hits: Iterable[Hit]) -> dict[Key, bool]:
        """Of each new session whether it is its visitor's first that day."""
        new = {(hit.site_id, hit.session): hit for hit in hits}
        asked: dict[int, set[str]] = {}
        for hit in new.values():
            asked.setdefault(hit.site_id, set()).add(hit.visitor)
        latest: dict[Key, int] = {}
        for site_id, ids in asked.items():
            rows = await queries.latest_began(self.db, site_id, sorted(ids))
            latest |= {(site_id, visitor): began // GRAINS["day"] for visitor, began in rows.items()}
        opens: dict[Key, bool] = {}
        for key, hit in sorted(new.items()):
            day = hit.began // GRAINS["day"]
            visitor = (hit.site_id, hit.visitor)
            opens[key] = latest.get(visitor, -1) < day
            latest[visitor] = max(day, latest.get(visitor, -1))
        return opens

    def _is_forgotten(self, hit: Hit) -> bool:
        return self.forgotten.has(hit.site_id, digest(bytes.fromhex(hit.visitor)))

    def forget(self, keys: Iterable[Key]) -> None:
        """Let go of sessions whose rows are deleted; `turn` is held."""
        for key in keys:
            self._live.pop(key, None)

    def _remember(self, chunk: Chunk, before: Mapping[Key, Session]) -> None:
        for key, session in chunk.sessions.items():
            live = self._live.get(key)
            if live is None:
                self._live[key] = _Live(session, None if key in before else array("q"))
            else:
                live.session = session
                self._live.move_to_end(key)
        if len(self._recent) >= RECENT:
            self._earlier, self._recent = self._recent, set()
        for session, event in chunk.events:
            mark = hash((session.site_id, event.id))
            self._recent.add(mark)
            live = self._live[session.site_id, session.id]
            if live.ids is not None and len(live.ids) < HELD:
                live.ids.append(mark)
            else:
                live.ids = None
        while len(self._live) > LIVE:
            self._live.popitem(last=False)
