"""/v1/{site}/visitor: what is stored of who holds the cookies; POST /v1/{site}/customer: who is signed in."""

import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.errors import Forbidden, NotFound, Problem, TooMany, Unavailable
from consent.records.limits import NETWORK
from consent.records.published import Live
from consent.records.routes import is_json
from consent.telemetry import mine
from consent.telemetry.event import CustomerSaid
from consent.telemetry.head import Head, own_origin
from consent.telemetry.opened import Opened
from consent.telemetry.reception import Reception
from consent.telemetry.routes import CREDENTIALS, credentialed
from consent.visitors.cookies import Found, Jar, Standing, name, parse, removals, where_is
from consent.visitors.customer import Customer, declared, within
from consent.web import cors
from consent.web.address import place
from consent.web.answer import Headers
from consent.web.body import read_body
from consent.web.errors import respond
from consent.web.gate import Need, Open, route
from consent.web.limits import Buckets

ASKED = 60
"""Requests a minute from one address; ten times as many from its network. Each may read thousands of rows."""

TOLD = 6_000
"""Posts of customers a minute for one site: its own server's."""

MAX_BODY = 16_384

NOTHING: dict[str, object] = {"visitor": None, "customer": None, "sessions": [], "complete": True, "next": ""}
"""What is stored of somebody who is not known (`mine.stored`)."""


_ID = re.compile(r"[0-9a-f]{32}(\.[0-9a-f]{32})?")

T = TypeVar("T")


class VisitorWish(msgspec.Struct, forbid_unknown_fields=True):
    """What a visitor wants: fields of the customer corrected, or all of it deleted."""

    fields: dict[str, str] = {}
    forget: bool = False


class CustomerTold(CustomerSaid, forbid_unknown_fields=True):
    """Who is signed in. `visitor` is the visitor cookie as the site's server has it; without it all known browsers."""

    visitor: str = ""


class Desk:
    """The visitor's side. `clock` is in seconds of a steady one."""

    def __init__(self, reception: Reception, jar: Jar, clock: Callable[[], float]) -> None:
        self._reception = reception
        self._door = reception.intake.door
        self._jar = jar
        self._now = reception.now
        self._clock = clock
        self._households = Buckets(ASKED)
        self._networks = Buckets(ASKED * NETWORK)
        self._sites = Buckets(TOLD)

    def routes(self) -> list[BaseRoute]:
        """The paths of this desk, for the app's one list."""
        return [
            route("/v1/{site}/visitor", self.visitor, methods=["GET", "POST", "OPTIONS"], needs=Open.VISITOR),
            route("/v1/{site}/customer", self.customer, methods=["POST"], needs=Need.TELL),
        ]

    async def visitor(self, request: Request) -> Response:
        """What is stored of who holds the cookies, or what they want done with it."""
        live = self._reception.published.live(request.path_params["site"])
        head = self._reception.head(request.scope)
        origin = _origin(request, live, head)
        if request.method == "OPTIONS":
            return _answer(204, (*cors.preflight(origin, b"GET, POST"), CREDENTIALS))
        readable = credentialed(origin) if origin else (cors.VARY,)
        work: Callable[[Request, Live, Head, bytes], Awaitable[Response]]
        work = self._change if request.method == "POST" else self._show
        try:
            self._arrive(head)
            answer = await work(request, live, head, origin)
        except Problem as problem:
            answer = respond(problem)
            answer.raw_headers.append(cors.EXPOSE)
        answer.raw_headers += readable
        return answer

    async def _show(self, request: Request, live: Live, head: Head, origin: bytes) -> Response:
        """Rows of the visitor, behind what is named; `NOTHING` where there are none, or no cookie."""
        after = request.query_params.get("after", "")
        if after and _ID.fullmatch(after) is None:
            raise Problem("invalid", "after names no session.", "Send what stood in next.", field="after")
        found = self._found(live, head, origin)
        rows = None
        if found.visitor is not None:
            rows = await mine.stored(self._opened().db, live.site.site_id, found.visitor.id.hex(), after)
        return _answer(200, (), msgspec.json.encode(rows or NOTHING))

    async def _change(self, request: Request, live: Live, head: Head, origin: bytes) -> Response:
        """Correct what the site said of its customer, or forget the visitor; the cookies say so from now on."""
        wish = await _read(request, VisitorWish)
        found, where = self._found(live, head, origin), where_is(origin, head.line(b"host"))
        secure = origin.startswith(b"https:")
        if wish.forget:
            if found.visitor is not None:
                self._reception.withdrawals.forget(live, found.visitor, asked=True)
            gone = removals(where=where, secure=secure)
            return _answer(200, _cookies(gone), b'{"forgotten":true}')
        if found.visitor is None:
            raise NotFound("unknown_visitor", "Nothing is stored of this visitor.", "There is nothing to correct.")
        fields = self._allowed(live, found.customer, wish.fields)
        customer = self._corrected(live, found.customer, fields)
        changed = await mine.correct(self._opened().log, live.site.site_id, found.visitor.id.hex(), fields)
        written: list[str] = []
        if customer is not None and changed:
            written = self._jar.write_customer(customer, found.visitor, live.site.key, where=where, secure=secure)
        return _answer(200, _cookies(written), msgspec.json.encode({"corrected": changed}))

    async def customer(self, request: Request) -> Response:
        """Who is signed in, from the site's server, by its token (the gate's `TELL`)."""
        live = self._reception.published.live(request.path_params["site"])
        wait = self._sites.take(live.site.site_id, self._clock())
        if wait:
            raise TooMany(wait)
        said = await _read(request, CustomerTold)
        names = _names(live)
        told, reasons = declared(said.id, said.fields, names, self._now()) if names else (None, ["customer-undeclared"])
        if told is None:
            remedy = "Name fields in telemetry.customer of the policy, and send an id of up to 100 letters."
            raise Problem("customer", f"This customer cannot be told: {reasons[0]}.", remedy, field="id")
        visitor = self._named(live, said.visitor)
        site_id = live.site.site_id
        number = await mine.tell(self._opened().log, site_id, told.id, told.fields, visitor)
        body = {"browsers": number, "kept": sorted(told.fields), "dropped": reasons}
        return _answer(200, (), msgspec.json.encode(body))

    def _named(self, live: Live, sealed: str) -> str:
        """The visitor of a cookie's value, 32 hex digits; empty without one. Raises NotFound for one that is none."""
        if not sealed:
            return ""
        found = self._jar.read({name("visitor", secure=True): sealed}, self._standing(live), self._now())
        if found.visitor is None:
            remedy = "Send the value of the cookie consent-visitor as the browser sent it, or leave it out."
            raise NotFound("unknown_visitor", "This is no visitor of the site.", remedy)
        return found.visitor.id.hex()

    def _allowed(self, live: Live, customer: Customer | None, fields: dict[str, str]) -> dict[str, str]:
        """The declared ones of these fields, short and printable; an empty text takes one away."""
        told, _ = declared(customer.id if customer else "-", fields, _names(live), self._now())
        return dict(told.fields) if told else {}

    def _corrected(self, live: Live, before: Customer | None, fields: dict[str, str]) -> Customer | None:
        """The cookie's customer with the visitor's own words for what the site told. Raises Problem for too many."""
        names = _names(live)
        customer = within(before, names)
        if customer is None:
            return None
        mended = {key: fields.get(key, text) for key, text in customer.fields.items()}
        told, reasons = declared(customer.id, {key: text for key, text in mended.items() if text}, names, self._now())
        if reasons:
            raise Problem("invalid", "These fields are too long together.", "Write less.", field="fields")
        return told

    def _arrive(self, head: Head) -> None:
        here, now = place(self._reception.reader.address(head)), self._clock()
        wait = self._households.take(here.host, now) or self._networks.take(here.network, now)
        if wait:
            raise TooMany(wait)

    def _standing(self, live: Live, origin: bytes = b"") -> Standing:
        """Who holds the cookies may ask for what is theirs, whatever their choice is by now."""
        site_id, secure = live.site.site_id, not origin.startswith(b"http:")
        return Standing(live.site.key, True, lambda digest: self._door.is_forgotten(site_id, digest), secure)

    def _found(self, live: Live, head: Head, origin: bytes) -> Found:
        return self._jar.read(parse(head.cookies.decode("latin-1")), self._standing(live, origin), self._now())

    def _opened(self) -> Opened:
        if isinstance(self._door, Opened):
            return self._door
        raise Unavailable("The visitors' log cannot be read now.")


def _origin(request: Request, live: Live, head: Head) -> bytes:
    """The page's origin. Raises Forbidden. A page that reads from its own host sends none."""
    if head.origins or request.method != "GET":
        return cors.check(head.origins, live.origins)
    if head.line(b"sec-fetch-site") not in (b"", b"same-origin", b"none"):
        raise Forbidden("wrong_origin", "This was not asked by the site's own page.", "Ask from a page of the site.")
    return own_origin(live, head.line(b"host"))


def _names(live: Live) -> frozenset[str]:
    """The fields of a customer that the policy declares."""
    terms = live.version.resolved.telemetry
    return frozenset(terms.customer if terms else ())


async def _read(request: Request, kind: type[T]) -> T:
    """The body. Raises Problem."""
    if not is_json(request.headers.get("content-type", "").encode("latin-1")):
        raise Problem("media_type", "The body is of a kind that is not read here.", "Send JSON.", status=415)
    try:
        return msgspec.json.decode(await read_body(request.receive, MAX_BODY), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        remedy = "Send the body as docs/formats.md, section 15, describes."
        raise Problem("invalid", f"The body does not fit: {str(error)[:200]}.", remedy, field="") from error


def _cookies(lines: list[str]) -> Headers:
    return tuple((b"set-cookie", line.encode()) for line in lines)


def _answer(status: int, headers: Headers, body: bytes = b"") -> Response:
    answer = Response(body or None, status, {"Cache-Control": "no-store"}, "application/json" if body else None)
    answer.raw_headers += headers
    return answer
