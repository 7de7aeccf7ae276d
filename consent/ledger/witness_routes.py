"""POST /add-checkpoint: the HTTP face of a witness (C2SP tlog-witness)."""

import asyncio
import time
from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consent.errors import Problem, TooMany
from consent.ledger.witnessing import MAX_BODY, Witness
from consent.web.address import Network, client, place
from consent.web.body import Gone, read_body
from consent.web.errors import on_gone, on_problem
from consent.web.limits import Buckets

RATE = 100
"""Requests a minute from one household: an install asks three times a minute, twice where it has lost its place."""


def create_witness(
    witness: Witness, trusted: Sequence[Network] = (), clock: Callable[[], float] = time.monotonic
) -> Starlette:
    """A witness as an ASGI application; `trusted` are the proxies that are believed who asks."""
    households = Buckets(RATE)

    async def add_checkpoint(request: Request) -> Response:
        peer = request.client.host if request.client else ""
        who = place(client(peer, request.headers.getlist("x-forwarded-for"), trusted))
        if wait := households.take(who.host, clock()):
            raise TooMany(wait)
        body = await read_body(request.receive, MAX_BODY)
        told = await asyncio.to_thread(witness.add_checkpoint, body)
        return Response(told.text, told.status, headers={"Content-Type": told.kind, "Cache-Control": "no-store"})

    return Starlette(
        routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"])],
        exception_handlers={Problem: on_problem, Gone: on_gone},
    )
