"""What is published of each site right now, kept for a moment so that a script costs no query each time."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

import msgspec

from consent.db import Database
from consent.delivery.bundle import layers
from consent.delivery.manifest import Layer
from consent.errors import StoreError
from consent.policy.queries import Version, by_version, current, since
from consent.sites.queries import by_key

K = TypeVar("K")
V = TypeVar("V")

#: Seconds for which a site's current version is not looked up again: the delay of a publication.
FRESH = 1.0
MAX_SITES = 2000
MAX_VERSIONS = 200


class Published(msgspec.Struct, frozen=True):
    """A site's current version and what must be told beside it."""

    version: Version
    since: dict[str, str]
    layers: dict[str, Layer]


class Publications:
    """Reads versions from the store. When the store fails, the last known version goes on being served."""

    def __init__(self, db: Database, clock: Callable[[], float]) -> None:
        self._db = db
        self._clock = clock
        self._current: OrderedDict[str, tuple[float, Published]] = OrderedDict()
        self._versions: OrderedDict[tuple[int, int], Version] = OrderedDict()

    async def current(self, key: str) -> Published | None:
        """What a site publishes now; None for an unknown site and one without a policy."""
        known = self._current.get(key)
        if known and self._clock() - known[0] < FRESH:
            return known[1]
        try:
            found = await self._read(key, known[1] if known else None)
        except StoreError:
            if known is None:
                raise
            return known[1]
        if found is None:
            self._current.pop(key, None)
            return None
        _remember(self._current, key, (self._clock(), found), MAX_SITES)
        return found

    async def version(self, key: str, number: int) -> Version | None:
        """One version of a site, old ones too: a page may hold the script of a moment ago."""
        site = await self.current(key)
        if site is None or site.version.version == number:
            return site.version if site else None
        place = (site.version.site_id, number)
        if place not in self._versions:
            found = await by_version(self._db, *place)
            if found is None:
                return None
            _remember(self._versions, place, found, MAX_VERSIONS)
        return self._versions[place]

    async def _read(self, key: str, known: Published | None) -> Published | None:
        site = await by_key(self._db, key)
        version = await current(self._db, site.site_id) if site else None
        if version is None or (known and known.version == version):
            return known if version else None
        told = await asyncio.to_thread(layers, version.resolved, version.version)
        return Published(version, dict(await since(self._db, version)), told)


def _remember(shelf: OrderedDict[K, V], key: K, value: V, limit: int) -> None:
    shelf[key] = value
    shelf.move_to_end(key)
    while len(shelf) > limit:
        shelf.popitem(last=False)
