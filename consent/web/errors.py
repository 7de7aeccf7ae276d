"""How errors read on the network: JSON with a remedy, and nothing about our insides."""

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from consent.errors import Problem
from consent.web.body import Gone

FAULT = Problem(
    "fault",
    "The service made a mistake.",
    "Try again later; the service's own messages tell its operator what happened.",
    status=500,
)


def encode(problem: Problem) -> bytes:
    """The JSON face of a problem."""
    return msgspec.json.encode(problem.face())


def respond(problem: Problem) -> Response:
    """A problem as an answer."""
    headers = {"Cache-Control": "no-store", **problem.headers}
    return Response(encode(problem), problem.status, headers, "application/json")


async def on_problem(_: Request, error: Exception) -> Response:
    """Answer what a route found wrong."""
    assert isinstance(error, Problem)
    return respond(error)


def unrouted(request: Request, error: HTTPException) -> Problem:
    """What routing found wrong: no such path, or not this method."""
    if error.status_code == 405:
        allowed = sorted((error.headers or {}).get("Allow", "").split(", "))
        sentence = f"This address does not take {request.method[:20]}."
        problem = Problem("method", sentence, f"It takes {', '.join(allowed)}.", status=405)
        problem.headers["Allow"] = ", ".join(allowed)
        return problem
    remedy = "See /openapi.json for every address of this service."
    return Problem("not_found", "There is nothing at this address.", remedy, status=error.status_code)


async def on_gone(_: Request, error: Exception) -> Response:
    """The client left: nobody reads this, and it is nothing to log."""
    assert isinstance(error, Gone)
    return Response(status_code=400)


async def on_fault(_: Request, __: Exception) -> Response:
    """Answer a fault of ours. What it was goes to the operator's log, where the server writes it, and not here."""
    return respond(FAULT)
