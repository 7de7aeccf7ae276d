"""POST /v1/{site}/erase: who holds a receipt has its records destroyed, and is not asked who they are (DS-01)."""

import logging
from collections.abc import Callable

import msgspec
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from consent.errors import Problem, TooMany
from consent.records.limits import NETWORK
from consent.records.published import Published
from consent.records.routes import ANSWER, Head, check_kind, read_head, told
from consent.rights.erasure import Erasure
from consent.web import cors
from consent.web.address import Network, client, place
from consent.web.answer import Headers, send_whole
from consent.web.body import Gone, read_body
from consent.web.errors import FAULT, encode
from consent.web.gate import Open, route
from consent.web.limits import Buckets

ERASURES = 30
"""Requests a minute from one address; ten times as many from its network."""

MAX_BODY = 1_024

_log = logging.getLogger(__name__)


class Wish(msgspec.Struct, forbid_unknown_fields=True):
    """The receipt whose records are to be destroyed."""

    receipt: str


class ErasePost:
    """The endpoint of erasures."""

    def __init__(
        self, erasure: Erasure, published: Published, trusted: tuple[Network, ...], clock: Callable[[], float]
    ) -> None:
        self._erasure = erasure
        self._published = published
        self._trusted = trusted
        self._clock = clock
        self._households = Buckets(ERASURES)
        self._networks = Buckets(ERASURES * NETWORK)

    def routes(self) -> list[BaseRoute]:
        """The path of this room, for the app's one list."""
        return [route("/v1/{site}/erase", self, methods=["POST", "OPTIONS"], name="erase", needs=Open.VISITOR)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = read_head(scope["headers"], b"")
        head.peer = scope["client"][0] if scope["client"] else ""
        readable: Headers = (cors.VARY,)
        try:
            live = self._published.live(scope["path_params"]["site"])
            origin = cors.check(head.origins, live.origins)
            readable = cors.granted(origin)
            if scope["method"] == "OPTIONS":
                await send_whole(scope, send, 204, cors.preflight(origin, b"POST"), b"")
                return
            wish = await self._wish(receive, head)
            done = await self._erasure.erase(live.site, wish.receipt)
        except Gone:
            return
        except Problem as problem:
            await send_whole(scope, send, problem.status, told(problem, readable), encode(problem))
        except Exception:
            _log.exception("an erasure failed")
            await send_whole(scope, send, FAULT.status, told(FAULT, readable), encode(FAULT))
        else:
            await send_whole(scope, send, 200, ANSWER + readable, msgspec.json.encode(done))

    async def _wish(self, receive: Receive, head: Head) -> Wish:
        """What is asked for. Raises Problem, TooMany among them."""
        check_kind(head)
        body = await read_body(receive, MAX_BODY)
        here = place(client(head.peer, head.forwarded, self._trusted) if head.forwarded else head.peer)
        now = self._clock()
        wait = self._households.take(here.host, now) or self._networks.take(here.network, now)
        if wait:
            raise TooMany(wait)
        try:
            return msgspec.json.decode(body, type=Wish)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            remedy = 'Send {"receipt": "…"} with the receipt as it came with the choice.'
            raise Problem("invalid", "The body does not name a receipt.", remedy, field="receipt") from error
