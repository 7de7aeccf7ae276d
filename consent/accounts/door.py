"""The doorkeeper: who a request comes from, by its session's cookie, an account's token or a site's own token."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from starlette.requests import Request

from consent.accounts import access_queries, queries, session, session_queries, token_queries
from consent.accounts.access_queries import Entry
from consent.accounts.account import EVERY_SITE, NEEDS, Account, Role, grants
from consent.db import Database
from consent.errors import Forbidden, TooMany, Unauthorized
from consent.sites.queries import all_sites, by_key, holds_token
from consent.sites.tokens import digest
from consent.web.address import place
from consent.web.gate import Look, Need, Signed, inside, signed
from consent.web.keyring import open_keyring
from consent.web.limits import Buckets
from consent.web.pages import Link, Shell
from consent.web.seal import Keyring

GUESSES = 30
"""Wrong tokens a minute from one place, after which it has to wait."""

_SITE_TOKEN = frozenset({Need.LOG, Need.TELL})


class Door:
    """Knows who asks. `Keeper` of the gate.

    Args:
        db: the store.
        keys: what cookies are sealed with.
        now: the clock, in ms since 1970.
        steady: a clock in seconds that never goes back.
        secure: whether browsers reach the service over https.
        demands: whether a password alone lets nobody further than to setting up an authenticator.
    """

    def __init__(
        self,
        db: Database,
        keys: Keyring,
        *,
        now: Callable[[], int],
        steady: Callable[[], float],
        secure: bool,
        demands: bool,
    ) -> None:
        self._cookie = session.name(secure=secure)
        self._db = db
        self._keys = keys
        self._now = now
        self._steady = steady
        self._demands = demands
        self._guesses = Buckets(GUESSES)

    def now(self) -> int:
        """Milliseconds since 1970."""
        return self._now()

    async def site(self, key: str) -> int | None:
        """The id of a site."""
        found = await by_key(self._db, key)
        return found.site_id if found else None

    async def who(self, request: Request, address: str) -> Signed | None:
        """Who asks. A token goes before a cookie; raises Unauthorized for a token that does not hold."""
        sent = request.headers.get("authorization")
        if sent is None:
            return await self._by_cookie(request.cookies, address, renews=not request.state.polled)
        scheme, _, token = sent.partition(" ")
        found = await self._by_token(token.strip(), request.path_params.get("site"), address)
        if scheme.lower() != "bearer" or found is None:
            wait = self._guesses.take(place(address).host, self._steady())
            if wait:
                raise TooMany(wait)
            raise Unauthorized(
                "This token opens nothing here.",
                "Send `Authorization: Bearer TOKEN` with a token that holds; a site's own lies in the data folder, in"
                " tokens/SITE.",
            )
        return found

    async def note(self, look: Look) -> None:
        """Write down a look, and where from: the network, never the whole address."""
        await self.write(look.signed, look.what, look.address, site_id=look.site_id, about=look.about, path=look.path)

    async def write(
        self, who: Signed, what: str, address: str, *, site_id: int = 0, about: str = "", path: str = ""
    ) -> None:
        """Write a line of the access log; it is durable when this returns."""
        now = self._now()
        entry = Entry(
            site_id, f"{now:012x}{os.urandom(6).hex()}", now, who.account, who.name[:254], who.how, what, about[:254],
            place(address).network[:64], path[:500],
        )  # fmt: skip
        await access_queries.add(self._db, entry)

    async def shell(self, request: Request, *, here: str = "") -> Shell:
        """What stands around a page for who asks: their sites, and the ways that are open to them."""
        who, state = signed(request), request.state
        sees = who.sites(Need.FIGURES) | who.sites(Need.LOG)
        sites = await all_sites(self._db)
        current = next((site.key for site in sites if state.site_id and site.site_id == state.site_id), "")
        ways = [("/account", "Your account", "account")]
        ways += [("/operators", "Operators", "operators")] if who.may(Need.MANAGE, EVERY_SITE) else []
        ways += [("/access", "Access log", "access")] if who.may(Need.ACCESS, EVERY_SITE) else []
        return Shell(
            account=who.name,
            role=role_at(who, state.site_id),
            sites=tuple(site.key for site in sites if EVERY_SITE in sees or site.site_id in sees),
            site=current,
            here=here,
            more=tuple(Link(href, text, here == key) for href, text, key in ways),
        )

    async def _by_cookie(self, cookies: Mapping[str, str], address: str, *, renews: bool) -> Signed | None:
        """Whose session it is; None for one that is over, was ended, or never was."""
        cookie = session.read(self._keys, cookies.get(self._cookie, ""))
        opened = await session_queries.find(self._db, cookie) if cookie else None
        now = self._now()
        if cookie is None or opened is None or cookie.is_over(now, opened.last) or opened.account.state != "active":
            return None
        _check_network(opened.account, address)
        if renews and now - opened.last > session.TOUCH:
            await session_queries.touch(self._db, cookie.digest, now)
        return Signed(
            account=opened.account.id, name=opened.account.email, how="session", session=cookie.digest,
            grants=grants(opened.account.roles), since=cookie.began, confirmed=opened.confirmed,
            strong=not self._demands or is_strong(opened.account),
        )  # fmt: skip

    async def _by_token(self, token: str, key: str | None, address: str) -> Signed | None:
        """Whose token it is: an account's, or that of the site in the path."""
        now, known = self._now(), digest(token)
        found = await token_queries.find(self._db, known, now)
        if found is not None:
            account = await queries.by_id(self._db, found.account)
            if account is None or account.state != "active":
                return None
            _check_network(account, address)
            if now - found.used > session.TOUCH:
                await token_queries.note_used(self._db, known, now)
            return Signed(
                account=account.id, name=f"{account.email} ({found.name})", how="token",
                grants=narrowed(account.roles, found.scope, found.needs),
            )  # fmt: skip
        site = await by_key(self._db, key) if key else None
        if site is not None and await holds_token(self._db, site.site_id, known):
            return Signed(account="", name=f"token of {site.key}", how="site", grants={site.site_id: _SITE_TOKEN})
        return None


def narrowed(roles: Mapping[int, Role], scope: int, needs: frozenset[Need]) -> dict[int, frozenset[Need]]:
    """What a token may: never more than its account may now, at the token's site alone, and what it was made for."""
    if scope == EVERY_SITE:
        return {site_id: NEEDS[role] & needs for site_id, role in roles.items()}
    everywhere, here = roles.get(EVERY_SITE), roles.get(scope)
    held = (NEEDS[everywhere] if everywhere else frozenset()) | (NEEDS[here] if here else frozenset())
    return {scope: held & needs}


def is_strong(account: Account) -> bool:
    """Whether nobody signs in with a password alone: there is an authenticator, or a provider and no password."""
    return bool(account.totp) or bool(account.subject and not account.password)


def _check_network(account: Account, address: str) -> None:
    """Raises Forbidden where the account's own networks leave this one out."""
    if account.networks and not inside(address, account.networks):
        raise Forbidden("network", "Nobody signs in from this network.", "Ask whoever runs this service.")


def role_at(who: Signed, site_id: int) -> str:
    """What somebody is there, in a word; nothing where they are several things at several sites."""
    held = {who.grants[place] for place in (site_id, EVERY_SITE) if place in who.grants} or set(who.grants.values())
    words = [role.capitalize() for role, needs in NEEDS.items() if needs in held]
    return words[0] if len(words) == 1 or EVERY_SITE in who.grants else ""


def keyring_in(data: Path, day: int) -> Keyring:
    """The keys of accounts in the data folder, made where there are none."""
    return open_keyring(data / "keys" / "accounts", day, os.urandom)
