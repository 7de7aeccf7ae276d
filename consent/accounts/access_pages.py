"""The access log: who looked at personal data, and what was done with accounts."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.accounts import access_queries
from consent.accounts.access_queries import PAGE, Entry
from consent.accounts.desk import TEMPLATES, Desk
from consent.errors import Problem
from consent.web.gate import Need, route

_ASKED = ("what", "about", "before")


class AccessPages:
    """The log of one site at `/access/SITE`; at `/access` that of what concerns no single site."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[BaseRoute]:
        """Every path of these pages, for the app's one list."""
        need = Need.ACCESS
        return [
            route("/access", self.page, methods=["GET"], needs=need),
            route("/access.json", self.described, methods=["GET"], needs=need),
            route("/access/{site}.json", self.described, methods=["GET"], needs=need),
            route("/access/{site}", self.page, methods=["GET"], needs=need),
        ]

    async def page(self, request: Request) -> Response:
        """Lines of the log, the newest first."""
        entries = await self._entries(request)
        shell = await self._desk.door.shell(request, here="access")
        key = request.path_params.get("site")
        return TEMPLATES.render(
            "access.html", title="Access log", shell=shell, entries=entries, home="/access" + f"/{key}" * bool(key),
            asked={name: request.query_params.get(name, "") for name in _ASKED},
            older=entries[-1].id if len(entries) == PAGE else "", place=key or "",
        )  # fmt: skip

    async def described(self, request: Request) -> Response:
        """The same as JSON; `next` goes on as `before`."""
        entries = await self._entries(request)
        lines = [{name: value for name, value in one._asdict().items() if name != "site_id"} for one in entries]
        body = {"entries": lines, "next": entries[-1].id if len(entries) == PAGE else None}
        return Response(msgspec.json.encode(body), media_type="application/json")

    async def _entries(self, request: Request) -> list[Entry]:
        """The lines that are asked for. Raises Problem for what cannot be asked."""
        asked = dict(request.query_params)
        for name, value in asked.items():
            if name not in _ASKED or len(value) > 254:
                remedy = f"Known are: {', '.join(_ASKED)}."
                raise Problem("unknown_parameter", f"There is no parameter {name[:40]!r}.", remedy, field=name[:40])
        return await access_queries.page(
            self._desk.db, request.state.site_id, what=asked.get("what", ""), about=asked.get("about", ""),
            before=asked.get("before") or "~",
        )  # fmt: skip
