"""The site's own servers: `shop.test` and what is below it.

A page's URL is `https://shop.test/VARIANT/NAME`: the same page of `site/` with another snippet at its top, so that
links and forms stay within a variant. `bare` has none. Pages of two variants are compared by
NAME.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.browser.answers import GIF, ran
from tests.browser.httpd import Request, Response, redirect

SITE = Path(__file__).with_name("site")
HOST = "shop.test"
BANK = "pay.bank.test"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css"}
TYPES |= {".gif": "image/gif", ".woff2": "font/woff2", ".json": "application/json", ".svg": "image/svg+xml"}


@dataclass
class Variant:
    """How pages are served under one first path segment."""

    snippet: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    transform: Callable[[str], str] = str
    nonce: str = ""


Generator = Callable[[Request], str]


class Site:
    """The web server of the site. Tests add variants and generated pages by name."""

    def __init__(self) -> None:
        self.variants: dict[str, Variant] = {"bare": Variant()}
        self.generated: dict[str, Generator] = {}
        self._transformed: dict[tuple[str, str], str] = {}

    def url(self, name: str, variant: str = "bare", host: str = HOST) -> str:
        return f"https://{host}/{variant}/{name}"

    async def answer(self, request: Request) -> Response:
        """Serve a page, a file, or one of the site's functions (`FUNCTIONS`)."""
        variant_name, _, name = request.path.lstrip("/").partition("/")
        variant = self.variants.get(variant_name)
        if variant is None:
            return Response(b"not here", status=404)
        if name in FUNCTIONS:
            return await FUNCTIONS[name](request)
        if name in self.generated:
            return self._page(self.generated[name](request), variant_name, request)
        file = SITE / name
        if not file.is_file() or not file.resolve().is_relative_to(SITE):
            return Response(b"not here", status=404)
        if file.suffix == ".html":
            return self._page(file.read_text(encoding="utf-8"), variant_name, request)
        body = file.read_bytes() + (ran(request.host, request.path).encode() if file.suffix == ".js" else b"")
        return Response(body, TYPES.get(file.suffix, "application/octet-stream"), headers=_open(request))

    def _page(self, text: str, name: str, request: Request) -> Response:
        variant = self.variants[name]
        text = text.replace("{{snippet}}", variant.snippet).replace("{{nonce}}", variant.nonce)
        text = text.replace("{{variant}}", name)
        if variant.transform is not str:
            key = (name, text)
            if key not in self._transformed:
                self._transformed[key] = variant.transform(text)
            text = self._transformed[key]
        chunks = int(request.query.get("chunks", "1"))
        body = text.encode() if chunks == 1 else _slowly(text.encode(), chunks)
        return Response(body, headers=[*variant.headers, ("Cache-Control", "no-cache")])


def _open(request: Request) -> list[tuple[str, str]]:
    """Own files may be read by the site's other hosts (fonts and modules need it), and are asked for each time."""
    return [
        ("Access-Control-Allow-Origin", request.headers.get("origin", "*")),
        ("Service-Worker-Allowed", "/"),
        ("Cache-Control", "no-store"),
    ]


async def _slowly(body: bytes, chunks: int) -> AsyncIterator[bytes]:
    """As a server sends that renders while it goes: a piece each 60 ms."""
    size = len(body) // chunks + 1
    for start in range(0, len(body), size):
        yield body[start : start + size]
        await asyncio.sleep(0.06)


async def _checkout(request: Request) -> Response:
    """Payment by redirect: an own POST, answered with 303 to the bank."""
    return redirect(f"https://{BANK}/3ds?order=1", 303) if request.method == "POST" else Response(b"", status=405)


async def _newsletter(request: Request) -> Response:
    text = f"<!doctype html><title>Thank you</title><body><p id=thanks>{len(request.body)}</p>"
    return Response(text.encode())


async def _go(request: Request) -> Response:
    """An own URL that redirects anywhere."""
    return redirect(request.query["to"])


async def _slow(request: Request) -> Response:
    """An own script that takes its time, and holds the parser up."""
    await asyncio.sleep(int(request.query.get("ms", "700")) / 1000)
    return Response(
        ran(request.host, request.path).encode(), "text/javascript", headers=[("Cache-Control", "no-store")]
    )


async def _style(request: Request) -> Response:
    """An own style sheet that asks for something foreign: `import` or `image`."""
    url = request.query["u"]
    rule = (
        f"@import url({url});"
        if request.query["by"] == "import"
        else f"#{request.query['id']}{{background:url({url})}}"
    )
    return Response(rule.encode(), "text/css")


async def _worker(request: Request) -> Response:
    """An own worker file that asks for something foreign."""
    url = request.query["u"]
    return Response(f"try{{{request.query['by']}('{url}')}}catch(e){{}}".encode(), "text/javascript")


async def _frame(request: Request) -> Response:
    """An own document, without the snippet, that shows something foreign."""
    return Response(f"<!doctype html><title>own</title><body><img src='{request.query['u']}'>".encode())


async def _gif(_: Request) -> Response:
    return Response(GIF, "image/gif")


FUNCTIONS = {
    "checkout": _checkout,
    "newsletter": _newsletter,
    "go": _go,
    "slow.js": _slow,
    "style": _style,
    "worker": _worker,
    "frame": _frame,
    "pixel.gif": _gif,
}
