"""POST /add-checkpoint: the HTTP face of a witness (C2SP tlog-witness)."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consent.errors import Problem
from consent.ledger.witnessing import MAX_BODY, Witness
from consent.web.body import Gone, read_body
from consent.web.errors import on_gone, on_problem


def create_witness(witness: Witness) -> Starlette:
    """A witness as an ASGI application."""

    async def add_checkpoint(request: Request) -> Response:
        body = await read_body(request.receive, MAX_BODY)
        told = await asyncio.to_thread(witness.add_checkpoint, body)
        return Response(told.text, told.status, headers={"Content-Type": told.kind, "Cache-Control": "no-store"})

    return Starlette(
        routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"])],
        exception_handlers={Problem: on_problem, Gone: on_gone},
    )
