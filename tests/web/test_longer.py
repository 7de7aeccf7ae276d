"""An answer that goes on may take longer than others; one that stands still may not."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from consent.web.answer import LONGER
from consent.web.protocol import Bounds, Guard, GuardedProtocol

ALLOWED = 1.0
CHUNKS = 5
STEP = 0.6
"""Longer than half of what is allowed, since deadlines are looked at every half second."""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Sends a chunk now and then, and renews its time with each where it is asked for `/longer`."""
    longer: Callable[[], None] = scope[LONGER] if scope["path"] == "/longer" else lambda: None

    async def body() -> AsyncIterator[bytes]:
        for _ in range(CHUNKS):
            await asyncio.sleep(STEP)
            longer()
            yield b"x"

    await StreamingResponse(body())(Request(scope).scope, receive, send)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """A server that allows an answer a second."""
    http = functools.partial(GuardedProtocol, Guard(Bounds(answer=ALLOWED)))
    config = uvicorn.Config(app, http=http, port=0, lifespan="off", ws="none", log_level="error")  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn tells it in no other way
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await task


async def read(port: int, path: str) -> bytes:
    """Everything that comes until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    try:
        return await asyncio.wait_for(reader.read(-1), 30)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_an_answer_that_renews_its_time_comes_whole(port: int) -> None:
    """It takes three times as long as is allowed, and every chunk of it comes, with the last that ends it."""
    answer = await read(port, "/longer")

    assert answer.count(b"1\r\nx\r\n") == CHUNKS
    assert answer.endswith(b"0\r\n\r\n")


async def test_one_that_does_not_is_cut_off(port: int) -> None:
    """So that the client knows that it is not whole."""
    answer = await read(port, "/")

    assert not answer.endswith(b"0\r\n\r\n")
