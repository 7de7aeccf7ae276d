"""Every address of this room, made of one store and one set of settings."""

import time
from collections.abc import Callable

from starlette.routing import BaseRoute

from consent.accounts import access_queries
from consent.accounts.access_pages import AccessPages
from consent.accounts.account import EVERY_SITE
from consent.accounts.account_pages import AccountPages
from consent.accounts.desk import Desk
from consent.accounts.door import Door, keyring_in
from consent.accounts.entry_pages import EntryPages
from consent.accounts.inviting import Inviting
from consent.accounts.jar import Jar
from consent.accounts.operator_pages import OperatorPages
from consent.accounts.provider import Provider
from consent.accounts.provider_pages import ProviderPages
from consent.accounts.signing import Signing
from consent.config import Config
from consent.db import Database
from consent.mail import Mailer
from consent.sites.queries import all_sites
from consent.web.gate import Gate

_DAY = 86_400_000


class Accounts:
    """Who may look: the gate's doorkeeper, and the room's pages."""

    def __init__(self, db: Database, config: Config, now: Callable[[], int]) -> None:
        keys = keyring_in(config.data, now() // _DAY)
        secure = config.base_url.startswith("https:")
        self.door = Door(db, keys, now=now, steady=time.monotonic, secure=secure, demands=config.console_authenticator)
        self.gate = Gate(self.door, config.console, config.networks)
        jar = Jar(keys, secure=secure)
        desk = Desk(db, self.gate, self.door, Signing(db, self.door, keys, now), jar, now)
        self.provider = provider = Provider(config, now)
        inviting = Inviting(db, Mailer(config, sleep=_at_once), config.base_url, now)
        self._pages = (
            EntryPages(desk, provider), ProviderPages(desk, provider), AccountPages(desk),
            OperatorPages(desk, inviting), AccessPages(desk),
        )  # fmt: skip
        self._db = db
        self._keeps = config.access_days * _DAY
        self._now = now

    async def tidy(self) -> None:
        """Delete lines of the access log that were kept for long enough."""
        for site_id in (EVERY_SITE, *(site.site_id for site in await all_sites(self._db))):
            while await access_queries.forget(self._db, site_id, self._now() - self._keeps):
                pass

    def routes(self) -> list[BaseRoute]:
        """Every path of this room, for the app's one list."""
        return [one for pages in self._pages for one in pages.routes()]


async def _at_once(_: float) -> None:
    """Tries of a letter that somebody waits for follow each other."""
