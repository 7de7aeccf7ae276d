"""POST /v1/{site}/requests: what a site's own server tells of its page requests, with the site's token."""

from collections import Counter
from collections.abc import Collection

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.errors import Problem, Unavailable
from consent.records.published import Live
from consent.records.routes import is_json
from consent.telemetry import told
from consent.telemetry.facts import AGENT
from consent.telemetry.past import COUNTED, STORED, Past, Request
from consent.telemetry.reception import Reception
from consent.telemetry.sent import Sent
from consent.telemetry.told import Told
from consent.telemetry.whereabouts import Whereabouts
from consent.visitors.visit import DAY
from consent.web.body import read_body
from consent.web.gate import Need, route

REMEMBERED = 65_536
"""Requests whose ids are in memory, some 8 MB: a server that got no answer tells of them again, and of what is only
counted the log itself would not know that."""

AHEAD = 60_000
"""Milliseconds that the site's clock may be ahead; what it tells may be a day old."""

_AGENT = tuple(name.decode() for name in AGENT)


class Answer(msgspec.Struct):
    """What came of the requests; `left` says why the others were not kept."""

    stored: int
    counted: int
    left: dict[str, int]


class RequestsPost:
    """The endpoint. It answers before anything is written."""

    def __init__(self, reception: Reception, past: Past, whereabouts: Whereabouts) -> None:
        self._reception = reception
        self._past = past
        self._whereabouts = whereabouts
        self._known: dict[int, None] = {}
        """Hashes of site and id of the requests taken last."""

    def routes(self) -> list[BaseRoute]:
        """The path of this endpoint, for the app's one list."""
        return [route("/v1/{site}/requests", self.take, methods=["POST"], needs=Need.TELL)]

    async def take(self, request: HttpRequest) -> Response:
        """Take a body. Raises Problem."""
        live = self._reception.published.live(request.path_params["site"])
        if not is_json(request.headers.get("content-type", "").encode("latin-1")):
            remedy = "Send JSON in UTF-8 as application/json."
            raise Problem("media_type", "The body is of a kind that is not read here.", remedy, status=415)
        if self._reception.intake.door.is_swamped():
            raise Unavailable("More events come than can be counted.")
        requests, left = told.read(await read_body(request.receive, told.MAX_BODY))
        same = await self._reception.intake.same(live.version)
        came = Counter(left)
        for one in requests:
            came[self._fault(one) or self._take(live, one, same)] += 1
        answer = Answer(came.pop(STORED, 0), came.pop(COUNTED, 0), dict(came))
        headers = {"Cache-Control": "no-store"}
        return Response(msgspec.json.encode(answer), 202, headers, "application/json")

    def _take(self, live: Live, one: Told, same: Collection[str]) -> str:
        """Take one that was not told before: what became of it."""
        mark = hash((live.site.site_id, one.id))
        if mark in self._known:
            return "duplicate"
        what = self._past.take(live, self._seen(one), same)
        if what in (STORED, COUNTED):
            self._known[mark] = None
            if len(self._known) > REMEMBERED:
                del self._known[next(iter(self._known))]
        return what

    def _fault(self, one: Told) -> str:
        late = self._reception.now() - one.time
        return "" if -AHEAD <= late <= DAY else "too-old" if late > 0 else "too-new"

    def _seen(self, one: Told) -> Request:
        sent = Sent(
            address=one.address,
            place=self._whereabouts.place(one.address, one.time),
            lines=tuple(one.headers.get(name, "").encode("latin-1", "replace") for name in _AGENT),
            languages=one.headers.get("accept-language", "").encode("latin-1", "replace"),
            cookies=one.cookies.encode("latin-1", "replace"),
            gpc=one.headers.get("sec-gpc") == "1",
            where="page",
            secure=one.url.startswith("https:"),
            method=one.method,
            status=one.status,
        )
        return Request(one.id, one.time, one.url, one.referrer, sent, one.took)
