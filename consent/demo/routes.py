"""GET /demo/: a shop's page with vendors' own markup, and our snippet first in its head."""

from functools import cache
from html import escape
from importlib import resources

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute

from consent.config import Config
from consent.delivery.published import Publications
from consent.delivery.routes import unknown_site
from consent.delivery.snippet import render
from consent.demo.demo import KEY
from consent.web.gate import Open, route

_PLAIN = {
    "newsletter": ("Thank you", "This is a demonstration: your address was not stored, and nothing was sent."),
    "privacy": ("Privacy", "A real shop explains here what it does with personal data, and names whom to ask."),
    "imprint": ("Imprint", "A real shop says here who runs it, and how it can be reached."),
}


HEADERS = {
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "base-uri 'none'; frame-ancestors 'none'",
}
"""What the page may load is for the snippet in it to say."""


class Demo:
    """The demo's pages. They read the policy as published, so that what they show is what is served."""

    def __init__(self, config: Config, published: Publications) -> None:
        self._config = config
        self._published = published

    def routes(self) -> list[BaseRoute]:
        """Every path of this room, for the app's one list."""
        return [
            route("/demo/", self.shop, methods=["GET"], needs=Open.PUBLIC),
            route("/demo/style.css", self.style, methods=["GET"], needs=Open.PUBLIC),
            route("/demo/newsletter", self.plain, methods=["POST"], needs=Open.VISITOR),
            route("/demo/privacy", self.plain, methods=["GET"], needs=Open.PUBLIC),
            route("/demo/imprint", self.plain, methods=["GET"], needs=Open.PUBLIC),
        ]

    async def shop(self, request: Request) -> Response:
        """The shop."""
        return self._page("page.html")

    async def plain(self, request: Request) -> Response:
        """A page of one sentence."""
        title, text = _PLAIN[request.url.path.rpartition("/")[2]]
        return self._page("plain.html", title=title, text=text)

    async def style(self, request: Request) -> Response:
        """The shop's style sheet."""
        return Response(_file("style.css"), media_type="text/css", headers={"Cache-Control": "public, max-age=300"})

    def _page(self, name: str, **words: str) -> Response:
        version = self._published.current(KEY)
        if version is None:
            raise unknown_site(KEY)
        page = _file(name).replace("{{snippet}}", render(version, self._config).text)
        for word, text in words.items():
            page = page.replace(f"{{{{{word}}}}}", escape(text))
        return HTMLResponse(page, headers=HEADERS)


@cache
def _file(name: str) -> str:
    return (resources.files("consent.demo") / name).read_text("utf-8")
