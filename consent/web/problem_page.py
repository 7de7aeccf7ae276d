"""How errors read in a browser: a page where somebody reads pages, else JSON."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from consent.errors import Problem
from consent.web import errors
from consent.web.pages import Templates

PAGES = ("/sites", "/account", "/operators", "/access", "/reports/", "/letters/")
"""Where the addresses of pages for people begin."""

_TEMPLATES = Templates()


async def on_problem(request: Request, error: Exception) -> Response:
    """Answer what a route found wrong."""
    assert isinstance(error, Problem)
    return _said(request, error)


async def on_http(request: Request, error: Exception) -> Response:
    """Answer what routing found wrong: no such path, or not this method."""
    assert isinstance(error, HTTPException)
    return _said(request, errors.unrouted(request, error))


def _said(request: Request, error: Problem) -> Response:
    path, accepted = request.url.path, request.headers.get("accept", "")
    if not path.startswith(PAGES) or path.endswith(".json") or "text/html" not in accepted:
        return errors.respond(error)
    title = "Not found" if error.status == 404 else "This cannot be shown"
    return _TEMPLATES.render("problem.html", title=title, status=error.status, headers=error.headers, problem=error)
