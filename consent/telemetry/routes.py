"""POST /v1/{site}/events: what pages and apps tell of visits. Plain ASGI, since every page view passes here."""

import logging
from collections.abc import Callable
from functools import lru_cache

import msgspec
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from consent.errors import Forbidden, Problem, Unavailable
from consent.records.published import Live
from consent.records.routes import is_json
from consent.telemetry.event import MAX_BODY, App, Batch, read
from consent.telemetry.head import Head
from consent.telemetry.reception import Reception
from consent.telemetry.sent import Outcome
from consent.visitors.cookies import name
from consent.web import cors
from consent.web.answer import Headers, send_whole
from consent.web.body import Gone, read_body
from consent.web.errors import FAULT, encode
from consent.web.gate import Open, route

ANSWER: Headers = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
JSON: Headers = ((b"content-type", b"application/json"), *ANSWER)

VISITOR = name("visitor", secure=True).encode()

DEBUG = b"consent-events"
EXPOSE = (b"access-control-expose-headers", b"Retry-After, Consent-Events")
CREDENTIALS = (b"access-control-allow-credentials", b"true")

REASONS = {
    "media_type": "media-type",
    "too_large": "too-large",
    "too_many": "rate",
    "not_json": "not-json",
    "invalid": "malformed",
}
"""What a body that was not taken at all counts as, by the error that it was answered with."""

BUSY = 8
"""Choices that wait for a commit; with more, events are told to come again before they are read: choices go first."""

_log = logging.getLogger(__name__)


class EventsPost:
    """The endpoint of events. It answers before anything is written. `queued` tells how many choices wait."""

    def __init__(self, reception: Reception, queued: Callable[[], int]) -> None:
        self._reception = reception
        self._queued = queued

    def routes(self) -> list[BaseRoute]:
        """The path of this endpoint, for the app's one list."""
        return [route("/v1/{site}/events", self, methods=["POST", "OPTIONS"], needs=Open.VISITOR, name="events")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        published = self._reception.published
        head = self._reception.head(scope)
        readable: Headers = (cors.VARY,)
        live = published.site(scope["path_params"]["site"])
        try:
            live = live or published.live(scope["path_params"]["site"])
            origin = cors.check(head.origins, live.origins) if head.origins else b""
            readable = credentialed(origin) if origin else readable
            if scope["method"] == "OPTIONS":
                origin = cors.check(head.origins, live.origins)
                await send_whole(scope, send, 204, (*cors.preflight(origin, b"POST"), CREDENTIALS), b"")
                return
            if self._queued() > BUSY:
                raise Unavailable("Choices go first, and many of them wait.")
            if self._reception.intake.door.is_swamped():
                raise Unavailable("More events come than can be counted.")
            batch, outcome = await self._take(receive, live, head, origin)
        except Gone:
            return
        except Problem as problem:
            self._note(live, problem)
            await send_whole(scope, send, problem.status, _refusal(problem, readable), encode(problem))
            return
        except Exception:
            _log.exception("a post of events failed")
            await send_whole(scope, send, FAULT.status, _refusal(FAULT, readable), encode(FAULT))
            return
        headers, body = _answer(batch, outcome, readable)
        await send_whole(scope, send, 205 if outcome.again else 202, headers, body)

    async def _take(self, receive: Receive, live: Live, head: Head, origin: bytes) -> tuple[Batch, Outcome]:
        """Read and take a body. Raises Problem, TooMany among them, and Gone.

        On another host a browser may keep none of our cookies, and each request would be a new visitor whom nobody can
        forget: rows are made of who brings them back.
        """
        if not is_json(head.line(b"content-type")) or head.line(b"content-encoding").lower() not in (b"", b"identity"):
            remedy = "Send JSON in UTF-8 as application/json or text/plain, uncompressed."
            raise Problem("media_type", "The body is of a kind that is not read here.", remedy, status=415)
        reception = self._reception
        body = await read_body(receive, MAX_BODY)
        address = reception.enter(live, head)
        found = read(body)
        batch = found.batch
        if not origin:
            head = _for_app(live, head, batch.app)
        elif batch.app is not None:
            raise Problem("invalid", "A page is no app.", "Leave out app.", field="app")
        sent = reception.reader.sent(head, origin, batch.choice, address)
        same = reception.intake.remembered(live.version)
        if same is None:
            same = await reception.same(live)
        if origin and sent.where == "elsewhere" and VISITOR not in head.cookies:
            issued = reception.take(live, sent, Batch(batch.choice, []), same)
            if issued.cookies:
                return batch, msgspec.structs.replace(issued, again=True)
        return batch, reception.take(live, sent, batch, same, found.dropped)

    def _note(self, live: Live | None, problem: Problem) -> None:
        reason = REASONS.get(problem.code)
        if live is not None and reason is not None and live.version.resolved.telemetry is not None:
            self._reception.intake.door.drop(live.site.site_id, self._reception.now(), reason)


@lru_cache(maxsize=1_024)
def credentialed(origin: bytes) -> Headers:
    """The headers by which a script of that origin may send our cookies and read the answer."""
    return (*cors.granted(origin), CREDENTIALS)


def told(outcome: Outcome) -> str:
    """What came of the events, for a person who looks: `taken=3; dropped=1 too-old`, or `counted=3` without rows."""
    dropped = [f"dropped={number} {reason}" for reason, number in sorted(outcome.dropped.items()) if number]
    taken = "counted" if outcome.level == "count" else "taken"
    return "; ".join([f"{taken}={outcome.taken}", *dropped])


def _answer(batch: Batch, outcome: Outcome, readable: Headers) -> tuple[Headers, bytes]:
    """Headers and body; an app, which keeps no cookies, has them in the body."""
    headers = ANSWER + readable
    body = b""
    if batch.app is not None:
        headers, body = JSON + readable, msgspec.json.encode(_tokens(outcome))
    elif outcome.cookies:
        headers += tuple([(b"set-cookie", line.encode()) for line in outcome.cookies])
    if batch.debug:
        headers += ((DEBUG, told(outcome).encode()), EXPOSE)
    return headers, body


def _tokens(outcome: Outcome) -> dict[str, str]:
    """The sealed texts that the app sends with its next events, by kind; empty ones are to be dropped."""
    found: dict[str, str] = {}
    for line in outcome.cookies:
        key, _, rest = line.partition("=")
        found[key.rpartition("-")[2]] = rest.partition(";")[0]
    return found


def _for_app(live: Live, head: Head, app: App | None) -> Head:
    """The request as one with the app's sealed texts for cookies. Raises Forbidden for what is no app of the site."""
    terms = live.version.resolved.telemetry
    if app is None or terms is None:
        cors.check([], live.origins)
        raise AssertionError("nothing is allowed without an origin")
    if app.name not in terms.apps:
        remedy = "Add the app's name to `telemetry.apps` in the policy and publish it."
        raise Forbidden("wrong_origin", "The site's policy does not list the app that sent this.", remedy)
    sealed = [(name("visitor", secure=True), app.visitor), (name("session", secure=True), app.session)]
    cookies = "; ".join(f"{key}={text}" for key, text in sealed if text)
    return msgspec.structs.replace(head, cookies=cookies.encode("latin-1", "replace"))


def _refusal(problem: Problem, readable: Headers) -> Headers:
    more = tuple((key.lower().encode(), value.encode()) for key, value in problem.headers.items())
    return (*JSON, *readable, cors.EXPOSE, *more)
