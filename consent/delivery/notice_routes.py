"""GET /n/…: every notice that a site ever showed, by its hash: a page, the bytes that were hashed, and the list."""

import asyncio
import re
from collections.abc import Callable, Hashable
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.config import Config
from consent.db import Database
from consent.delivery.body import Body, compress
from consent.delivery.notice_page import read_body, render_notice
from consent.delivery.routes import LAYER_AGE, SCRIPT_AGE, answer, unknown_site
from consent.errors import NotFound
from consent.policy import notice_queries as queries
from consent.policy.notice_queries import Notice
from consent.sites.queries import by_key
from consent.sites.site import Site
from consent.web.gate import Open, route

_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


KEPT = 64
"""Pages and bodies kept as they are sent: what a notice shows never changes. Some 20 MB."""


class Made(NamedTuple):
    """An answer: its Content-Security-Policy, its body in each coding, and whether nothing is missing in it."""

    policy: str
    body: Body
    whole: bool = True


class NoticePages:
    """What was shown, for anybody: it was public when it was shown."""

    def __init__(self, db: Database, config: Config) -> None:
        self._db = db
        self._config = config
        self._made: dict[Hashable, Made] = {}
        self._making = asyncio.Lock()

    def routes(self) -> list[BaseRoute]:
        """Every path of these pages, for the app's one list."""
        return [
            route("/n/{site}", self.listed, methods=["GET"], needs=Open.PUBLIC),
            route("/n/{site}/{hash}.json", self.body, methods=["GET"], needs=Open.PUBLIC),
            route("/n/{site}/{hash}", self.page, methods=["GET"], needs=Open.PUBLIC),
        ]

    async def listed(self, request: Request) -> Response:
        """The notices of a site with the moment from which each was there, the newest first (PR-03)."""
        site = await self._site(request)
        found = [
            {"hash": one.hash, "kind": one.kind, "language": one.language, "first": one.first, "versions": one.versions}
            for one in await queries.listed(self._db, site.site_id)
        ]
        body = msgspec.json.encode({"site": site.key, "notices": found})
        return Response(body, headers=_readable(f"public, max-age={SCRIPT_AGE}"), media_type="application/json")

    async def body(self, request: Request) -> Response:
        """The exact bytes whose SHA-256 is the hash."""
        site = await self._site(request)
        notice = await self._notice(request, site)

        def make() -> Made:
            read_body(notice)
            return Made("", compress(notice.body))

        made = await self._kept((site.site_id, notice.hash), make)
        return answer(request, made.body, "application/json", f"public, max-age={LAYER_AGE}, immutable")

    async def page(self, request: Request) -> Response:
        """The notice as it was, and as plain text."""
        site = await self._site(request)
        notice = await self._notice(request, site)
        versions = await queries.versions(self._db, site.site_id, notice.hash)
        key = (site.site_id, notice.hash, tuple(versions))
        body = {} if key in self._made else read_body(notice)
        code = await queries.code(self._db, body["code"]) if body.get("kind") == "layers" else None
        address = f"{self._config.base_url}/n/{site.key}/{notice.hash}.json"

        def make() -> Made:
            page = render_notice(notice, code, versions=versions, address=address)
            whole = notice.kind != "layers" or "<iframe" in page.html
            return Made(page.policy, compress(page.html), whole=whole)

        made = await self._kept(key, make)
        more = {"Content-Security-Policy": made.policy}
        return answer(request, made.body, "text/html; charset=utf-8", f"public, max-age={SCRIPT_AGE}", more)

    async def _kept(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What was made for this key, once, however many ask for it; a page that lacks its code is made each time."""
        async with self._making:
            found = self._made.pop(key, None)
            made = found if found is not None else await asyncio.to_thread(make)
            if made.whole:
                self._made[key] = made
            if len(self._made) > KEPT:
                del self._made[next(iter(self._made))]
        return made

    async def _site(self, request: Request) -> Site:
        key = request.path_params["site"]
        site = await by_key(self._db, key)
        if site is None:
            raise unknown_site(key)
        return site

    async def _notice(self, request: Request, site: Site) -> Notice:
        named = request.path_params["hash"]
        notice = await queries.by_hash(self._db, site.site_id, named) if _HASH.fullmatch(named) else None
        if notice is None:
            raise unknown_notice(site.key, named)
        return notice


def unknown_notice(site: str, named: str) -> NotFound:
    """The answer to a hash that no notice of the site has."""
    return NotFound(
        "unknown_notice",
        f"The site {site[:40]!r} never showed a notice {named[:64]!r}.",
        f"Take the hash from a record, or from the list: consent notice list {site[:40]}.",
    )


def _readable(cache: str) -> dict[str, str]:
    return {"Cache-Control": cache, "Access-Control-Allow-Origin": "*"}
