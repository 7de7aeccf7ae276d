"""The consent service under test: `consent serve` in a process of its own, behind the recorder's TLS.

The recorder answers for `https://consent.test` and passes requests on, so that a test can also let the service be
stopped, failing, talking rubbish or hanging, without losing the process.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from tests.browser.httpd import Request, Response

HOST = "consent.test"
BASE = f"https://{HOST}"
SITE = "shop"
POLICY = Path(__file__).with_name("policy.toml")
Health = Literal["up", "stopped", "failing", "rubbish", "hanging"]
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-type", "date", "server"}


class Service:
    """Starts the service with a store of its own; `health` says how it shows itself to browsers."""

    def __init__(self, base: str = BASE, policies: Sequence[Path] = (POLICY,)) -> None:
        self.health: Health = "up"
        self.base = base
        self.policies = policies
        self.headers: dict[str, str] = {}  # that the proxy before it adds
        self.folder = Path(tempfile.mkdtemp(prefix="consent-service-"))
        self.data = self.folder / "data"
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Publish the policy and serve it; returns when the service says that it is ready."""
        for policy in self.policies:
            self.run("policy", "publish", str(policy))
        log = (self.folder / "serve.log").open("ab")
        command = [*self.program(), "serve", "--host", "127.0.0.1", "--port", str(self.port), "--data", str(self.data)]
        self.process = subprocess.Popen(command, env=self._environment(), stdout=log, stderr=log, cwd=self.folder)
        log.close()
        deadline = time.monotonic() + 20
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"consent serve did not start:\n{(self.folder / 'serve.log').read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def run(self, *arguments: str) -> str:
        """Run `consent ARGUMENTS` on the same store, and return what it prints."""
        command = [_program(), *arguments]
        done = subprocess.run(
            command, env=self._environment(), cwd=self.folder, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"consent {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def program(self) -> list[str]:
        """What serves."""
        return [_program()]

    def snippet(self, variant: str, site: str = SITE) -> str:
        """The lines to paste, as the command line prints them."""
        answer: dict[str, Any] = json.loads(self.run("snippet", site, "--variant", variant, "--json"))
        return str(answer["text"])

    def records(self) -> list[dict[str, Any]]:
        """The log, oldest first."""
        answer = json.loads(self.run("log", SITE, "--limit", "1000", "--json"))
        return list(answer["records"])

    async def answer(self, request: Request) -> Response:
        """What a browser gets from the service, `https://consent.test` where nothing else is said."""
        if self.health == "stopped":
            return Response(trouble="reset")
        if self.health == "hanging":
            return Response(trouble="hang")
        if self.health == "failing":
            return Response(b"down", "text/plain", 500, [("Access-Control-Allow-Origin", "*")])
        if self.health == "rubbish":
            return Response(b"<html>captive portal</html>", "text/html", 200, [("Access-Control-Allow-Origin", "*")])
        return await self._pass_on(request)

    async def _pass_on(self, request: Request) -> Response:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        headers = {**request.headers, "connection": "close", "x-forwarded-proto": "https"}
        headers |= {"x-forwarded-for": "203.0.113.50", **self.headers}
        lines = [
            f"{request.method} {request.target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + request.body)
        await writer.drain()
        raw = await reader.read()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return _parse(raw)

    def _ready(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as line:
                line.sendall(b"GET /readyz HTTP/1.1\r\nHost: consent.test\r\nConnection: close\r\n\r\n")
                return b" 200 " in line.recv(64)
        except OSError:
            return False

    def _environment(self) -> dict[str, str]:
        own = {"CONSENT_PUBLIC_URL": self.base, "CONSENT_TRUSTED_PROXIES": "127.0.0.1", "CONSENT_DATA": str(self.data)}
        others = {name: value for name, value in os.environ.items() if not name.startswith("CONSENT_")}
        return others | own | {"PYTHONUNBUFFERED": "1"}


def _program() -> str:
    """`consent`, as installed beside this Python."""
    return str(Path(sys.executable).with_name("consent"))


def _free_port() -> int:
    with socket.socket() as handle:
        handle.bind(("127.0.0.1", 0))
        return int(handle.getsockname()[1])


def _parse(raw: bytes) -> Response:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    lower = {name.lower(): value for name, value in pairs}
    if lower.get("transfer-encoding") == "chunked":
        body = _unchunked(body)
    kept = [(name, value) for name, value in pairs if name.lower() not in HOP_BY_HOP]
    return Response(body, lower.get("content-type", "text/plain"), int(first.split(" ")[1]), kept)


def _unchunked(body: bytes) -> bytes:
    parts = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        parts.append(rest[:length])
        body = rest[length + 2 :] if length else b""
    return b"".join(parts)
