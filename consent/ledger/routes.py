"""GET /log/…: what anyone may read of a log, as C2SP tlog-tiles has it; its keys at /.well-known/consent-log/…."""

import gzip
import re
from itertools import groupby
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.db import Database
from consent.errors import NotFound
from consent.ledger import queries, reading
from consent.ledger.errors import LedgerError
from consent.ledger.leaf import entry
from consent.ledger.queries import LogId
from consent.ledger.sequencer import INSTALL
from consent.ledger.tile import WIDTH, bundle, parse_tile_path, width_at
from consent.ledger.witness import cosigned
from consent.sites.queries import by_key
from consent.web.gate import Open, route

#: A year: the bytes of a full tile never change.
FULL_AGE = 31_536_000
#: An hour: a partial tile never changes either, but soon nobody asks for it any more.
PARTIAL_AGE = 3_600
#: Five minutes: a key that is new is known everywhere after that.
KEYS_AGE = 300

_EPOCH = re.compile("e(?:[2-9]|[1-9][0-9]{1,4})", re.ASCII)
"""The first log of a site has no epoch in its address."""


class Ledgers:
    """The logs of a store, for everyone: the second and kind of each choice, commitments, what was erased together.

    Nothing names a visitor, but volume and rate of refusals are told; where `public` is False, nothing is served.
    """

    def __init__(self, db: Database, base_url: str, *, public: bool = True) -> None:
        self._db = db
        self._base = base_url
        self._public = public

    def routes(self) -> list[BaseRoute]:
        """Every path of this room, for the app's one list; none where the logs are not public."""
        if not self._public:
            return []
        return [
            route("/log/{site}/checkpoint", self.checkpoint, methods=["GET"], needs=Open.PUBLIC),
            route("/log/{site}/tile/{tile:path}", self.tile, methods=["GET"], needs=Open.PUBLIC),
            route("/log/{site}/{epoch}/checkpoint", self.checkpoint, methods=["GET"], needs=Open.PUBLIC),
            route("/log/{site}/{epoch}/tile/{tile:path}", self.tile, methods=["GET"], needs=Open.PUBLIC),
            route("/.well-known/consent-log/{site}", self.keys, methods=["GET"], needs=Open.PUBLIC),
        ]

    async def checkpoint(self, request: Request) -> Response:
        """The signed head of a log; the install's own with the cosignatures of witnesses that it has."""
        log = await self._log(request)
        head = await self._head(log, request)
        note = head["checkpoint"]
        if log.site_id == 0:
            note = await cosigned(self._db, log.epoch, head["size"], note)
        return _answer(note.encode(), "text/plain; charset=utf-8", "no-cache")

    async def tile(self, request: Request) -> Response:
        """A tile of hashes or of entries."""
        path = f"tile/{request.path_params['tile']}"
        try:
            level, index, width = parse_tile_path(path)
        except LedgerError as error:
            raise _no_tile(str(error)) from error
        log = await self._log(request)
        head = await self._head(log, request)
        if width_at(head["size"], 0 if isinstance(level, str) else level, index) < width:
            raise _no_tile(f"The log has {head['size']} leaves: {path} is not in it.")
        age = f"public, max-age={FULL_AGE}, immutable" if width == WIDTH else f"public, max-age={PARTIAL_AGE}"
        if isinstance(level, str):
            rows = await queries.leaves(self._db, log, index * WIDTH, width)
            return _packed(request, bundle(entry(row["type"], row["time"], row["content"]) for row in rows), age)
        hashes = await reading.hashes(self._db, log, level, index, width)
        return _answer(b"".join(hashes), "application/octet-stream", age)

    async def keys(self, request: Request) -> Response:
        """Whose signatures hold: every log of a site, with its keys."""
        site = request.path_params["site"]
        rows = await queries.epochs(self._db, await self._site_id(site))
        if not rows:
            raise _no_log(site)
        epochs = [self._told(site, list(ours)) for _, ours in groupby(rows, key=lambda row: row["epoch"])]
        body = msgspec.json.encode({"site": site, "epochs": epochs})
        return _answer(body, "application/json", f"public, max-age={KEYS_AGE}")

    def _told(self, site: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
        first = rows[0]
        return {
            "epoch": first["epoch"],
            "origin": first["origin"],
            "url": f"{self._base}/log/{site}/" + (f"e{first['epoch']}/" if first["epoch"] > 1 else ""),
            "opened": first["opened"],
            "size": first["size"],
            "keys": [{"vkey": row["vkey"], "since": row["since"]} for row in rows],
        }

    async def _log(self, request: Request) -> LogId:
        site, epoch = request.path_params["site"], request.path_params.get("epoch", "")
        if epoch and _EPOCH.fullmatch(epoch) is None:
            raise _no_log(f"{site}/{epoch}"[:80])
        return LogId(await self._site_id(site), int(epoch[1:] or 1))

    async def _site_id(self, key: str) -> int:
        if key == INSTALL:
            return 0
        site = await by_key(self._db, key)
        if site is None:
            raise _no_log(key[:80])
        return site.site_id

    async def _head(self, log: LogId, request: Request) -> dict[str, Any]:
        head = await queries.head(self._db, log)
        if head is None:
            raise _no_log(request.path_params["site"])
        return head


def _answer(body: bytes, kind: str, age: str) -> Response:
    return Response(body, headers={"Cache-Control": age, "Access-Control-Allow-Origin": "*"}, media_type=kind)


def _packed(request: Request, body: bytes, age: str) -> Response:
    """Entries compressed for who takes that: half of them is base64 (C2SP tlog-tiles, "Log entries")."""
    takes = "gzip" in request.headers.get("accept-encoding", "")
    answer = _answer(gzip.compress(body, 6, mtime=0) if takes else body, "application/octet-stream", age)
    answer.headers["Vary"] = "Accept-Encoding"
    if takes:
        answer.headers["Content-Encoding"] = "gzip"
    return answer


def _no_log(name: str) -> NotFound:
    return NotFound("no_log", f"There is no log of {name!r}.", "See /.well-known/consent-log/SITE for a site's logs.")


def _no_tile(message: str) -> NotFound:
    return NotFound("no_tile", message, "Read the checkpoint first: its size tells which tiles there are.")
