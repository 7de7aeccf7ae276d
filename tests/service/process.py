"""The service as a process of its own: `consent serve`, with a real uvicorn on a free port."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, Self

from consent.policy.queries import Version
from tests.records.shop import ORIGIN, config_in, raw, shop_in

PROGRAM = [str(Path(sys.executable).with_name("consent"))]
GENEROUS = {"CONSENT_RATE_ADDRESS": "1000000", "CONSENT_RATE_SITE": "1000000", "CONSENT_CONNECTIONS_ADDRESS": "4000"}


class Answer(NamedTuple):
    """One HTTP answer, read to its end."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Service:
    """Started and stopped by hand; `kill` is as the power going."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.config = config_in(folder)
        self.environment = environment
        self.process: subprocess.Popen[str] | None = None
        self.told: dict[str, Any] = {}
        self.port = 0
        self.version: Version | None = None

    async def publish(self, **replaced: str) -> Version:
        self.version = await shop_in(self.config, **replaced)
        return self.version

    def body(self, **changes: Any) -> bytes:
        """What the shop's visitors send."""
        assert self.version is not None
        return raw(self.version, **changes)

    async def start(self) -> None:
        """Start it and wait until it says where it listens."""
        self.process = await asyncio.to_thread(self._start)
        assert self.process.stdout is not None
        line = await asyncio.to_thread(self.process.stdout.readline)
        if not line:
            raise RuntimeError(f"the service did not start: {(self.folder / 'messages').read_text()}")
        self.told = json.loads(line)
        self.port = int(self.told["logs"][0]["url"].split(":")[2].split("/")[0])

    def command(self) -> list[str]:
        """What is run."""
        return [*PROGRAM, "serve", "--port", "0", "--data", str(self.config.data), "--json"]

    def _start(self) -> subprocess.Popen[str]:
        env = {**os.environ, **self.environment}
        with (self.folder / "messages").open("a") as messages:
            return subprocess.Popen(
                self.command(), env=env, stdout=subprocess.PIPE, stderr=messages, text=True, cwd=self.folder
            )

    async def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        assert self.process is not None
        self.process.kill()
        await asyncio.to_thread(self._bury, self.process)

    def _bury(self, process: subprocess.Popen[str]) -> None:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
        self.process = None

    async def stop(self, seconds: float = 15) -> int:
        """SIGTERM, and wait; the exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.to_thread(self.process.wait, seconds)
        finally:
            self._bury(self.process)

    @property
    def messages(self) -> str:
        """What it wrote for its operator."""
        return (self.folder / "messages").read_text()

    async def connect(self, near: str = "127.0.0.1") -> "Line":
        """A connection, from an address of this machine."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(near, 0))
        return Line(reader, writer)

    async def get(self, path: str, near: str = "127.0.0.1", **headers: str) -> Answer:
        async with await self.connect(near) as line:
            return await line.ask("GET", path, b"", headers)

    async def log(self) -> list[dict[str, Any]]:
        """All records of the shop, page by page."""
        token = next(log["token"] for log in self.told["logs"] if log["site"] == "shop")
        records: list[dict[str, Any]] = []
        after: str | None = ""
        async with await self.connect() as line:
            while after is not None:
                path = "/v1/shop/log?limit=1000" + (f"&after={after}" if after else "")
                page = (await line.ask("GET", path, b"", {"authorization": f"Bearer {token}"})).json
                records += page["records"]
                after = page["next"]
        return records


class Line:
    """One connection; requests on it follow each other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """Send a request, read the whole answer. Raises EOFError or OSError when there is none."""
        every = {"host": "consent.example", "content-length": str(len(body)), **(headers or {})}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in every.items()), "", ""]
        self.writer.write("\r\n".join(lines).encode("latin-1") + body)
        await self.writer.drain()
        return await self.answer(method)

    async def post(self, body: bytes, path: str = "/v1/shop/consent") -> Answer:
        return await self.ask("POST", path, body, {"origin": ORIGIN, "content-type": "application/json"})

    async def answer(self, method: str = "GET") -> Answer:
        """The next answer, to its last byte: an answer that was cut off is none."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        length = 0 if method == "HEAD" else int(headers.get("content-length", "0"))
        return Answer(int(head[0].split(" ")[1]), headers, await self.reader.readexactly(length))

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def rest(self, seconds: float = 8) -> bytes:
        """All that comes until the other side closes."""
        async with asyncio.timeout(seconds):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except OSError:
            return


def free_socket() -> socket.socket:
    """A listening socket that somebody else has."""
    found = socket.socket()
    found.bind(("127.0.0.1", 0))
    found.listen()
    return found
