"""The sites and what they publish, in memory: a post of consent reads nothing from the store to be judged."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable, Iterable

from consent.db import Database
from consent.errors import Conflict, NotFound
from consent.policy import notice_queries as notices
from consent.policy import queries as policies
from consent.policy.queries import Version
from consent.records.claim import Statement, choices, names_notice, unknown_notice
from consent.records.decision import Settled, settle
from consent.records.queries import newest_versions
from consent.sites.queries import all_sites
from consent.sites.site import Site

EVERY = 1.0
"""Seconds between looks at the store for what other programs published."""

MEMORY = 2_048
"""Settled statements kept; when there are more, all are forgotten and settled anew as they come."""

OLDER = 20
"""Older versions of a site kept in memory."""

NOTICES = 1_000
"""Notices of a site known in memory; any other that a record names is looked up."""

Prepare = Callable[[Version], Awaitable[Iterable[str]]]
"""Stores what a version shows and returns the hashes of it, before anybody is shown it."""

_log = logging.getLogger(__name__)


class Live:
    """One site as it is now."""

    def __init__(self, site: Site, version: Version, shown: Iterable[str] = ()) -> None:
        self.site = site
        self.version = version
        self.origins = frozenset(origin.encode() for origin in version.resolved.origins)
        self.known = {version.version: version}
        self._shown = frozenset((version.version, notice) for notice in shown)
        self._notices = set(self._shown)

    def shows(self, version: int, notice: str) -> bool:
        """Whether a version is known to show a notice; if not, the store may still know it."""
        return (version, notice) in self._notices

    def recall(self, version: int, notice: str) -> None:
        """Keep in mind what the store knew: that an older version, or older software, showed this."""
        if len(self._notices) >= NOTICES:
            self._notices = set(self._shown)
        self._notices.add((version, notice))

    def remember(self, version: Version) -> None:
        """Keep an older version at hand, a few of them at most."""
        if len(self.known) > OLDER:
            self.known = {self.version.version: self.version}
        self.known[version.version] = version


class Published:
    """Every site that published a policy. `refresh` and `watch` keep it up to date."""

    def __init__(self, db: Database, prepare: Prepare | None = None) -> None:
        self._db = db
        self._prepare = prepare
        self._sites: dict[str, Live] = {}
        self._settled: dict[Hashable, Settled] = {}

    def site(self, key: str) -> Live | None:
        """A site by its key, once it has published a policy."""
        return self._sites.get(key)

    def live(self, key: str) -> Live:
        """A site that has published a policy. Raises NotFound."""
        live = self._sites.get(key)
        if live is None:
            remedy = "Check the key in the snippet, or publish a policy: consent policy publish FILE."
            raise NotFound("unknown_site", f"No policy is published for the site {key[:40]!r}.", remedy)
        return live

    def sites(self) -> list[Site]:
        """Every site that has published a policy."""
        return [live.site for live in self._sites.values()]

    async def refresh(self) -> None:
        """Read what is new in the store. Raises StoreError; what was known stays known."""
        newest = await newest_versions(self._db)
        sites = {site.key: site for site in await all_sites(self._db) if site.site_id in newest}
        for key, site in sites.items():
            held = self._sites.get(key)
            if held is None or held.version.version != newest[site.site_id]:
                version = await policies.current(self._db, site.site_id)
                if version is not None:
                    shown = await self._prepare(version) if self._prepare else ()
                    self._sites[key] = Live(site, version, shown)
        for key in self._sites.keys() - sites.keys():
            del self._sites[key]

    async def watch(self) -> None:
        """Refresh for ever. What fails is said once and tried again; meanwhile what was known is served."""
        said = False
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.refresh()
                said = False
            except Exception:
                if not said:
                    _log.exception("what sites publish could not be read")
                said = True

    async def settle(self, live: Live, statement: Statement, day: int) -> Settled:
        """Judge a statement by the version it names.

        Raises Conflict when the site never published what it names, Problem for what does not fit that version, or
        names a notice that it never showed.
        """
        key = (live.site.site_id, day, statement)
        settled = self._settled.get(key)
        if settled is None:
            said = choices(statement)
            settled = settle(statement, said, await self._version(live, statement), day)
            await self.check_notice(live, statement)
            if len(self._settled) >= MEMORY:
                self._settled.clear()
            self._settled[key] = settled
        return settled

    async def check_notice(self, live: Live, statement: Statement) -> None:
        """Raises Problem when a record would name a notice that the version never showed."""
        version, notice = statement.version, statement.notice
        if not names_notice(statement.layer, statement.control) or not notice or live.shows(version, notice):
            return
        if not await notices.is_shown(self._db, live.site.site_id, version, notice):
            raise unknown_notice()
        live.recall(version, notice)

    async def _version(self, live: Live, statement: Statement) -> Version:
        """The version that a statement names: the current one, or an older one."""
        version = live.known.get(statement.version)
        if version is None:
            version = await policies.by_version(self._db, live.site.site_id, statement.version)
            if version is not None:
                live.remember(version)
            if version is not None and version.version > live.version.version:
                await self.refresh()  # published a moment ago: who loads the script at once must not be turned away
        if version is None or (version.hash, version.scope) != (statement.hash, statement.scope):
            raise outdated(live)
        return version


def outdated(live: Live) -> Conflict:
    """The answer to a choice about something that the site does not ask, or not any more."""
    return Conflict(
        "policy_outdated",
        "The site asks about other purposes or services than this choice speaks of.",
        "Load the site's script again and ask the visitor anew.",
        extra={"version": live.version.version, "scope": live.version.scope},
    )
