"""GET /assets/…: the style sheet, the script and the icon of our pages. Their names change with their bytes."""

import gzip
import hashlib
from importlib import resources

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.errors import NotFound
from consent.web.gate import Open, route

#: A year; a name never comes back with other bytes.
AGE = 31_536_000

_PARTS = {
    "analyst.css": ("base.css", "parts.css", "charts.css", "account.css", "print.css"),
    "analyst.js": ("analyst.js",),
    "icon.svg": ("icon.svg",),
}
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


class Asset(msgspec.Struct, frozen=True):
    """One file, whole and compressed."""

    path: str
    kind: str
    body: bytes
    packed: bytes


def _read(name: str) -> Asset:
    static = resources.files("consent.web") / "static"
    body = "\n".join((static / part).read_text("utf-8").strip() for part in _PARTS[name]).encode()
    stem, _, end = name.partition(".")
    path = f"/assets/{stem}.{hashlib.sha256(body).hexdigest()[:16]}.{end}"
    return Asset(path, _TYPES[end], body, gzip.compress(body, 9, mtime=0))


ASSETS = {name.replace(".", "_"): _read(name) for name in _PARTS}
"""By the name that templates know: `assets.analyst_css.path`."""

_BY_PATH = {asset.path: asset for asset in ASSETS.values()}


def routes() -> list[BaseRoute]:
    """The one address, for the app's list."""
    return [route("/assets/{name}", asset, methods=["GET"], needs=Open.PUBLIC)]


async def asset(request: Request) -> Response:
    """One file, for ever."""
    found = _BY_PATH.get(f"/assets/{request.path_params['name']}")
    if found is None:
        raise NotFound("no_asset", "There is no such file any more.", "Load the page again: it names the new one.")
    headers = {
        "Cache-Control": f"public, max-age={AGE}, immutable",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Vary": "Accept-Encoding",
    }
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(found.body, headers=headers, media_type=found.kind)
    return Response(found.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=found.kind)
