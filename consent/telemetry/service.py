"""The room as the app has it: made of one door, with its addresses, its background work, and its failure."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from starlette.routing import BaseRoute

from consent.config import Config
from consent.db import Database
from consent.errors import Problem
from consent.policy.telemetry import ResolvedTelemetry
from consent.records.intake import DAY, milliseconds
from consent.records.limits import Limits
from consent.records.published import Published
from consent.regimes.visit import Visits
from consent.telemetry.door import Door, Shut
from consent.telemetry.head import Reader
from consent.telemetry.intake import Intake
from consent.telemetry.leaving import NAME, Leaving
from consent.telemetry.opened import Opened, open_door
from consent.telemetry.own_pages import OwnPages
from consent.telemetry.past import Past
from consent.telemetry.pixel_routes import Pixel
from consent.telemetry.reception import Reception
from consent.telemetry.requests_routes import RequestsPost
from consent.telemetry.retention import Retention
from consent.telemetry.routes import EventsPost
from consent.telemetry.standing import Judge
from consent.telemetry.visitor_routes import Desk
from consent.telemetry.whereabouts import Whereabouts
from consent.telemetry.withdrawal import Withdrawals
from consent.visitors.cookies import Jar
from consent.visitors.place import Places
from consent.visitors.reverse import Reverse, system_resolver
from consent.web.keyring import open_keyring
from consent.web.seal import Key, Keyring

_log = logging.getLogger(__name__)


class Work(NamedTuple):
    """Something done in the background, again so many seconds after it ended. `aged`: it deletes what is old."""

    name: str
    period: float
    work: Callable[[], Awaitable[object]]
    aged: bool = False


class Ready(NamedTuple):
    """What the room needs of the disk: a door, and the keys of the cookies."""

    door: Door
    keys: Keyring

    async def close(self) -> None:
        """Let go of the store, after all that writes has ended."""
        if isinstance(self.door, Opened):
            await self.door.db.close()


async def open_room(config: Config) -> Ready:
    """Open store and keys. What cannot be opened is said, and events are dropped: choices never wait for this."""
    keys: Keyring | None = None
    try:
        keys = await asyncio.to_thread(
            open_keyring, config.data / "keys" / "cookies", milliseconds() // DAY, secrets.token_bytes
        )
        return Ready(await open_door(config), keys)
    except (Problem, OSError) as error:
        _log.error("the visitors' log cannot be opened, and visits are not kept: %s", error)
        shut = Shut(str(error), Leaving(config.data / NAME))
        return closed(str(error)) if keys is None else Ready(shut, keys)


def closed(why: str) -> Ready:
    """No store, and keys that are gone when the service stops."""
    return Ready(Shut(why), Keyring((Key(bytes(4), 0, secrets.token_bytes(32)),)))


class Telemetry:
    """The visitors' log as a part of the service. `queued` tells how many choices wait for a commit."""

    def __init__(
        self,
        ready: Ready,
        *,
        config: Config,
        db: Database,
        published: Published,
        visits: Visits,
        queued: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        self.door = ready.door
        self.places = Places(config.data / "geo")
        self._published = published
        chance = secrets.token_bytes
        jar = Jar(ready.keys, chance)
        self.reverse = Reverse(system_resolver) if config.reverse_dns else None
        self.intake = Intake(db=db, door=ready.door, jar=jar, places=self.places, chance=chance, reverse=self.reverse)
        self.withdrawals = Withdrawals(ready.door, jar, milliseconds)
        reception = Reception(
            published,
            self.intake,
            Limits(config.rate_events_address, config.rate_events_site, clock),
            Reader(config.networks, visits),
            self.withdrawals,
            milliseconds,
        )
        past = Past(Judge(jar), self.places, ready.door)
        self.events = EventsPost(reception, queued)
        self.pixel = Pixel(reception, chance)
        self.pages = OwnPages(reception, past, chance)
        self.requests = RequestsPost(reception, past, Whereabouts(visits, self.places))
        self.desk = Desk(reception, jar, clock)

    @property
    def store(self) -> Database | None:
        """The visitors' log to read in; None where it is not open."""
        return self.door.db if isinstance(self.door, Opened) else None

    @property
    def failure(self) -> str:
        """Why visits are not kept; empty where they are."""
        return self.door.why if isinstance(self.door, Shut) else ""

    def routes(self) -> list[BaseRoute]:
        """Every path of this room, for the app's one list."""
        return [*self.events.routes(), *self.pixel.routes(), *self.desk.routes(), *self.requests.routes()]

    def work(self) -> list[Work]:
        """What is done in the background."""
        if not isinstance(self.door, Opened):
            return []
        forgetting = self.door.forgetting
        retention = Retention(self.door.log, self._terms)
        return [
            Work("forgetting visitors", 10, forgetting.finish),
            Work("overwriting what was deleted of visitors", 5, forgetting.scrub),
            Work("deleting visits that were kept long enough", 3_600, retention.run, aged=True),
            Work("forgetting who withdrew long ago", 86_400, forgetting.expire, aged=True),
        ]

    async def run(self) -> None:
        """Write, and ask for names of addresses, until cancelled; then write what is left."""
        if not isinstance(self.door, Opened):
            return
        asking = asyncio.create_task(self.reverse.run(milliseconds)) if self.reverse else None
        try:
            await self.door.run()
        finally:
            if asking is not None:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

    def close(self) -> None:
        """Let go of the databases of places."""
        self.places.close()

    def _terms(self) -> Iterable[tuple[int, ResolvedTelemetry | None]]:
        """Each site with the terms of its log now."""
        lives = [self._published.live(site.key) for site in self._published.sites()]
        return [(live.site.site_id, live.version.resolved.telemetry) for live in lives]
