"""The daily letter: yesterday at every site that its reader may see, once, to who asked for it."""

from collections.abc import Callable

from consent.accounts import queries as accounts
from consent.accounts.account import grants
from consent.db import Database
from consent.errors import Problem
from consent.mail import Mailer
from consent.reports import letter_queries, letters
from consent.reports.export import DAY
from consent.reports.letters import WEEK, Day, Reader, Stops
from consent.sites.queries import all_sites
from consent.sites.site import Site
from consent.web.gate import Need

MORNING = 5 * 3_600_000
"""Milliseconds after midnight (UTC) from which on a day is summed up."""

EVERY = 600.0


class Summaries:
    """Sends the letters.

    Args:
        db: the store.
        telemetry: the store of the visitors' log; None where there is none.
        mailer: sends.
        stops: makes the links that stop letters.
        now: ms since 1970.
    """

    def __init__(
        self, db: Database, telemetry: Database | None, mailer: Mailer, stops: Stops, now: Callable[[], int]
    ) -> None:
        self._db = db
        self._telemetry = telemetry
        self._mailer = mailer
        self._stops = stops
        self._now = now

    async def run(self) -> None:
        """Send yesterday's summary to those who want it and have not had it. Raises Problem where one was not sent."""
        if not self._mailer.on:
            return
        day = (self._now() - MORNING) // DAY - 1
        failed: Problem | None = None
        for reader in await letter_queries.readers(self._db, "daily", day):
            try:
                await self._send(reader, day)
            except Problem as problem:
                failed = failed or problem
        if failed:
            raise failed

    async def _send(self, reader: Reader, day: int) -> None:
        sites = await seen_by(self._db, reader.account, Need.FIGURES)
        if not sites or not await letter_queries.mark(self._db, reader.account, reader.sent, day):
            return
        try:
            days = [await self._day(site, day) for site in sites]
            await self._mailer.send(self._stops.letter(reader, "daily", *letters.daily(day, days, self._stops.console)))
        except Problem:
            await letter_queries.mark(self._db, reader.account, day, reader.sent)  # it is tried again
            raise

    async def _day(self, site: Site, day: int) -> Day:
        sessions, visitors, views = (
            await letter_queries.visits(self._telemetry, site.site_id, day) if self._telemetry else (0, 0, 0)
        )
        return Day(
            site=site.key,
            choices=await letter_queries.choices(self._db, site.site_id, day, day),
            week=await letter_queries.choices(self._db, site.site_id, day - WEEK, day - 1),
            sessions=sessions,
            visitors=visitors,
            views=views,
        )


async def seen_by(db: Database, account: str, need: Need) -> list[Site]:
    """The sites where an account may do that."""
    held = grants(await accounts.roles_of(db, account))
    known = await all_sites(db)
    return [one for one in known if need in held.get(0, ()) or need in held.get(one.site_id, ())]
