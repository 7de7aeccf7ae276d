"""The service's own pages for visitors, where a site's policy has them logged: judged as its server's requests are.

A page waits for none of it, and none of it fails a page: what may be kept is looked at when the answer is sent. Nobody
becomes a visitor here, no cookie is set, and nobody is forgotten.
"""

import logging
from collections.abc import Iterable
from functools import partial

import msgspec
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from consent.errors import TooMany
from consent.records.published import Live
from consent.telemetry.head import Head, own_origin
from consent.telemetry.past import Past, Request
from consent.telemetry.reception import Reception
from consent.telemetry.told import MAX_URL
from consent.telemetry.watch import Watch
from consent.visitors.visit import Chance
from consent.web.gate import Declared, Open

_log = logging.getLogger(__name__)


class OwnPages:
    """Watches them."""

    def __init__(self, reception: Reception, past: Past, chance: Chance) -> None:
        self._reception = reception
        self._past = past
        self._chance = chance
        self._failed = False

    def watched(self, routes: Iterable[BaseRoute]) -> list[BaseRoute]:
        """The routes, watched where visitors read pages of a site."""
        found = list(routes)
        for one in found:
            if isinstance(one, Declared) and one.needs in (Open.PUBLIC, Open.VISITOR) and "{site}" in one.path:
                one.app = partial(self._serve, one.app)
        return found

    async def _serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        live = self._reception.published.site(scope["path_params"]["site"])
        terms = live.version.resolved.telemetry if live is not None else None
        if live is None or terms is None or not terms.own_pages or scope["method"] != "GET":
            await app(scope, receive, send)
            return
        watch = Watch(send)
        try:
            await app(scope, receive, watch.send)
            await self._reception.same(live)  # remembered from then on
        finally:
            self._note(live, scope, watch)

    def _note(self, live: Live, scope: Scope, watch: Watch) -> None:
        """Take a page; whatever fails is said once, and the service goes on."""
        try:
            head = self._reception.head(scope)
            ahead = head.line(b"sec-purpose").startswith(b"prefetch")
            if watch.is_page(scope["path"]) and not ahead and not self._reception.intake.door.is_swamped():
                self._take(live, scope, head, watch)
        except Exception:
            if not self._failed:
                _log.exception("a page of the service could not be logged")
            self._failed = True

    def _take(self, live: Live, scope: Scope, head: Head, watch: Watch) -> None:
        """Elsewhere than under the site's own host the choice cannot be known: there nothing is taken."""
        origin = own_origin(live, head.line(b"host"))
        if not origin:
            return
        reception, now = self._reception, self._reception.now()
        try:
            address = reception.enter(live, head)
        except TooMany:
            reception.intake.door.drop(live.site.site_id, now, "rate")
            return
        sent = msgspec.structs.replace(
            reception.reader.sent(head, origin, None, address), method="GET", status=watch.status
        )
        url = b"%s%s?%s" % (origin, scope["raw_path"], scope["query_string"])
        referrer = head.line(b"referer").decode("latin-1")[:MAX_URL]
        request = Request(self._chance(16).hex(), now, url.decode("latin-1")[:MAX_URL], referrer, sent, watch.took())
        self._past.take(live, request, reception.intake.remembered(live.version) or frozenset())
