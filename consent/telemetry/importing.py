"""Imports access logs: line after line through the gate, in small transactions that say how far the import is.

A line counts once, however often its file is imported: also a file that grew, was rotated or packed meanwhile, for it
is known by what is in it. Memory does not grow with the file.
"""

import hmac
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple, Protocol

import msgspec

from consent.errors import ContradictionError, Problem
from consent.records.published import Live
from consent.regimes.geo import Place
from consent.telemetry import combined, facts, queries
from consent.telemetry.asset import is_asset
from consent.telemetry.combined import Entry, Unread
from consent.telemetry.gathered import Gathered
from consent.telemetry.hit import Hit
from consent.telemetry.log import Log
from consent.telemetry.logfile import Line, LogFile
from consent.telemetry.mark import Mark
from consent.telemetry.mark_queries import forget_old, recorded, storing
from consent.telemetry.past import COUNTED, STORED, Past, Request
from consent.telemetry.sent import Sent
from consent.visitors.bots import bot
from consent.visitors.cookies import digest
from consent.visitors.header import printable
from consent.visitors.visit import DAY
from consent.web.address import Network, client

CHUNK_LINES = 1_000
CHUNK_EVENTS = 256
"""Lines, and events among them, of one transaction: some ten milliseconds in which a service beside has to wait."""

ALIKE = 65_536
"""Lines that are remembered to tell one that comes twice: some 8 MB. Equal lines are of one second, and so are near."""

EXAMPLES = 3
SHOWN = 160
"""Unread lines of each reason that are told, and characters of them."""

BOTS = 1_000
"""Names of bots that are counted one by one."""

NO_HINTS = (b"",) * (len(facts.AGENT) - 1)
NO_ID = "0" * 32


class Example(NamedTuple):
    """A refused line as it may be shown; `file` is the log that has it as line `number`."""

    file: str
    number: int
    reason: str
    text: str


class Summary(msgspec.Struct, kw_only=True):
    """What came of lines: stored as rows, counted, known from before, left out or refused, by reason.

    `lines`: that were not known from before. Of each it is said once what became of it.
    """

    lines: int = 0
    stored: int = 0
    counted: int = 0
    before: int = 0
    left: Counter[str] = msgspec.field(default_factory=Counter)
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    bot_names: Counter[str] = msgspec.field(default_factory=Counter)
    examples: list[Example] = []


class Terms(NamedTuple):
    """Under what lines are taken.

    Args:
        origin: of the pages of lines that name no host.
        origins: of the site's hosts, by host.
        cookies: whether lines carry the Cookie header.
        country: of all lines, where the owner says it; else `place` is asked.
        place: where an address is.
        trusted: networks of the owner's own proxies.
        now: ms.
        again: whether lines that were imported before count again.
    """

    origin: str
    origins: dict[str, str]
    cookies: bool
    country: Place | None
    place: Callable[[str, int], Place | None]
    trusted: tuple[Network, ...]
    now: int
    again: bool = False


class Watcher(Protocol):
    """Is told what goes on."""

    def refused(self, number: int, reason: str, raw: bytes) -> None:
        """A line was refused."""

    def went_on(self, lines: int, at: int) -> None:
        """So many lines, and bytes of the file, are done."""


class Importer:
    """Imports into one site's log. `secret` keys what is remembered of files."""

    def __init__(
        self,
        *,
        log: Log,
        live: Live,
        same: Collection[str],
        past: Past,
        door: Gathered,
        terms: Terms,
        secret: bytes,
        watcher: Watcher,
    ) -> None:
        self.summary = Summary()
        self._log = log
        self._live = live
        self._same = same
        self._past = past
        self._door = door
        self._terms = terms
        self._secret = hmac.digest(secret, b"consent imported log", "sha256")
        self._watcher = watcher
        self._alike: OrderedDict[int, int] = OrderedDict()
        self._file = ""

    async def run(self, file: LogFile) -> None:
        """Import a file from where it was left. Raises Problem, StoreError among them: what was done stays done."""
        self._alike.clear()
        self._file = file.name
        lines = file.lines()
        mark = await self._known(lines, file)
        if mark is None:
            return
        since = mark.lines
        for line in lines:
            if not line.ended:
                self.summary.left["unfinished"] += 1  # the server is still writing it
                break
            if not self._line(line, mark.lines + 1):
                break
            mark.add(line)
            if mark.lines - since >= CHUNK_LINES or len(self._door.hits) >= CHUNK_EVENTS:
                since = mark.lines
                await self._write(mark, file)
        await self._write(mark, file)
        while await self._log.fold():  # there may be no service that does it
            pass
        await forget_old(self._log.db, self._terms.now)

    async def _known(self, lines: Iterator[Line], file: LogFile) -> Mark | None:
        """Go to where the last import of this log ended; None where it has nothing new."""
        first = next(lines, None)
        if first is None or not first.ended:
            if first is not None:
                self.summary.left["unfinished"] += 1
            return None
        fresh = Mark(self._secret, first)
        found = await recorded(self._log.db, self._live.site.site_id, fresh.head)
        fresh.known = found["bytes"] if found else -1
        if found is None or self._terms.again:
            self._line(first, 1)
            fresh.add(first)
            return fresh
        mark, line = fresh, first
        while True:
            mark.add(line)
            self._seen(line.raw)
            if mark.bytes >= found["bytes"]:
                break
            following = next(lines, None)
            if following is None or not following.ended:
                self.summary.before += mark.lines
                return None  # a shorter copy of what was imported
            line = following
        if mark.digest != found["digest"]:
            raise Problem(
                "log_differs",
                f"{file.name} begins like a log that was imported before, and differs then.",
                "Import the log as the server wrote it; or count all of its lines again with --again.",
            )
        self.summary.before += mark.lines
        self._watcher.went_on(mark.lines, file.at)
        return mark

    def _line(self, line: Line, number: int) -> bool:
        """Take one line; False where the import has to end before it."""
        self.summary.lines += 1
        entry = combined.read(line.raw, number, cookies=self._terms.cookies)
        if isinstance(entry, Unread):
            self._refuse(entry, line.raw)
            return True
        what = self._take(entry, line.raw)
        if what == "too-fresh":
            self.summary.lines -= 1
            self.summary.left[what] = 1
            return False
        if what == COUNTED:
            self.summary.counted += 1
        elif what != STORED:
            self.summary.left[what] += 1
        return True

    def _take(self, entry: Entry, raw: bytes) -> str:
        """What becomes of a line that was read."""
        terms, seen = self._terms, self._seen(raw) if self._terms.cookies else 0
        if entry.time > terms.now + DAY:
            return "too-new"
        if terms.cookies and entry.time > terms.now - DAY:
            return "too-fresh"  # its visit may go on, and the service that has it in memory would not see the rows
        if is_asset(entry.target):
            return "asset"
        agent = (entry.agent.encode()[:1_024], *NO_HINTS)
        found = facts.coarse(agent)
        if found.device == "bot":
            self._bot(agent[0])
            return "bot"
        origin = terms.origins.get(entry.host, "") if entry.host else terms.origin
        if not origin:
            return "other-site"
        address = client(entry.peer, [entry.forwarded] if entry.forwarded else [], terms.trusted)
        place = terms.country or terms.place(address, entry.time)
        if place is None and not entry.cookies:
            return "no-place"
        sent = Sent(
            address=address,
            place=place,
            lines=agent,
            cookies=entry.cookies.encode("latin-1", "replace"),
            where="page",
            secure=origin.startswith("https:"),
            method=entry.method,
            status=entry.status,
        )
        return self._past.take(
            self._live,
            Request(self._id(raw, seen), entry.time, origin + entry.target, entry.referrer, sent),
            self._same,
        )

    def _bot(self, agent: bytes) -> None:
        name = bot(printable(agent)) or "bot"
        names = self.summary.bot_names
        if name in names or len(names) < BOTS:
            names[name] += 1

    def _refuse(self, refused: Unread, raw: bytes) -> None:
        summary = self.summary
        summary.refused[refused.reason] += 1
        self._watcher.refused(refused.number, refused.reason, raw)
        if summary.refused[refused.reason] <= EXAMPLES:
            summary.examples.append(Example(self._file, refused.number, refused.reason, printable(raw)[:SHOWN]))

    def _seen(self, raw: bytes) -> int:
        """How many lines like this came before it in this file."""
        if not self._terms.cookies:
            return 0
        key = hash(raw)
        before = self._alike.pop(key, -1) + 1
        self._alike[key] = before
        if len(self._alike) > ALIKE:
            self._alike.popitem(last=False)
        return before

    def _id(self, raw: bytes, seen: int) -> str:
        """The id of a line's event: the same at each import, and to be made by who has the key alone."""
        if not self._terms.cookies:
            return NO_ID
        return hmac.digest(self._secret, b"%d %b" % (seen, raw.rstrip(b"\r\n")), "sha256").hex()[:32]

    async def _write(self, mark: Mark, file: LogFile) -> None:
        hits, sums, dropped = self._door.taken()
        gone = await self._gone(hits)
        if gone:
            self.summary.left["withdrawn"] += sum(hit.visitor in gone for hit in hits)
            hits = [hit for hit in hits if hit.visitor not in gone]
        also = [storing(mark.row(self._live.site.site_id, self._terms.now))]
        try:
            stored = await self._log.write(hits, sums, dropped, also=also)
        except ContradictionError as error:
            message = f"{file.name} is being imported by another program, too."
            remedy = "Wait for that one, and run this again: what is imported by then counts no further."
            raise Problem("log_busy", message, remedy) from error
        mark.known = mark.bytes
        self.summary.stored += stored
        self.summary.before += len(hits) - stored
        self.summary.lines -= len(hits) - stored
        self._watcher.went_on(mark.lines, file.at)

    async def _gone(self, hits: Sequence[Hit]) -> set[str]:
        """Visitors who withdrew since the import began: a service beside may have taken that."""
        known = {digest(bytes.fromhex(hit.visitor)).hex(): hit.visitor for hit in hits}
        return {
            known[found] for found in await queries.known_forgotten(self._log.db, self._live.site.site_id, [*known])
        }
