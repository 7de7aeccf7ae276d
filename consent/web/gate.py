"""The gate: every route declares who may use it, and lets in nobody else. What is not declared is closed.

A route of the app is made by `route(...)`, with `needs`: an `Open` one judges its callers itself or has no secrets;
every other needs somebody who is signed in (a session's cookie) or bears a token, and who may do that at the site of
its path. A cookie changes something only from our own pages (`web/origin.py`), and nothing is changed by GET.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

import msgspec
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from consent.errors import Forbidden, NotFound, Problem, Unauthorized
from consent.web.address import Network, client, parse
from consent.web.errors import respond
from consent.web.limits import Buckets
from consent.web.origin import check_ours

SIGN_IN = "/account/sign-in"
CONFIRM = "/account/confirm"
AUTHENTICATOR = "/account/authenticator"
REFUSALS = 60
"""Requests of one account that are written down as refused, in a minute: a flood of them fills no disk."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Need(StrEnum):
    """What somebody who is signed in may do at a site."""

    OWN = "own"  # look after one's own account
    FIGURES = "figures"  # counts: nobody can be told from another in them
    LOG = "log"  # the consent log and its proofs
    VISITS = "visits"  # visitors, one by one
    EXPORTS = "exports"  # taking data along
    ACCESS = "access"  # the log of who looked at personal data
    MANAGE = "manage"  # settings, operators
    TELL = "tell"  # speak for the site's server: its own token alone


class Open(StrEnum):
    """Routes that nobody signs in for."""

    PUBLIC = "public"  # for everybody, and it changes nothing
    VISITOR = "visitor"  # for visitors' browsers: the route checks the page it came from, and what is held
    OURS = "ours"  # for everybody, from our own pages: signing in


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: an account by its session or token, or a site's own token (`account` is empty then).

    `grants` says by site what is allowed; site 0 stands for every site. Times are in ms; `confirmed` is when the
    password was last given. `strong` is false where an authenticator is demanded and there is none yet.
    """

    account: str
    name: str
    how: str
    grants: Mapping[int, frozenset[Need]]
    session: str = ""
    since: int = 0
    confirmed: int = 0
    strong: bool = True

    def may(self, need: Need, site_id: int) -> bool:
        """Whether that is allowed at that site; at site 0: at every site."""
        return need in self.grants.get(0, ()) or need in self.grants.get(site_id, ())

    def sites(self, need: Need) -> frozenset[int]:
        """The sites where that is allowed; 0 among them stands for every site."""
        return frozenset(site_id for site_id, needs in self.grants.items() if need in needs)


class Look(NamedTuple):
    """A look at personal data that is about to be answered.

    Args:
        signed: who looks.
        site_id: where; 0 when it is no single site.
        what: which kind of data, as the route declares it.
        about: whose, where the route knows: a receipt, a visitor.
        address: where from.
        path: what was asked.
    """

    signed: Signed
    site_id: int
    what: str
    about: str
    address: str
    path: str


class Keeper(Protocol):
    """Who knows the accounts."""

    async def who(self, request: Request, address: str) -> Signed | None:
        """Who asks; None without credentials. Raises Problem for credentials that do not hold.

        `request.state.polled` says whether a page asks by itself: a session is not renewed by that.
        """
        ...

    async def site(self, key: str) -> int | None:
        """The id of a site."""
        ...

    async def note(self, look: Look) -> None:
        """Write down a look; it is durable when this returns."""
        ...

    def now(self) -> int:
        """Milliseconds since 1970."""
        ...


CONFIRMED_FOR = 10 * 60_000
"""Milliseconds. Dangerous things ask for the password again after this."""


class Declared(Route):
    """A route that says who may use it."""

    needs: Need | Open
    personal: str
    fresh: bool
    weak: bool
    polled: bool


def route(
    path: str,
    endpoint: Callable[..., Any],
    *,
    methods: Sequence[str],
    needs: Need | Open,
    personal: str = "",
    fresh: bool = False,
    weak: bool = False,
    polled: bool = False,
    name: str | None = None,
) -> Declared:
    """A route and who may use it.

    Args:
        path: the path; a need is asked for at its `{site}`, without one at every site (but `Need.OWN`).
        endpoint: a function of the request, or an ASGI application.
        methods: the methods that it takes.
        needs: what the caller must be allowed.
        personal: the kind of personal data in the answer. Each such answer is written down before it leaves; the
            endpoint may say whose data it was in `request.state.about`.
        fresh: whether the password must have been given within ten minutes.
        weak: whether it is open before an authenticator is set up, where one is demanded.
        polled: whether pages ask for it by themselves: that is no work of who is signed in, and keeps nobody so.
        name: the route's name.
    """
    made = Declared(path, endpoint, methods=list(methods), name=name)
    made.needs, made.personal, made.fresh, made.weak, made.polled = needs, personal, fresh, weak, polled
    return made


def signed(request: Request) -> Signed:
    """Who asks, in a route that needs somebody."""
    found: Signed = request.state.signed
    return found


async def check_still(request: Request) -> None:
    """Raises Problem where who asks may not do that any more: to be asked now and then by an answer that takes long."""
    await request.state.again()


class Gate:
    """Guards the app's routes.

    Args:
        keeper: knows the accounts.
        networks: where people may sign in from; empty: from everywhere.
        trusted: our own proxies.
    """

    def __init__(self, keeper: Keeper, networks: Sequence[Network], trusted: Sequence[Network]) -> None:
        self._keeper = keeper
        self._networks = networks
        self._trusted = trusted
        self._refusals = Buckets(REFUSALS)

    def guard(self, routes: Iterable[BaseRoute]) -> list[BaseRoute]:
        """The routes, each behind its own door."""
        found = list(routes)
        for one in found:
            if isinstance(one, Declared) and one.needs in (Open.PUBLIC, Open.VISITOR):
                continue
            assert isinstance(one, Route)
            one.app = _Door(self, one, one.app) if isinstance(one, Declared) else _closed
        return found

    async def admit(self, declared: Declared, request: Request) -> tuple[Signed | None, int]:
        """Who asks, and the site asked about. Raises Problem where that is not allowed."""
        address = self.address(request)
        is_person = declared.needs is not Need.TELL  # a site's server tells from wherever it stands
        if self._networks and is_person and not inside(address, self._networks):
            raise Forbidden("network", "Nobody signs in from this network.", "Ask whoever runs this service.")
        if isinstance(declared.needs, Open):
            _check_origin(request)
            return None, 0
        site_id = await self._site(request)
        request.state.polled = declared.polled
        found = await self._keeper.who(request, address)
        if found is None:
            raise Unauthorized(
                "This is open to who is signed in, or bears a token for it.",
                f"Sign in at {SIGN_IN}, or send `Authorization: Bearer TOKEN`; a site's own token lies in the data"
                " folder, in tokens/SITE.",
            )
        if found.how == "session":
            _check_origin(request)
        try:
            _check_need(declared.needs, found, site_id, request.path_params.get("site"))
        except Forbidden:
            if not self._refusals.take(found.account or found.name, self._keeper.now() / 1_000):
                await self.note(Look(found, site_id, f"refused: {declared.needs}", "", address, declared.path))
            raise
        if not found.strong and not declared.weak:
            raise Forbidden("authenticator", "An authenticator is demanded here.", f"Set one up at {AUTHENTICATOR}.")
        if declared.fresh and self._keeper.now() - found.confirmed > CONFIRMED_FOR:
            raise Forbidden("confirm", "Your password is needed again for this.", f"Give it at {CONFIRM}.")
        return found, site_id

    async def _site(self, request: Request) -> int:
        """The site of the path; 0 where it has none. Raises NotFound."""
        key = request.path_params.get("site")
        if key is None:
            return 0
        known = await self._keeper.site(key)
        if known is None:
            raise NotFound("unknown_site", f"There is no site {key[:40]!r}.", "List them: consent site list.")
        return known

    def address(self, request: Request) -> str:
        """Where a request comes from."""
        peer = request.client.host if request.client else ""
        return client(peer, request.headers.getlist("x-forwarded-for"), self._trusted)

    async def note(self, look: Look) -> None:
        """Write down a look."""
        await self._keeper.note(look)


class _Door:
    """One route behind the gate."""

    def __init__(self, gate: Gate, declared: Declared, app: ASGIApp) -> None:
        self._gate = gate
        self._declared = declared
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            found, site_id = await self._gate.admit(self._declared, request)
        except (Unauthorized, Forbidden) as refusal:
            away = _elsewhere(request, refusal)
            if away is None:
                raise
            await RedirectResponse(away, 303, {"Cache-Control": "no-store"})(scope, receive, send)
            return
        again = partial(self._gate.admit, self._declared, request)
        scope.setdefault("state", {}).update(signed=found, site_id=site_id, about="", again=again)
        watched = self._declared.personal and found is not None
        await self._app(scope, receive, _Answer(self, request, send).send if watched else _unkept(send))

    async def note(self, request: Request) -> None:
        """Write down that this request is answered. Raises Problem."""
        state, address = request.state, self._gate.address(request)
        path = self._declared.path.replace("{site}", request.path_params.get("site", ""))  # ids stand in `about` alone
        look = Look(state.signed, state.site_id, self._declared.personal, str(state.about), address, path)
        await self._gate.note(look)


class _Answer:
    """An answer with personal data: it leaves when it is written down who looked, or not at all."""

    def __init__(self, door: _Door, request: Request, send: Send) -> None:
        self._door = door
        self._request = request
        self._send = _unkept(send)
        self._refused = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] < 400:
            try:
                await self._door.note(self._request)
            except Problem as problem:
                self._refused = True
                await respond(problem)(self._request.scope, self._request.receive, self._send)
        if not self._refused:
            await self._send(message)


def _unkept(send: Send) -> Send:
    """Send, and let nobody keep what is sent unless the route says so."""

    async def complete(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            if not any(name.lower() == b"cache-control" for name, _ in headers):
                message["headers"] = [*headers, (b"cache-control", b"no-store")]
        await send(message)

    return complete


async def _closed(scope: Scope, receive: Receive, send: Send) -> None:
    """What stands where a route does not say who may use it."""
    raise Forbidden("undeclared", "This address does not say who may use it.", "Declare it with web.gate.route.")


def _check_need(need: Need, found: Signed, site_id: int, key: str | None) -> None:
    """Raises Forbidden for who may not do that there."""
    own = need is Need.OWN and found.how == "session"
    if not own and not found.may(need, site_id):
        where = f"the site {key}" if key is not None else "every site"
        sentence = f"This needs the right `{need}` at {where}."
        raise Forbidden("not_allowed", sentence, "Ask an owner for it, or use another account or token.")


def _check_origin(request: Request) -> None:
    if request.method not in SAFE:
        check_ours(request.headers)


def _elsewhere(request: Request, refusal: Unauthorized | Forbidden) -> str | None:
    """Where a person who reads pages is sent to be let in; None for programs, and for what no sign-in changes."""
    if "text/html" not in request.headers.get("accept", ""):
        return None
    asked = request.url
    if request.method not in SAFE:  # back to the form, which is to be sent again
        asked = URL(request.headers.get("referer", ""))
        asked = asked if asked.netloc == request.headers.get("host", "") else URL("/account")
    back = quote(asked.path + (f"?{asked.query}" if asked.query else ""), safe="")
    if isinstance(refusal, Unauthorized) and "authorization" not in request.headers:
        return f"{SIGN_IN}?to={back}"
    if refusal.code == "authenticator":
        return AUTHENTICATOR
    return f"{CONFIRM}?to={back}" if refusal.code == "confirm" else None


def inside(text: str, networks: Sequence[Network]) -> bool:
    """Whether an address lies in one of the networks; what is no address lies in none."""
    address = parse(text)
    return address is not None and any(address.version == one.version and address in one for one in networks)
