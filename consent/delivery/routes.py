"""GET /c/…: the scripts of a site. The same bytes for all visitors of a regime, and no cookie."""

import re
from collections.abc import Callable, Mapping
from datetime import date

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.config import Config
from consent.db import Database
from consent.delivery.body import Body, Shelf
from consent.delivery.bundle import (
    Kind,
    bootstrap_text,
    layer_hash,
    layer_text,
    parse_name,
    telemetry_name,
    telemetry_text,
)
from consent.delivery.manifest import applying
from consent.delivery.negotiate import choose_coding, is_unmodified
from consent.delivery.notices import Notices
from consent.delivery.published import Publications
from consent.errors import NotFound
from consent.policy.resolved import Resolved
from consent.records.published import Published
from consent.regimes.geo import Place
from consent.regimes.regime import Regime, choose, exempts, in_force, load_regimes
from consent.regimes.visit import Visits
from consent.web.gate import Open, route

#: Five minutes: how long a page may go on with a version that was replaced.
SCRIPT_AGE = 300
#: A year, the longest that RFC 9111's predecessors allowed; a layer's name changes with its bytes.
LAYER_AGE = 31_536_000

#: A version as it stands in an address: as many digits as versions may have, and no second spelling.
_VERSION = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)


class Delivery:
    """The rooms' HTTP face; opened once, it holds what was published and compressed."""

    def __init__(
        self, db: Database, config: Config, sites: Published, visits: Visits, today: Callable[[], date] = date.today
    ) -> None:
        self._config = config
        self._today = today
        self.shelf = Shelf()
        self._visits = visits
        self._notices = Notices(db)
        self.published = Publications(db, sites)

    def routes(self) -> list[BaseRoute]:
        """Every path of this room, for the app's one list."""
        return [
            route("/c/{site}.js", self.script, methods=["GET"], needs=Open.PUBLIC),
            route("/c/{site}/{version}/{name}", self.layer, methods=["GET"], needs=Open.PUBLIC),
        ]

    async def script(self, request: Request) -> Response:
        """The first script of a site, with its settings for the visitor's regime."""
        key = request.path_params["site"]
        version = self.published.current(key)
        if version is None:
            raise unknown_site(key)
        place = self.place(request)
        regime = self.regime(place, version.resolved)
        counts = self._counts(place, regime, version.resolved)
        body = await self.shelf.get(
            (version.site_id, version.version, version.hash, regime, counts),
            lambda: bootstrap_text(
                version, base=self._config.base_url, regimes=self._laws(version.resolved), regime=regime, counts=counts
            ),
        )
        scope = "private" if self._visits.looked_up else "public"
        return answer(request, body, "text/javascript; charset=utf-8", f"{scope}, max-age={SCRIPT_AGE}")

    async def layer(self, request: Request) -> Response:
        """One layer in one language, or the script of the visitors' log, by the hash of its bytes."""
        if request.path_params["name"] == telemetry_name():
            return await self._telemetry(request)
        key, digits = request.path_params["site"], request.path_params["version"]
        parsed = parse_name(request.path_params["name"])
        number = int(digits) if _VERSION.fullmatch(digits) else 0
        version = await self.published.version(key, number) if parsed and number else None
        if parsed is None or version is None or not _is_current(parsed, version.resolved):
            raise _no_layer(key)
        kind, language, _ = parsed
        if version is not self.published.current(key):
            await self._notices.keep(version)  # what is published now was stored before it went live
        since = await self.published.since(version) if kind == "preferences" else {}
        body = await self.shelf.get(
            (version.site_id, number, version.hash, kind, language),
            lambda: layer_text(version, kind, language, since),
        )
        return answer(request, body, "text/javascript; charset=utf-8", f"public, max-age={LAYER_AGE}, immutable")

    async def _telemetry(self, request: Request) -> Response:
        body = await self.shelf.get(telemetry_name(), telemetry_text)
        return answer(request, body, "text/javascript; charset=utf-8", f"public, max-age={LAYER_AGE}, immutable")

    def _counts(self, place: Place | None, regime: str | None, resolved: Resolved) -> bool:
        """Whether a visitor may be counted before a choice: where the law of a known place exempts that."""
        law = self._laws(resolved).get(regime) if regime else None
        return resolved.telemetry is not None and law is not None and exempts(law, place.country if place else None)

    def place(self, request: Request) -> Place | None:
        """Where the request comes from, if that can be known."""
        named = request.headers.getlist(self._visits.header) if self._visits.header else []
        peer = request.client.host if request.client else ""
        return self._visits.place(peer, named, request.headers.getlist("x-forwarded-for"))

    def regime(self, place: Place | None, resolved: Resolved) -> str | None:
        """The key of the law that a place falls under, if the site follows it."""
        law = choose(place.country, place.region, self._laws(resolved)) if place else None
        return law.key if law else None

    def _laws(self, resolved: Resolved) -> dict[str, Regime]:
        return applying(resolved, in_force(load_regimes(), self._today()))


def answer(request: Request, body: Body, kind: str, cache: str, more: Mapping[str, str] | None = None) -> Response:
    """A body in the coding the client likes best, or 304 when it has these bytes already."""
    coding = choose_coding(request.headers.getlist("accept-encoding"))
    headers = {
        "ETag": body.etag(coding),
        "Cache-Control": cache,
        "Vary": "Accept-Encoding",
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Content-Type-Options": "nosniff",
        **(more or {}),
    }
    if is_unmodified(request.headers.getlist("if-none-match"), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if coding != "identity":
        headers["Content-Encoding"] = coding
    return Response(body.coded(coding), headers={**headers, "Content-Type": kind})


def unknown_site(key: str) -> NotFound:
    """The answer where nothing is published under a key."""
    return NotFound(
        "unknown_site",
        f"No policy is published for the site {key[:40]!r}.",
        "Check the key in the snippet, or publish one: consent policy publish FILE.",
    )


def _is_current(parsed: tuple[Kind, str, str], resolved: Resolved) -> bool:
    """Whether a layer's name is one that this program gives it; after an upgrade the old name's bytes are gone."""
    return parsed[1] in resolved.languages and parsed[2] == layer_hash(resolved)


def _no_layer(key: str) -> NotFound:
    return NotFound(
        "no_layer", "There is no such file any more.", f"Load /c/{key[:40]}.js again: it names the new one."
    )
