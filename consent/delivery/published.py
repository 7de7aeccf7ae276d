"""What is published of each site right now, with what must be told beside it."""

import asyncio
from collections import OrderedDict

import msgspec

from consent.db import Database
from consent.delivery.bundle import layers
from consent.delivery.manifest import Layer
from consent.errors import StoreError
from consent.policy.queries import Version, by_version, since
from consent.records.published import Live, Published

MAX_SITES = 2000


class Publication(msgspec.Struct, frozen=True):
    """A site's current version, what older choices are worth under it, and where its layers are."""

    version: Version
    since: dict[str, str]
    layers: dict[str, Layer]


class Publications:
    """Completes what `sites` knows. When the store fails, the last complete publication goes on being served."""

    def __init__(self, db: Database, sites: Published) -> None:
        self._db = db
        self._sites = sites
        self._complete: OrderedDict[str, Publication] = OrderedDict()

    async def current(self, key: str) -> Publication | None:
        """What a site publishes now; None for an unknown site and one without a policy."""
        live = self._sites.site(key)
        if live is None:
            return None
        held = self._complete.get(key)
        if held and held.version is live.version:
            return held
        try:
            found = await self._read(live)
        except StoreError:
            if held is None:
                raise
            return held
        self._keep(key, found)
        return found

    async def version(self, key: str, number: int) -> Version | None:
        """One version of a site, old ones too: a page may hold the script of a moment ago."""
        live = self._sites.site(key)
        if live is None or number in live.known:
            return live.known[number] if live else None
        found = await by_version(self._db, live.site.site_id, number)
        if found:
            live.remember(found)
        return found

    async def _read(self, live: Live) -> Publication:
        version = live.version
        told = await asyncio.to_thread(layers, version.resolved, version.version)
        return Publication(version, dict(await since(self._db, version)), told)

    def _keep(self, key: str, found: Publication) -> None:
        self._complete[key] = found
        self._complete.move_to_end(key)
        while len(self._complete) > MAX_SITES:
            self._complete.popitem(last=False)
