"""Pages without script: "Your privacy choices" with its form, the list of services, and /.well-known/gpc.json."""

import hmac
import os
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute

from consent.config import Config
from consent.db import Database
from consent.delivery.manifest import applying, of_purpose
from consent.delivery.optout import opt_out
from consent.delivery.page import page_policy, render_page
from consent.delivery.routes import Delivery, answer, unknown_site
from consent.delivery.words import Words, choose_language
from consent.errors import Forbidden, NotFound
from consent.policy.queries import Version
from consent.policy.resolved import Resolved
from consent.records import jar
from consent.records.cookie import Choice, decode
from consent.records.decision import Settled
from consent.records.intake import Intake, milliseconds
from consent.records.limits import Limits
from consent.records.published import Live, Published
from consent.records.routes import After, nothing_else, seen
from consent.regimes.regime import load_regimes
from consent.sites.queries import all_sites
from consent.web.address import client, place
from consent.web.gate import Open, route

_STATES = {"g": "state_granted", "d": "state_denied", "w": "state_denied", "o": "state_denied"}


class Pages:
    """The pages of this room."""

    def __init__(
        self,
        delivery: Delivery,
        *,
        db: Database,
        config: Config,
        sites: Published,
        intake: Intake,
        limits: Limits,
        now: Callable[[], int] = milliseconds,
        after: After = nothing_else,
    ) -> None:
        self._delivery = delivery
        self._after = after
        self._db = db
        self._config = config
        self._sites = sites
        self._intake = intake
        self._limits = limits
        self._now = now

    def routes(self) -> list[BaseRoute]:
        """Every path of these pages, for the app's one list."""
        return [
            route("/choices/{site}", self.choices, methods=["GET"], needs=Open.VISITOR),
            route("/choices/{site}", self.choose, methods=["POST"], needs=Open.VISITOR),
            route("/c/{site}/declaration", self.declaration, methods=["GET"], needs=Open.PUBLIC),
            route("/.well-known/gpc.json", self.gpc, methods=["GET"], needs=Open.PUBLIC),
        ]

    async def choices(self, request: Request) -> Response:
        """The form (US-07, US-13, AX-18), what this browser says now, and whether its signal was taken (US-02)."""
        live = self._live(request)
        resolved = live.version.resolved
        words = _words(request, resolved)
        page = render_page(
            "choices",
            resolved,
            words,
            words("choices_title"),
            label=words("control_label_opt_out"),
            done=self._recorded(live, request.query_params.get("done", "")),
            elsewhere=not reaches(resolved, request.headers.get("host", "")),
            signal=signalled(request),
            choice=stored_choice(request, resolved),
            states=_STATES,
        )
        return HTMLResponse(page, headers={**_page_headers(resolved), "Cache-Control": "no-store"})

    async def choose(self, request: Request) -> Response:
        """The form was sent: record the objection, tell the browser where that can be, and show the page again."""
        live = self._live(request)
        resolved = live.version.resolved
        self._check_origin(request, resolved)
        self._limits.arrive(place(self._address(request)), refuses=True)
        words = _words(request, resolved)
        visit = self._delivery.place(request)
        claim = opt_out(
            live.version,
            words,
            key=urlsafe_b64encode(os.urandom(16))[:22].decode(),
            regime=self._delivery.regime(visit, resolved) or resolved.default_regime,
            gpc=signalled(request),
            now=self._now(),
        )
        settled = await self._sites.settle(live, claim.statement, self._intake.today())
        cookies = self._cookies(request, resolved, settled)  # before the record: after it, nothing may fail
        self._limits.enter(live.site.site_id)
        region = (visit.region or visit.country) if visit else ""
        taken = await self._intake.take(
            live.site, claim, settled, region, seen(request.headers.get("user-agent", "").encode("latin-1"))
        )
        response = RedirectResponse(
            f"/choices/{resolved.site}?lang={words.language}&done={self._proof(live, taken.id)}", 303
        )
        response.headers["Cache-Control"] = "no-store"
        for header in [*cookies, *self._more(request, live, settled)]:
            response.headers.append("Set-Cookie", header)
        return response

    async def declaration(self, request: Request) -> Response:
        """Every service with its cookies, durations and recipients, in the visitor's language (EU-10, EU-11)."""
        version = self._live(request).version
        words = _words(request, version.resolved)
        key = (version.site_id, version.version, version.hash, "declaration", words.language)
        body = await self._delivery.shelf.get(key, lambda: _declaration(version, words))
        headers = {**_page_headers(version.resolved), "Vary": "Accept-Encoding, Accept-Language"}
        return answer(request, body, "text/html; charset=utf-8", "public, max-age=300", headers)

    async def gpc(self, request: Request) -> Response:
        """Whether the site at this host takes the Global Privacy Control as an opt-out (w3c/gpc, section 4; GC-04)."""
        host = request.headers.get("host", "").lower()
        for site in await all_sites(self._db):
            live = self._sites.site(site.key)
            if live and host in _hosts(live.version.resolved):
                updated = datetime.fromtimestamp(live.version.published / 1000, UTC).date()
                body = {"gpc": honours(live.version.resolved), "lastUpdate": updated.isoformat()}
                return JSONResponse(body, headers={"Cache-Control": "public, max-age=3600"})
        raise NotFound("unknown_host", f"No site has the host {host[:80]!r}.", "Ask at the site's own address.")

    def _live(self, request: Request) -> Live:
        key = request.path_params["site"]
        live = self._sites.site(key)
        if live is None:
            raise unknown_site(key)
        return live

    def _proof(self, live: Live, record: str) -> str:
        """A record's id with a mark that only we can make, so that no link can say "recorded" of what is not."""
        return f"{record}.{self._intake.write_key(live.site, f'page:{record}')[:22]}"

    def _recorded(self, live: Live, proof: str) -> str:
        """The record that a proof is about; empty when it is none."""
        record = proof.partition(".")[0]
        return record if hmac.compare_digest(self._proof(live, record).encode(), proof.encode()) else ""

    def _address(self, request: Request) -> str:
        peer = request.client.host if request.client else ""
        return client(peer, request.headers.getlist("x-forwarded-for"), self._config.networks)

    def _check_origin(self, request: Request, resolved: Resolved) -> None:
        """A form on someone else's page must not speak for a visitor (CK-09). Text browsers send neither header."""
        origins = request.headers.getlist("origin")
        allowed = {self._config.base_url, *resolved.origins}
        site = request.headers.get("sec-fetch-site", "same-origin")
        if (origins and (len(origins) > 1 or origins[0] not in allowed)) or (not origins and site != "same-origin"):
            remedy = f"Open /choices/{resolved.site} itself and press the button there."
            raise Forbidden("wrong_origin", "This form came from another site's page.", remedy)

    def _cookies(self, request: Request, resolved: Resolved, settled: Settled) -> list[str]:
        """What the browser is told of its cookies, where they are the site's."""
        host = request.headers.get("host", "")
        if not reaches(resolved, host):
            return []
        sent = "; ".join(request.headers.getlist("cookie"))
        secure = self._config.base_url.startswith("https:")
        return jar.cookies(resolved, settled, self._intake.today(), host=host, sent=sent, secure=secure)

    def _more(self, request: Request, live: Live, settled: Settled) -> list[str]:
        """What else the choice means for this host's cookies."""
        host = request.headers.get("host", "").encode("latin-1", "replace")
        origin = self._config.base_url.partition("://")[0].encode() + b"://" + host
        sent = "; ".join(request.headers.getlist("cookie")).encode("latin-1", "replace")
        return list(self._after(live, settled, origin, host, sent))


def reaches(resolved: Resolved, host: str) -> bool:
    """Whether a cookie set at this host (with port) is one that the site's pages see."""
    domain = resolved.cookie.domain.removeprefix(".")
    name = host.lower().partition(":")[0]
    return host.lower() in _hosts(resolved) or (domain != "" and (name == domain or name.endswith(f".{domain}")))


def signalled(request: Request) -> bool:
    """Whether the browser sends the Global Privacy Control: `1` and nothing else (GC-01, GC-02)."""
    return "1" in request.headers.getlist("sec-gpc")


def honours(resolved: Resolved) -> bool:
    """Whether the site takes the signal as an opt-out: it follows an opt-out law, and has purposes that it covers."""
    laws = applying(resolved, load_regimes()).values()
    covered = any(purpose.gpc and not purpose.required for purpose in resolved.purposes)
    return covered and any(law.model == "opt-out" and law.gpc == "deny" for law in laws)


def stored_choice(request: Request, resolved: Resolved) -> Choice | None:
    """The choice in the request's cookie, if there is exactly one and it is about what the site asks now."""
    pairs = (pair.strip().partition("=") for pair in "; ".join(request.headers.getlist("cookie")).split(";"))
    values = [value for name, _, value in pairs if name == resolved.cookie.name]
    choice = decode(values[0]) if len(values) == 1 else None
    return choice if choice and choice.scope == resolved.scope else None


def _hosts(resolved: Resolved) -> set[str]:
    return {origin.partition("://")[2] for origin in resolved.origins}


def _words(request: Request, resolved: Resolved) -> Words:
    accepted = request.headers.getlist("accept-language")
    return Words(resolved, choose_language(resolved.languages, request.query_params.get("lang"), accepted))


def _page_headers(resolved: Resolved) -> dict[str, str]:
    """`same-origin`, for without a referrer the form's own origin would be `null`."""
    return {"Content-Security-Policy": page_policy(resolved), "Referrer-Policy": "same-origin"}


def _declaration(version: Version, words: Words) -> str:
    resolved = version.resolved
    return render_page(
        "declaration",
        resolved,
        words,
        words("declaration_title"),
        listed=[(purpose, of_purpose(resolved, purpose)) for purpose in resolved.purposes],
        number=version.version,
        published=datetime.fromtimestamp(version.published / 1000, UTC).date().isoformat(),
    )
