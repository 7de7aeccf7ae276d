"""What is published of each site right now, with what older choices are worth under it."""

from collections import OrderedDict

from consent.db import Database
from consent.policy.queries import Version, by_version, since
from consent.records.published import Published

MAX_VERSIONS = 2000


class Publications:
    """Completes what `sites` knows; that goes on being served while the store fails."""

    def __init__(self, db: Database, sites: Published) -> None:
        self._db = db
        self._sites = sites
        self._since: OrderedDict[tuple[int, int], dict[str, str]] = OrderedDict()

    def current(self, key: str) -> Version | None:
        """What a site publishes now; None for an unknown site and one without a policy."""
        live = self._sites.site(key)
        return live.version if live else None

    async def version(self, key: str, number: int) -> Version | None:
        """One version of a site, old ones too: a page may hold the script of a moment ago."""
        live = self._sites.site(key)
        if live is None or number > live.version.version:
            return None  # what is not published here is not asked of the store
        if number in live.known:
            return live.known[number]
        found = await by_version(self._db, live.site.site_id, number)
        if found:
            live.remember(found)
        return found

    async def since(self, version: Version) -> dict[str, str]:
        """What choices under older scopes are worth under this version; it never changes."""
        key = (version.site_id, version.version)
        if key not in self._since:
            self._since[key] = dict(await since(self._db, version))
        self._since.move_to_end(key)
        while len(self._since) > MAX_VERSIONS:
            self._since.popitem(last=False)
        return self._since[key]
