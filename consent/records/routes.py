"""POST /v1/{site}/consent takes what a visitor said; GET /v1/{site}/log shows it to the owner."""

import hashlib
import hmac
import logging
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from consent.db import Database
from consent.errors import Forbidden, Problem
from consent.records import claim as claims
from consent.records import jar, queries, record
from consent.records import question as questions
from consent.records.claim import Claim
from consent.records.decision import Settled
from consent.records.intake import DAY, Intake, Taken
from consent.records.limits import Limits
from consent.records.published import Live, Published, outdated
from consent.records.rollup import Seen
from consent.regimes.visit import Visits
from consent.visitors.agent import agent
from consent.web import cors
from consent.web.address import Network, client, is_forgotten_proxy, place
from consent.web.answer import Header, Headers, send_whole
from consent.web.body import Gone, read_body
from consent.web.errors import FAULT, encode
from consent.web.gate import Need, Open, route

_log = logging.getLogger(__name__)

ANSWER: Headers = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)
_GRANTS = re.compile(rb':\s*"g"|\\')
"""A body that grants something holds this; one that holds a backslash may grant something, too."""


class Answer(msgspec.Struct):
    """What the browser keeps of its choice."""

    id: str
    receipt: str
    write_key: str | msgspec.UnsetType
    time: int
    action: str
    cookie: str
    record: msgspec.Raw | msgspec.UnsetType
    proof: str | msgspec.UnsetType
    vkey: str | msgspec.UnsetType


class Head(msgspec.Struct):
    """The headers that a post of consent is judged by."""

    origins: list[bytes]
    forwarded: list[str]
    named: list[str]
    peer: str = ""
    kind: bytes = b""
    coding: bytes = b""
    host: bytes = b""
    agent: bytes = b""
    cookies: bytes = b""


After = Callable[[Live, Settled, bytes, bytes, bytes], Iterable[str]]
"""What else a choice that was recorded means, by site, choice, the page's origin, the request's Host and its cookies:
`Set-Cookie` values for the answer. It must not raise."""


def nothing_else(*_: object) -> Iterable[str]:
    """A choice that means nothing besides itself."""
    return ()


class ConsentPost:
    """The endpoint of choices. Plain ASGI, since every consent passes here."""

    def __init__(
        self,
        *,
        published: Published,
        intake: Intake,
        limits: Limits,
        db: Database,
        trusted: tuple[Network, ...],
        visits: Visits,
        after: After = nothing_else,
    ) -> None:
        self._published = published
        self._intake = intake
        self._after = after
        self._limits = limits
        self._db = db
        self._trusted = trusted
        self._visits = visits
        self._region_header = visits.header.lower().encode()
        self._warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = read_head(scope["headers"], self._region_header)
        head.peer = scope["client"][0] if scope["client"] else ""
        readable: Headers = (cors.VARY,)
        try:
            live = self._published.live(scope["path_params"]["site"])
            origin = cors.check(head.origins, live.origins)
            readable = cors.granted(origin)
            if scope["method"] == "OPTIONS":
                await send_whole(scope, send, 204, cors.preflight(origin, b"POST"), b"")
                return
            body = await self._body(receive, head)
            settled, taken, cookies = await self._take(live, body, head, origin)
        except Gone:
            return
        except Problem as problem:
            await send_whole(scope, send, problem.status, told(problem, readable), encode(problem))
            return
        except Exception:
            _log.exception("a post of consent failed")
            await send_whole(scope, send, FAULT.status, told(FAULT, readable), encode(FAULT))
            return
        more = self._after(live, settled, origin, head.host, head.cookies)
        headers = ANSWER + readable + cookies + tuple((b"set-cookie", line.encode()) for line in more)
        await send_whole(scope, send, 201 if taken.new else 200, headers, _answer(taken, settled))

    async def _body(self, receive: Receive, head: Head) -> bytes:
        """The body, once the request may have one that we read. Raises Problem, TooMany among them."""
        check_kind(head)
        body = await read_body(receive, claims.MAX_BODY)
        address = client(head.peer, head.forwarded, self._trusted) if head.forwarded else head.peer
        if head.forwarded and not self._warned:
            self._warn(head)
        self._limits.arrive(place(address), refuses=_GRANTS.search(body) is None)
        return body

    async def _take(self, live: Live, body: bytes, head: Head, origin: bytes) -> tuple[Settled, Taken, Headers]:
        claim = claims.read(body)
        settled = await self._published.settle(live, claim.statement, self._intake.today())
        cookies = self._cookies(live, settled, head, origin)  # before the record: after it, nothing may fail
        if claim.scope != live.version.scope:
            live = self._published.live(live.site.key)  # judging may have found a newer version
        if claim.scope != live.version.scope:
            taken = await self._intake.recorded(live.site, claim, settled)
            if taken is None:
                raise outdated(live)
        else:
            await self._admit(live, claim, settled)
            taken = await self._intake.take(live.site, claim, settled, self._region(head), seen(head.agent))
        if not taken.new and taken.time // DAY != self._intake.today():
            settled = await self._published.settle(live, claim.statement, taken.time // DAY)
            cookies = self._cookies(live, settled, head, origin)
        return settled, taken, cookies

    def _cookies(self, live: Live, settled: Settled, head: Head, origin: bytes) -> Headers:
        """What the browser is told of its cookies, where the page and this service share a host."""
        if origin.partition(b"://")[2] != head.host.lower():
            return ()
        headers = jar.cookies(
            live.version.resolved,
            settled,
            self._intake.today(),
            host=head.host.decode("latin-1"),
            sent=head.cookies.decode("latin-1"),
            secure=origin.startswith(b"https:"),
        )
        return tuple((b"set-cookie", header.encode()) for header in headers)

    def _warn(self, head: Head) -> None:
        """Tell the operator, once, of a proxy that was forgotten in the settings."""
        if is_forgotten_proxy(head.peer, head.forwarded, self._trusted):
            self._warned = True
            _log.warning("a proxy at %s is not in trusted_proxies: all its visitors count as one", head.peer)

    def _region(self, head: Head) -> str:
        """The visitor's country or region, where the service is set up to know it; else an empty text."""
        found = self._visits.place(head.peer, head.named, head.forwarded) if self._visits.looked_up else None
        return (found.region or found.country) if found else ""

    async def _admit(self, live: Live, claim: Claim, settled: Settled) -> None:
        """Let in a first choice while the site has room, a later one by its write key; a proven refusal always."""
        if claim.continues:
            receipt, write_key = claim.continues
            known = await queries.write_hash(self._db, live.site.site_id, receipt)
            shown = hashlib.sha256(write_key.encode()).hexdigest()
            if not hmac.compare_digest(known or "", shown):
                remedy = "Send receipt and write_key as they came with the first choice, or leave out both."
                raise Forbidden("wrong_write_key", "This key does not open this receipt.", remedy)
            if settled.extent == "nothing":
                return
        self._limits.enter(live.site.site_id)


class Records:
    """The room's HTTP face."""

    def __init__(self, db: Database, post: ConsentPost) -> None:
        self._db = db
        self._post = post

    def routes(self) -> list[BaseRoute]:
        """Every path of this room, for the app's one list; the busiest first."""
        return [
            route("/v1/{site}/consent", self._post, methods=["POST", "OPTIONS"], name="consent", needs=Open.VISITOR),
            route("/v1/{site}/log", self.log, methods=["GET"], needs=Need.LOG, personal="log"),
            route("/v1/{site}/log.csv", self.log_csv, methods=["GET"], needs=Need.LOG, personal="log"),
        ]

    async def log(self, request: Request) -> Response:
        """A page of a site's records: JSON, or CSV to who accepts that."""
        if "text/csv" in request.headers.get("accept", ""):
            return await self.log_csv(request)
        records, following = await self._page(request)
        body = msgspec.json.encode({"records": records, "next": following})
        return Response(body, headers={"Cache-Control": "no-store", "Vary": "Accept"}, media_type="application/json")

    async def log_csv(self, request: Request) -> Response:
        """A page of a site's records as CSV; the next page is in the Link header."""
        records, following = await self._page(request)
        headers = {
            "Cache-Control": "no-store",
            "Vary": "Accept",
            "Content-Disposition": f'attachment; filename="{request.path_params["site"]}-log.csv"',
        }
        if following:
            asked = urlencode({**request.query_params, "after": following})
            headers["Link"] = f'<?{asked}>; rel="next"'
        return Response(record.as_csv(records), headers=headers, media_type="text/csv")

    async def _page(self, request: Request) -> tuple[list[record.Record], str | None]:
        """The records asked for, and the cursor of the next page if there is one."""
        asked = questions.parse(dict(request.query_params))
        records, last = await queries.page(self._db, request.state.site_id, asked)
        return records, questions.cursor(last) if last else None


def read_head(headers: Iterable[Header], region_header: bytes) -> Head:
    """Pick out the headers that matter, in one pass."""
    head = Head([], [], [])
    for name, value in headers:
        if name == b"origin":
            head.origins.append(value)
        elif name == b"content-type":
            head.kind = value
        elif name == b"host":
            head.host = value
        elif name == b"user-agent":
            head.agent = value
        elif name == b"cookie":
            head.cookies = head.cookies + b"; " + value if head.cookies else value
        elif name == b"x-forwarded-for":
            head.forwarded.append(value.decode("latin-1"))
        elif name == b"content-encoding":
            head.coding = value.lower()
        elif name == region_header:
            head.named.append(value.decode("latin-1"))
    return head


@lru_cache(maxsize=4_096)
def seen(user_agent: bytes) -> Seen:
    """What of a request's browser is counted: common names alone, and the class of device."""
    coarse = agent([(b"user-agent", user_agent)]).coarse()
    return Seen(coarse.browser, coarse.device)


@lru_cache(maxsize=256)
@lru_cache(maxsize=256)
def is_json(kind: bytes) -> bool:
    """Whether a Content-Type is one that we read as JSON: application/json, or text/plain, which needs no preflight."""
    media, *parameters = [part.strip().lower() for part in kind.split(b";")]
    charsets = [part.removeprefix(b"charset=").strip(b'"') for part in parameters if part.startswith(b"charset=")]
    return media in (b"application/json", b"text/plain") and set(charsets) <= {b"utf-8", b"utf8"}


def check_kind(head: Head) -> None:
    """Raises Problem (415) for a body that is not JSON as it is."""
    if not is_json(head.kind) or head.coding not in (b"", b"identity"):
        remedy = "Send JSON in UTF-8 as application/json or text/plain, uncompressed."
        raise Problem("media_type", "The body is of a kind that is not read here.", remedy, status=415)


def _answer(taken: Taken, settled: Settled) -> bytes:
    shown, unset = taken.evidence, msgspec.UNSET
    answer = Answer(
        id=taken.id,
        receipt=taken.receipt,
        write_key=taken.write_key or unset,
        time=taken.time,
        action=taken.action,
        cookie=settled.cookie,
        record=msgspec.Raw(shown.record) if shown else unset,
        proof=shown.proof if shown else unset,
        vkey=shown.vkey if shown else unset,
    )
    return msgspec.json.encode(answer)


def told(problem: Problem, readable: Headers) -> Headers:
    """The headers of a refusal."""
    more = tuple((name.lower().encode(), value.encode()) for name, value in problem.headers.items())
    return (*ANSWER, *readable, cors.EXPOSE, *more)
