"""POST /v1/{site}/shown: a layer came up. Counted where the law lets that be counted, else answered and forgotten."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.config import Config
from consent.delivery.manifest import applying
from consent.delivery.routes import unknown_site
from consent.delivery.shown import MAX_BODY, Counts, Shown, device
from consent.errors import Problem
from consent.records.intake import DAY, milliseconds
from consent.records.limits import Limits
from consent.records.published import Live, Published
from consent.records.routes import is_json
from consent.regimes.regime import load_regimes
from consent.web import cors
from consent.web.address import client, place
from consent.web.answer import Headers
from consent.web.body import read_body
from consent.web.errors import respond
from consent.web.gate import Open, route

_DECODER = msgspec.json.Decoder(Shown)


class ShownPost:
    """The endpoint of counts. It answers before anything is written."""

    def __init__(self, *, published: Published, counts: Counts, limits: Limits, config: Config) -> None:
        self._published = published
        self._counts = counts
        self._limits = limits
        self._config = config

    def routes(self) -> list[BaseRoute]:
        """Every path of this room, for the app's one list."""
        return [route("/v1/{site}/shown", self.post, methods=["POST", "OPTIONS"], needs=Open.VISITOR)]

    async def post(self, request: Request) -> Response:
        """204 whether it was counted or not."""
        live = self._published.site(request.path_params["site"])
        if live is None:
            raise unknown_site(request.path_params["site"])
        origins = [value.encode("latin-1") for value in request.headers.getlist("origin")]
        origin = cors.check(origins, live.origins)
        if request.method == "OPTIONS":
            return _answer(cors.preflight(origin, b"POST"))
        try:
            await self._count(request, live)
        except Problem as problem:
            answer = respond(problem)
            answer.raw_headers += [*cors.granted(origin), cors.EXPOSE]
            return answer
        return _answer(cors.granted(origin))

    async def _count(self, request: Request, live: Live) -> None:
        if not is_json(request.headers.get("content-type", "").encode("latin-1")):
            raise Problem("media_type", "The body is of a kind that is not read here.", "Send JSON.", status=415)
        body = await read_body(request.receive, MAX_BODY)
        peer = request.client.host if request.client else ""
        address = client(peer, request.headers.getlist("x-forwarded-for"), self._config.networks)
        self._limits.arrive(place(address), refuses=False)
        shown = read(body)
        if not self._counted(live, shown):
            return
        self._limits.enter(live.site.site_id)
        agent = request.headers.get("user-agent", "")
        self._counts.add(live.site.site_id, milliseconds() // DAY, shown, device(agent))

    def _counted(self, live: Live, shown: Shown) -> bool:
        """Whether the law lets it be counted, and the site shows this now: else it is a mistake, or made up."""
        resolved = live.version.resolved
        law = applying(resolved, load_regimes()).get(shown.regime)
        known = shown.language in resolved.languages and live.shows(live.version.version, shown.notice)
        return law is not None and law.shown and known


def read(body: bytes) -> Shown:
    """Read a body. Raises Problem (422) for anything but what the format allows."""
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        remedy = "Send the body as docs/formats.md, section 11, describes."
        raise Problem("invalid", f"The body does not fit: {str(error)[:200]}.", remedy, field="") from error


def _answer(headers: Headers) -> Response:
    answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
    answer.raw_headers += list(headers)
    return answer
