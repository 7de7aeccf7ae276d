"""A request that begins without a task: when it is whole, as far as it need not wait, and never but for those told."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from consent.web.prompt import start
from consent.web.protocol import Bounds, Guard, GuardedProtocol

Tasks = set[asyncio.Task[None]]


class TestStart:
    """A coroutine that begins at once."""

    async def test_what_does_not_wait_is_over_at_once(self) -> None:
        done: list[str] = []

        async def work() -> None:
            done.append("all")

        tasks: Tasks = set()
        start(asyncio.get_running_loop(), work(), tasks)

        assert done == ["all"]
        assert tasks == set()

    async def test_what_waits_goes_on_in_a_task(self) -> None:
        """It gets what it waited for, may wait again, with a time limit, and is let go of at its end."""
        done: list[object] = []
        loop = asyncio.get_running_loop()
        first, second = loop.create_future(), loop.create_future()

        async def work() -> None:
            done.append(await first)
            async with asyncio.timeout(10):
                done.append(await second)
            await asyncio.sleep(0)
            done.append(asyncio.current_task() in tasks)

        tasks: Tasks = set()
        start(loop, work(), tasks)
        [task] = tasks
        first.set_result(1)
        await asyncio.sleep(0.01)
        assert done == [1]
        second.set_result(2)
        await task

        assert done == [1, 2, True]
        assert tasks == set()

    async def test_faults_are_its_own(self) -> None:
        """What it raises at once is raised; what it waited for and failed is raised in it; later ones end the task."""
        heard: list[str] = []
        loop = asyncio.get_running_loop()
        failing = loop.create_future()

        async def at_once() -> None:
            raise ValueError("at once")

        async def later() -> None:
            try:
                await failing
            except OSError as error:
                heard.append(str(error))
            raise ValueError("later")

        tasks: Tasks = set()
        with pytest.raises(ValueError, match="at once"):
            start(loop, at_once(), tasks)
        start(loop, later(), tasks)
        [task] = tasks
        failing.set_exception(OSError("awaited"))
        with pytest.raises(ValueError, match="later"):
            await task

        assert heard == ["awaited"]

    async def test_it_hears_that_it_is_cancelled(self) -> None:
        heard: list[str] = []

        async def work() -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                heard.append("cancelled")
                raise

        tasks: Tasks = set()
        start(asyncio.get_running_loop(), work(), tasks)
        [task] = tasks
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert heard == ["cancelled"]


class Told:
    """An application that answers with the body it got, and notes whether it began in a task."""

    def __init__(self) -> None:
        self.began: list[bool] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.began.append(asyncio.current_task() is not None)
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


class Server:
    """A server of `Told` that answers posts promptly."""

    def __init__(self) -> None:
        self.app = Told()
        guard = Guard(Bounds(receipt=1), lambda scope: scope["method"] == "POST")
        http: Callable[..., GuardedProtocol] = functools.partial(GuardedProtocol, guard)
        config = uvicorn.Config(self.app, http=http, port=0, lifespan="off", ws="none", log_level="error")  # type: ignore[arg-type]
        self.uvicorn = uvicorn.Server(config)

    @property
    def port(self) -> int:
        return int(self.uvicorn.servers[0].sockets[0].getsockname()[1])

    async def ask(self, *parts: bytes) -> bytes:
        """Send these bytes one after another; all that comes until the connection ends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in parts:
                writer.write(part)
                await asyncio.sleep(0.05)
            return await asyncio.wait_for(reader.read(-1), 30)
        finally:
            writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    task = asyncio.create_task(server.uvicorn.serve())
    while not server.uvicorn.started:  # noqa: ASYNC110  # uvicorn tells it in no other way
        await asyncio.sleep(0.01)
    yield server
    server.uvicorn.should_exit = True
    await task


HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 6\r\n"


class TestRequests:
    """The same over real sockets."""

    async def test_only_those_told_begin_without_a_task(self, server: Server) -> None:
        assert (await server.ask(HEAD + b"\r\nabcdef")).endswith(b"\r\n\r\nabcdef")
        assert (await server.ask(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).startswith(
            b"HTTP/1.1 200 "
        )

        assert server.app.began == [False, True]

    async def test_it_begins_when_all_of_it_is_there(self, server: Server) -> None:
        """In pieces, and in chunks."""
        chunked = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert (await server.ask(HEAD, b"\r\nab", b"cdef")).endswith(b"\r\n\r\nabcdef")
        assert (await server.ask(chunked, b"3\r\nabc\r\n", b"3\r\ndef\r\n0\r\n\r\n")).endswith(b"\r\n\r\nabcdef")

        assert server.app.began == [False, False]

    async def test_who_waits_to_be_asked_is_asked(self, server: Server) -> None:
        """RFC 9110, 10.1.1: the body comes only after `100 Continue`."""
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(HEAD + b"Expect: 100-continue\r\n\r\n")
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).startswith(b"HTTP/1.1 100 ")
        writer.write(b"abcdef")

        assert (await asyncio.wait_for(reader.read(-1), 30)).endswith(b"\r\n\r\nabcdef")
        writer.close()

    async def test_what_never_becomes_whole_never_begins(self, server: Server) -> None:
        """Who leaves, who is too slow, and who goes on with what is no HTTP; then others are served."""
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(HEAD + b"\r\nab")
        await asyncio.sleep(0.05)
        writer.close()
        assert await server.ask(HEAD + b"\r\nab") == b""
        broken = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
        assert (await server.ask(broken, b"nonsense\r\n")).startswith(b"HTTP/1.1 400 ")
        assert server.app.began == []

        assert (await server.ask(HEAD + b"\r\nabcdef")).endswith(b"abcdef")

    async def test_requests_follow_each_other(self, server: Server) -> None:
        """On one connection, the second after the first was answered."""
        kept = HEAD.replace(b"Connection: close\r\n", b"")
        found = await server.ask(kept + b"\r\nabcdef", HEAD + b"\r\nghijkl")

        assert found.count(b"HTTP/1.1 200 ") == 2
        assert found.endswith(b"ghijkl")
