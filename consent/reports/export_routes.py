"""GET /reports/{site}/export/{rows}.{format}: rows to take along, streamed in memory that does not grow."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from consent.config import Config
from consent.db import Database
from consent.errors import Forbidden, Problem, TooMany
from consent.reports import export, parquet, shared_export
from consent.reports.answers import Answers
from consent.reports.export import MEDIA, Wanted
from consent.reports.export_queries import Rows
from consent.sites.queries import by_key
from consent.web.answer import LONGER
from consent.web.gate import Need, check_still, route, signed

AT_ONCE = 4
"""Exports that are under way together; whoever wants another is asked to wait."""

LOOKS = 2.0
"""Seconds after which it is looked again whether who asked may still have what is sent."""

WAIT = 30
FOLDER = "exporting"
"""In the data folder: Parquet is written whole before it is sent, and deleted then."""


Longer = Callable[[], None]


class Exports:
    """The exports' HTTP face. `now` gives ms."""

    def __init__(self, config: Config, db: Database, answers: Answers, now: Callable[[], int]) -> None:
        self._config = config
        self._db = db
        self._answers = answers
        self._now = now
        self._under_way = 0

    def routes(self) -> list[BaseRoute]:
        """Every path of the exports."""
        return [
            route("/reports/{site}/export/shared.{format}", self.shared, methods=["GET"], needs=Need.FIGURES),
            route(
                "/reports/{site}/export/{rows}.{format}",
                self.export,
                methods=["GET"],
                needs=Need.EXPORTS,
                personal="export",
            ),
        ]

    async def export(self, request: Request) -> ASGIApp:
        """All the rows asked for, in the order of time (visitors: of their last visit)."""
        path = request.path_params
        wanted = export.parse(path["rows"], path["format"], dict(request.query_params))
        _check(request, wanted)
        request.state.about = wanted.subject
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{path["site"]}-{wanted.subject}.{wanted.format}"',
        }
        if self._under_way >= AT_ONCE:
            raise TooMany(WAIT)
        self._under_way += 1  # before anything is waited for: of many who come at once no more are let in
        try:
            if wanted.format == "parquet":
                return _Ending(*await self._parquet(request, wanted, headers), self._end)
            rows = await asyncio.to_thread(Rows, self._config, request.state.site_id, wanted)
        except BaseException:
            self._end()
            raise
        body = _stream(request, rows, wanted)
        return _Ending(StreamingResponse(body, headers=headers, media_type=MEDIA[wanted.format]), rows.close, self._end)

    async def shared(self, request: Request) -> Response:
        """Figures by the month that name nobody, as far as the site shares them."""
        format_ = shared_export.check_format(request.path_params["format"])
        asked = shared_export.questions(dict(request.query_params), self._now())
        site = await by_key(self._db, request.path_params["site"])
        assert site is not None, "the gate knows it"
        body = shared_export.as_bytes(await shared_export.collect(self._answers, site, asked), format_)
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{site.key}-shared.{format_}"',
        }
        return Response(body, headers=headers, media_type=MEDIA["csv" if format_ == "csv" else "ndjson"])

    def _end(self) -> None:
        self._under_way -= 1

    async def _parquet(
        self, request: Request, wanted: Wanted, headers: dict[str, str]
    ) -> tuple[FileResponse, Callable[[], None]]:
        """A file that is written, and what deletes it."""
        parquet.check()
        file = self._config.data / FOLDER / f"{secrets.token_hex(8)}.parquet"
        gone = partial(file.unlink, missing_ok=True)
        writing = asyncio.create_task(asyncio.to_thread(_write, self._config, request.state.site_id, wanted, file))
        while not writing.done():
            _longer(request)()
            await asyncio.wait([writing], timeout=1)
        await writing
        try:
            await check_still(request)
        except Problem:
            gone()
            raise
        return FileResponse(file, headers=headers, media_type=MEDIA["parquet"]), gone


class _Ending:
    """An answer, and what is done when it was sent, or could not be."""

    def __init__(self, answer: ASGIApp, *ends: Callable[[], None]) -> None:
        self._answer = answer
        self._ends = ends

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._answer(scope, receive, send)
        finally:
            for end in self._ends:
                end()


async def _stream(request: Request, rows: Rows, wanted: Wanted) -> AsyncIterator[bytes]:
    """The file, page by page; whoever reads slowly makes us wait, and is let go in the end.

    It breaks off where who asked may not have it any more: half a file is no whole one.
    """
    looked, longer = time.monotonic(), _longer(request)
    if wanted.format == "csv" and not wanted.after:
        yield export.head(wanted.source)
    while chunk := await asyncio.to_thread(_page, rows, wanted):
        if time.monotonic() - looked > LOOKS:
            await check_still(request)
            looked = time.monotonic()
        longer()
        yield chunk


def _check(request: Request, wanted: Wanted) -> None:
    """Raises Forbidden for who may not see such rows one by one."""
    need = Need.LOG if wanted.source.store == "records" else Need.VISITS
    if not signed(request).may(need, request.state.site_id):
        sentence = f"This needs the right `{need}` at the site, too."
        raise Forbidden("not_allowed", sentence, "Ask an owner for it, or use another account or token.")


def _longer(request: Request) -> Longer:
    """What renews the time that an answer may take, under our own server."""
    found: Longer | None = request.scope.get(LONGER)
    return found or (lambda: None)


def _page(rows: Rows, wanted: Wanted) -> bytes:
    page = rows.page()
    if not page:
        return b""
    return export.as_bytes(wanted, page)


def _write(config: Config, site_id: int, wanted: Wanted, file: Path) -> None:
    file.parent.mkdir(mode=0o700, exist_ok=True)
    with Rows(config, site_id, wanted) as rows:
        parquet.write(wanted.source, rows.pages(), file)


def sweep(data: Path) -> None:
    """Delete what an export left behind that was cut off with the service; called before there are any."""
    for file in (data / FOLDER).glob("*.parquet"):
        file.unlink()
