"""The page of one's own account: password, authenticator, sessions, tokens; and its JSON face."""

import os
import secrets
from typing import Any

import msgspec
import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.accounts import queries, session_queries, token_queries, totp, totp_queries
from consent.accounts.account import EVERY_SITE, READS, check_reads
from consent.accounts.desk import TEMPLATES, Desk, away
from consent.accounts.door import narrowed
from consent.accounts.signing import Refused
from consent.accounts.token_queries import Token
from consent.errors import Problem
from consent.sites.queries import all_sites, by_key
from consent.sites.tokens import digest
from consent.web.form import read_form
from consent.web.gate import Need, Signed, route, signed

TOKEN_DAYS = (30, 90, 365)
"""For how long a token can be made to hold."""

MOST_TOKENS = 50
"""Tokens of one account at a time."""

_ISSUER = "Consent manager"
_DAY = 86_400_000


class AccountPages:
    """What somebody does with their own account."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[BaseRoute]:
        """Every path of these pages, for the app's one list."""
        own = Need.OWN
        return [
            route("/account", self.page, methods=["GET"], needs=own, weak=True),
            route("/account.json", self.described, methods=["GET"], needs=own, weak=True),
            route("/account/password", self.password, methods=["POST"], needs=own, weak=True),
            route("/account/authenticator", self.offer, methods=["GET"], needs=own, fresh=True, weak=True),
            route("/account/authenticator", self.turn_on, methods=["POST"], needs=own, fresh=True, weak=True),
            route("/account/authenticator/off", self.turn_off, methods=["POST"], needs=own, fresh=True),
            route("/account/sessions/end", self.end_sessions, methods=["POST"], needs=own, weak=True),
            route("/account/tokens", self.token_form, methods=["GET"], needs=own, fresh=True),
            route("/account/tokens", self.make_token, methods=["POST"], needs=own, fresh=True),
            route("/account/tokens/{id}/remove", self.remove_token, methods=["POST"], needs=own),
        ]

    async def page(self, request: Request) -> Response:
        """The account as its owner sees it."""
        return await self._page(request)

    async def described(self, request: Request) -> Response:
        """The same as JSON."""
        who = signed(request)
        seen = await self._seen(who)
        body = {
            "email": who.name,
            "roles": {seen["names"].get(site_id, "*"): str(role) for site_id, role in seen["account"].roles.items()},
            "authenticator": bool(seen["account"].totp),
            "recovery_codes": seen["codes"],
            "sessions": [
                {"began": one.began, "last": one.last, "network": one.network, "this": one.id == who.session}
                for one in seen["sessions"]
            ],
            "tokens": [
                {
                    "id": one.id, "name": one.name, "site": seen["names"].get(one.scope, "*"),
                    "reads": sorted(one.needs), "expires": one.expires, "used": one.used,
                }
                for one in seen["tokens"]
            ],
        }  # fmt: skip
        return Response(msgspec.json.encode(body), media_type="application/json")

    async def password(self, request: Request) -> Response:
        """Change the password; every other session ends."""
        form = await read_form(request)
        try:
            if form.get("password", "") != form.get("again", ""):
                raise Problem("password", "The two passwords differ.", "Type the same one twice.", field="again")
            value = await self._desk.signing.set_password(
                signed(request), form.get("old", ""), form.get("password", ""), form.get("code", ""),
                self._desk.caller(request),
            )  # fmt: skip
        except Problem as problem:
            return await self._page(request, problem)
        return away("/account?done=password", [self._desk.jar.session(value)])

    async def offer(self, request: Request) -> Response:
        """A new secret for an authenticator; it counts when a code of it comes back."""
        return await self._offered(request, os.urandom(totp.SECRET_BYTES))

    async def turn_on(self, request: Request) -> Response:
        """The authenticator works: from now on a code is asked for. The recovery codes are shown, this once."""
        form, who = await read_form(request), signed(request)
        secret = self._desk.signing.open_secret(form.get("sealed", ""), who.account)
        if secret is None:
            return await self.offer(request)
        step = totp.accepted(secret, form.get("code", ""), self._desk.now(), 0)
        if step is None:
            wrong = Problem(
                "code", "This code does not fit.", "Look at the clock of your device and type the next one."
            )
            return await self._offered(request, secret, wrong)
        codes = totp.recovery(os.urandom(totp.CODES * totp.CODE_BYTES))
        sealed = self._desk.signing.seal_secret(who.account, secret)
        await totp_queries.turn_on(
            self._desk.db, who.account, sealed, step, [totp.recovery_digest(one) for one in codes]
        )
        await session_queries.end_all(self._desk.db, who.account, but=who.session)
        await self._desk.write(request, "authenticator on")
        shell = await self._desk.door.shell(request, here="account")
        return TEMPLATES.render("codes.html", title="Recovery codes", shell=shell, codes=codes)

    async def turn_off(self, request: Request) -> Response:
        """No code is asked for any more."""
        await totp_queries.turn_off(self._desk.db, signed(request).account)
        await self._desk.write(request, "authenticator off")
        return away("/account?done=authenticator")

    async def end_sessions(self, request: Request) -> Response:
        """Everybody else who is signed in with this account is out."""
        await session_queries.end_all(self._desk.db, signed(request).account, but=signed(request).session)
        await self._desk.write(request, "sessions ended")
        return away("/account?done=sessions")

    async def token_form(self, request: Request) -> Response:
        """What a token is to be made for."""
        return await self._token_page(request)

    async def make_token(self, request: Request) -> Response:
        """Make a token; it is shown this once."""
        form, who = await read_form(request), signed(request)
        try:
            text, made = await self._made(form, who)
        except Problem as problem:
            return await self._token_page(request, problem)
        await token_queries.add(self._desk.db, made)
        await self._desk.write(request, "token made", made.name)
        shell = await self._desk.door.shell(request, here="account")
        return TEMPLATES.render("token_made.html", title="Your new token", shell=shell, token=text, made=made)

    async def remove_token(self, request: Request) -> Response:
        """The token opens nothing any more."""
        if await token_queries.remove(self._desk.db, signed(request).account, request.path_params["id"]):
            await self._desk.write(request, "token removed", request.path_params["id"])
        return away("/account?done=tokens")

    async def _made(self, form: dict[str, str], who: Signed) -> tuple[str, Token]:
        """A token as the form asks for it, never for more than its account may. Raises Problem."""
        reads = check_reads(word for word in map(str, READS) if form.get(f"read-{word}") == "yes")
        site = await by_key(self._desk.db, form["site"]) if form.get("site") else None
        if form.get("site") and site is None:
            raise Problem("unknown_site", "There is no such site.", "Choose one of the list.", field="site")
        scope = site.site_id if site else EVERY_SITE
        account = await queries.by_id(self._desk.db, who.account)
        held = narrowed(account.roles if account else {}, scope, reads)
        if reads - frozenset().union(*held.values()):
            raise Problem(
                "token_reads", "Your own account may not read all of this there.", "Choose less.", field="reads"
            )
        if len(await token_queries.of_account(self._desk.db, who.account)) >= MOST_TOKENS:
            raise Problem("too_many_tokens", f"An account has {MOST_TOKENS} tokens at most.", "Remove one first.")
        days = form.get("days", "")
        if days not in map(str, TOKEN_DAYS):
            raise Problem("token_days", "A token holds for a stated time.", "Choose one of the list.", field="days")
        name = " ".join(form.get("name", "").split())[:80]
        if not name or not name.isprintable():
            raise Problem("token_name", "A token needs a name.", "Write what will use it.", field="name")
        text, now = f"consent_{secrets.token_urlsafe(32)}", self._desk.now()
        token_id = secrets.token_hex(8)
        return text, Token(
            digest(text), token_id, who.account, name, scope, reads, now, now + int(days) * _DAY
        )  # fmt: skip

    async def _page(self, request: Request, problem: Problem | None = None) -> Response:
        who = signed(request)
        shell = await self._desk.door.shell(request, here="account")
        return TEMPLATES.render(
            "account.html", title="Your account", shell=shell, status=problem.status if problem else 200, who=who,
            problem=problem, done=request.query_params.get("done", ""), **await self._seen(who),
        )  # fmt: skip

    async def _seen(self, who: Signed) -> dict[str, Any]:
        """What the page and its JSON face tell."""
        account = await queries.by_id(self._desk.db, who.account)
        if account is None:  # it was removed while the request was on its way
            raise Refused
        return {
            "account": account,
            "names": {site.site_id: site.key for site in await all_sites(self._desk.db)},
            "codes": await totp_queries.left(self._desk.db, who.account),
            "sessions": await session_queries.listed(self._desk.db, who.account, self._desk.now()),
            "tokens": await token_queries.of_account(self._desk.db, who.account),
            "now": self._desk.now(),
        }

    async def _offered(self, request: Request, secret: bytes, problem: Problem | None = None) -> Response:
        who = signed(request)
        shell = await self._desk.door.shell(request, here="account")
        uri = totp.uri(secret, who.name, _ISSUER)
        return TEMPLATES.render(
            "authenticator.html", title="Set up an authenticator", shell=shell,
            status=problem.status if problem else 200, problem=problem, secret=totp.base32(secret),
            uri=uri, drawn=_drawn(uri), sealed=self._desk.signing.seal_secret(who.account, secret),
        )  # fmt: skip

    async def _token_page(self, request: Request, problem: Problem | None = None) -> Response:
        who = signed(request)
        shell = await self._desk.door.shell(request, here="account")
        reads = [str(one) for one in READS if who.sites(one)]
        return TEMPLATES.render(
            "token.html", title="Make a token", shell=shell, status=problem.status if problem else 200,
            problem=problem, reads=reads, days=TOKEN_DAYS,
        )  # fmt: skip


def _drawn(uri: str) -> Markup:
    """A QR code of an address as SVG, on a white ground of its own, so that cameras read it on dark pages, too."""
    drawn = segno.make(uri, error="m", micro=False).svg_inline(scale=4, border=4, light="#fff", svgclass=None)
    return Markup(drawn)  # noqa: S704  # numbers and paths alone
