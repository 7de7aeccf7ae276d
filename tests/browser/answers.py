"""What the foreign hosts say.

Vendors' scripts live in `vendors/HOST/PATH`, small stand-ins that make the same calls as the real ones, so that chains
are exercised. Any other URL is answered by what the browser wants it for. Every script notes on `__ran` that it ran.
"""

import json
from pathlib import Path

from tests.browser.httpd import Request, Response, redirect

VENDORS = Path(__file__).with_name("vendors")
GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'
# A WAV of no length.
SOUND = bytes.fromhex("524946462400000057415645666d7420100000000100010040 1f0000401f0000010008006461746100000000")
FRAME = "<!doctype html><title>{host}</title><body>{place}</body>"
BY_ENDING = {"js": "script", "css": "style", "gif": "image", "png": "image", "svg": "image", "html": "iframe"}
BY_ENDING |= {"woff2": "font", "vtt": "track", "wav": "audio", "webm": "video", "json": "empty"}


async def foreign(request: Request) -> Response:
    """Answer as a vendor's server plausibly would: right type, open CORS, no errors."""
    if request.method == "OPTIONS":
        return Response(status=204, headers=[*_cors(request), ("Access-Control-Max-Age", "0")])
    response = redirect(request.query["to"]) if request.path == "/redirect" else _content(request)
    response.headers += _cors(request)
    response.headers += [("Cache-Control", "no-store"), ("Cross-Origin-Resource-Policy", "cross-origin")]
    return response


def ran(host: str, path: str) -> str:
    """The line that every script of ours ends with."""
    return f"\n;(self.__ran = self.__ran || []).push({json.dumps(host + path)});\n"


def _cors(request: Request) -> list[tuple[str, str]]:
    origin = request.headers.get("origin")
    asked = request.headers.get("access-control-request-headers")
    headers = [("Access-Control-Allow-Origin", origin or "*"), ("Timing-Allow-Origin", "*")]
    if origin:
        headers += [("Access-Control-Allow-Credentials", "true"), ("Vary", "Origin")]
    if asked:
        headers += [("Access-Control-Allow-Headers", asked), ("Access-Control-Allow-Methods", "GET, POST, PUT")]
    return headers


def _content(request: Request) -> Response:
    file = _vendor_file(request)
    if file is not None:
        return _vendor_answer(request, file)
    wanted = request.destination
    if wanted in ("", "empty"):
        wanted = BY_ENDING.get(request.path.rpartition(".")[2], wanted)
    return _plausible(wanted, request)


def _vendor_file(request: Request) -> Path | None:
    """The stand-in for this URL: the path itself, or with the ending that the vendor's URL leaves out."""
    base = VENDORS / request.host
    if not base.is_dir():
        return None
    path = request.path.strip("/") or "index"
    for name in (path, *(f"{path}.{ending}" for ending in ("js", "html", "css"))):
        file = base / name
        if file.is_file() and file.resolve().is_relative_to(VENDORS):
            return file
    return None


def _vendor_answer(request: Request, file: Path) -> Response:
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".js":
        return Response((text + ran(request.host, request.path)).encode(), "text/javascript; charset=utf-8")
    kinds = {".css": "text/css", ".html": "text/html; charset=utf-8"}
    return Response(text.encode(), kinds.get(file.suffix, "text/plain"))


def _plausible(wanted: str, request: Request) -> Response:
    if wanted in ("script", "worker", "sharedworker", "serviceworker"):
        return Response(ran(request.host, request.path).encode(), "text/javascript")
    if wanted == "style":
        return Response(b".foreign-style { color: inherit }", "text/css")
    if wanted == "image":
        return Response(SVG, "image/svg+xml") if request.path.endswith(".svg") else Response(GIF, "image/gif")
    if wanted in ("audio", "video"):
        return Response(SOUND, "audio/wav")
    if wanted == "track":
        return Response(b"WEBVTT\n\n", "text/vtt")
    if wanted == "font":
        return Response(b"wOF2", "font/woff2")
    if wanted in ("iframe", "frame", "document", "object", "embed"):
        return Response(FRAME.format(host=request.host, place=request.host + request.path).encode())
    if "text/event-stream" in request.headers.get("accept", ""):
        return Response(b"retry: 600000\ndata: hello\n\n", "text/event-stream")
    return Response(b"{}", "application/json")
