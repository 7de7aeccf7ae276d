"""Signing in through an OpenID provider: the way there, and the way back."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.accounts import provider_queries, queries
from consent.accounts.account import Account, check_email
from consent.accounts.desk import TEMPLATES, Desk, away
from consent.accounts.entry_pages import inner
from consent.accounts.provider import Journey, Provider, Vouched
from consent.errors import Forbidden, NotFound, Problem
from consent.web.gate import Open, route

LASTS = 600
"""Seconds that one may take at the provider."""


class ProviderPages:
    """The two addresses; without a provider in the settings there is nothing at them."""

    def __init__(self, desk: Desk, provider: Provider) -> None:
        self._desk = desk
        self._provider = provider

    def routes(self) -> list[BaseRoute]:
        """Every path of these pages, for the app's one list."""
        return [
            route("/account/provider", self.go, methods=["GET"], needs=Open.OURS),
            route("/account/provider/back", self.back, methods=["GET"], needs=Open.OURS),
        ]

    async def go(self, request: Request) -> Response:
        """To the provider; what the way back has to fit is remembered in a cookie."""
        self._check()
        asked = request.query_params
        url, journey = await self._provider.begin(inner(asked.get("to", "")), again=asked.get("again") == "yes")
        return away(url, [self._desk.jar.journey(msgspec.msgpack.encode(journey))])

    async def back(self, request: Request) -> Response:
        """Back from the provider: signed in, where it vouches for somebody who has an account.

        The session's cookie is kept back by browsers on a way that began elsewhere, so this page leads on by itself.
        """
        self._check()
        asked = request.query_params
        journey = self._journey(request)
        if not asked.get("code") or asked.get("state") != journey.state:
            raise Forbidden("provider", "You were not signed in there.", "Begin again at /account/sign-in.")
        vouched = await self._provider.finish(asked["code"][:2_000], asked.get("iss", ""), journey)
        account = await self._account(vouched)
        caller = self._desk.caller(request)
        value = await self._desk.signing.begin(account, caller, "sign in by provider", confirmed=journey.again)
        await queries.note_seen(self._desk.db, account.id, self._desk.now())
        await self._desk.signing.end(request.cookies.get(self._desk.jar.session_name, ""))
        response = TEMPLATES.render("signed_in.html", title="Signed in", to=journey.to)
        for cookie in (self._desk.jar.session(value), self._desk.jar.no_journey()):
            response.headers.append("Set-Cookie", cookie)
        return response

    def _journey(self, request: Request) -> Journey:
        """What was remembered. Raises Forbidden when it was not this browser that went, or long ago."""
        plain = self._desk.jar.read_journey(request.cookies)
        try:
            found = msgspec.msgpack.decode(plain, type=Journey) if plain else None
        except msgspec.DecodeError:
            found = None
        if found is None or not 0 <= self._desk.now() - found.begun <= LASTS * 1_000:
            raise Forbidden("provider", "This sign-in was not begun here, or too long ago.", "Begin it again.")
        return found

    async def _account(self, vouched: Vouched) -> Account:
        """The account that is vouched for; the first time it is found by an address that the provider has verified."""
        found = await queries.by_subject(self._desk.db, vouched.issuer, vouched.subject)
        if found is None and vouched.email:
            found = await self._by_email(vouched)
        if found is None or found.state == "closed":
            raise Forbidden("no_account", "You have no account here.", "Ask an owner to invite your e-mail address.")
        return found

    async def _by_email(self, vouched: Vouched) -> Account | None:
        try:
            email = check_email(vouched.email)
        except Problem:
            return None
        account = await queries.by_email(self._desk.db, email)
        if account is None or not await provider_queries.bind(
            self._desk.db, account.id, vouched.issuer, vouched.subject
        ):
            return None
        return await queries.by_id(self._desk.db, account.id)

    def _check(self) -> None:
        if not self._provider.works:
            raise NotFound("no_provider", "No provider is set up.", "Sign in with a password.")
