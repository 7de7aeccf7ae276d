"""Letters about outages: what is not well for longer than a minute, once, and that it is over; to who asked for it."""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from consent.config import Config
from consent.db import Database
from consent.errors import StoreError
from consent.mail import Mailer
from consent.reports import health, letter_queries, letters
from consent.reports.health_pages import Vitals
from consent.reports.letters import Fault, Reader, Stops
from consent.reports.summaries import seen_by
from consent.web import figures
from consent.web.gate import Need

EVERY = 20.0
"""Seconds between two looks."""

PATIENCE = 60_000
"""Milliseconds that something must last before it is told."""

AGAIN = 3_600_000
"""Milliseconds within which the same is not told twice: what comes and goes fills no letter box."""

ABSENT = 300_000
"""Milliseconds without a sign of life, after which it is told that the service was not running."""

KNOWN = 600_000
"""Milliseconds after which it is asked again who is to be told."""

FILE = "alive"
"""In the data folder: when the service was last seen running."""


class Watch:
    """What is told when. Pure."""

    def __init__(self) -> None:
        self._since: dict[str, int] = {}
        self._told: dict[str, Fault] = {}
        self._last: dict[str, int] = {}

    def look(self, now: int, faults: list[Fault]) -> tuple[list[Fault], list[Fault]]:
        """What is to be told as begun, and as over, when this is what is not well at that moment (ms)."""
        present = {fault.code for fault in faults}
        self._since = {code: self._since.get(code, now) for code in present}
        begun = [fault for fault in faults if self._lasts(fault.code, now)]
        over = [self._told.pop(code) for code in [*self._told] if code not in present]
        for fault in begun:
            self._told[fault.code] = fault
            self._last[fault.code] = now
        return begun, over

    def _lasts(self, code: str, now: int) -> bool:
        recent = self._last.get(code)
        told = code in self._told or (recent is not None and now - recent < AGAIN)
        return not told and now - self._since[code] >= PATIENCE


class Outages:
    """Looks, and sends the letters.

    Args:
        db: the store.
        mailer: sends.
        stops: makes the links that stop letters.
        config: the settings.
        vitals: the parts that can tell how they are.
        visits: why no visits are taken; empty when they are.
        now: ms since 1970.
    """

    def __init__(
        self,
        db: Database,
        mailer: Mailer,
        stops: Stops,
        config: Config,
        *,
        vitals: Vitals,
        visits: Callable[[], str],
        now: Callable[[], int],
    ) -> None:
        self._db = db
        self._mailer = mailer
        self._stops = stops
        self._data = config.data
        self._vitals = vitals
        self._visits = visits
        self._now = now
        self._watch = Watch()
        self._readers: list[tuple[Reader, frozenset[str]]] = []
        self._known: int | None = None
        self._absence = True

    async def run(self) -> None:
        """Look once."""
        now = self._now()
        away = await asyncio.to_thread(seen_alive, self._data / FILE, now)
        if not self._mailer.on:
            return
        begun, over = self._watch.look(now, await asyncio.to_thread(self.faults))
        if self._absence and away is not None and now - away > ABSENT:
            span = f"from {figures.moment(away)} to {figures.moment(now)} (UTC)"
            begun.append(Fault("absent", f"The service was not running {span}; choices were asked for again later."))
        self._absence = False
        if begun or over or self._known is None or now - self._known > KNOWN:
            await self._ask(now)
        if begun or over:
            self._tell(begun, over)

    def faults(self) -> list[Fault]:
        """What is not well now."""
        found = []
        failure = self._vitals.committer.failure
        if failure:
            found.append(Fault("choices", f"Choices cannot be recorded: {failure}."))
        for key, why in self._vitals.sequencer.refused.items():
            found.append(Fault(f"ledger {key}", why, key))
        if self._visits():
            found.append(Fault("visits", f"Visits are not taken: {self._visits()}."))
        room = shutil.disk_usage(self._data)
        disk = health.disk(room.free, room.total)
        if disk.grade == "bad":
            found.append(Fault("disk", f"{disk.says} {disk.remedy}"))
        return found

    async def _ask(self, now: int) -> None:
        """Who is to be told, and about which sites. When the store cannot be read, those known last are."""
        try:
            readers = await letter_queries.readers(self._db, "outage")
            self._readers = [
                (one, frozenset(site.key for site in await seen_by(self._db, one.account, Need.LOG))) for one in readers
            ]
        except StoreError:
            return
        self._known = now

    def _tell(self, begun: list[Fault], over: list[Fault]) -> None:
        """Queue a letter to everybody who may know of it."""
        for reader, sites in self._readers:
            mine, ended = ([one for one in told if one.site in sites or not one.site] for told in (begun, over))
            if sites and (mine or ended):
                subject, text = letters.outage(mine, ended, self._stops.console)
                self._mailer.post(self._stops.letter(reader, "outage", subject, text))


def seen_alive(file: Path, now: int) -> int | None:
    """Note that the service runs at this moment (ms); when it was last noted before, None where it never was."""
    try:
        before: int | None = int(file.read_text("ascii"))
    except (OSError, ValueError):
        before = None
    made = file.with_name(f"{file.name}.new")
    try:
        made.write_text(str(now), "ascii")
        os.replace(made, file)  # noqa: PTH105  # the name of what it does
    except OSError:
        return before  # a full disk is told by itself
    return before
