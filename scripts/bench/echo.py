"""The yardstick of `scripts/bench/consent` and `events`: bare Starlette that answers the JSON it was sent."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def echo(request: Request) -> JSONResponse:
    return JSONResponse(await request.json())


app = Starlette(routes=[Route("/v1/demo/{what}", echo, methods=["POST"])])
