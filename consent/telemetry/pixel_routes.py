"""GET /v1/{site}/pixel.gif: a clear image for mails and pages without script, under the same gate, by cookies alone."""

import base64

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.errors import TooMany
from consent.records.published import Live
from consent.telemetry.event import Batch, Event
from consent.telemetry.head import Head, own_origin
from consent.telemetry.hit import VIEW
from consent.telemetry.reception import Reception
from consent.visitors.visit import Chance
from consent.web.gate import Open, route

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
"""One transparent dot."""

MAX_TEXT = 2_048


class Pixel:
    """The endpoint of the image. Whatever came of it, the image is the same."""

    def __init__(self, reception: Reception, chance: Chance) -> None:
        self._reception = reception
        self._chance = chance

    def routes(self) -> list[BaseRoute]:
        """The path of this endpoint, for the app's one list."""
        return [route("/v1/{site}/pixel.gif", self.get, methods=["GET"], needs=Open.VISITOR)]

    async def get(self, request: Request) -> Response:
        """The image. A known site's alone; for any other there is none."""
        live = self._reception.published.live(request.path_params["site"])
        head = self._reception.head(request.scope)
        cookies = () if request.method == "HEAD" else await self._take(request, live, head)
        answer = Response(GIF, media_type="image/gif")
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        for line in cookies:
            answer.headers.append("Set-Cookie", line)
        return answer

    async def _take(self, request: Request, live: Live, head: Head) -> tuple[str, ...]:
        reception, now = self._reception, self._reception.now()
        try:
            address = reception.enter(live, head)
        except TooMany:
            reception.intake.door.drop(live.site.site_id, now, "rate")
            return ()
        same = await reception.same(live)
        own = own_origin(live, head.line(b"host"))
        sent = reception.reader.sent(head, own, None, address)
        if not own:
            sent = msgspec.structs.replace(sent, secure=False)  # on another's host nobody is told apart
        page = request.query_params.get("page", "") or head.line(b"referer").decode("latin-1")
        shown = f"{(own or first_origin(live)).decode()}{page}" if page.startswith("/") else page
        event = Event(
            id=self._chance(16).hex(),
            event=request.query_params.get("event", VIEW)[:MAX_TEXT],
            time=now,
            url=shown[: 2 * MAX_TEXT],
        )
        return reception.take(live, sent, Batch(choice="", events=[event]), same).cookies


def first_origin(live: Live) -> bytes:
    """The origin that the policy names first: what a path alone is meant for."""
    return live.version.resolved.origins[0].encode()
