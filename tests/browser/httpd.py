"""Just enough HTTP/1.1 and WebSocket to play every server a page talks to."""

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, unquote

MAX_BODY = 4_000_000
WEBSOCKET_SALT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3


@dataclass(frozen=True)
class Request:
    """One request. Header names are lower case; `target` is path and query as sent."""

    scheme: Literal["http", "https"]
    host: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        return {key: values[-1] for key, values in parse_qs(self.target.partition("?")[2], True).items()}

    @property
    def wants_socket(self) -> bool:
        return self.headers.get("upgrade", "").lower() == "websocket"

    @property
    def destination(self) -> str:
        """`Sec-Fetch-Dest`: what the browser wants it for (`script`, `image`, `iframe` …)."""
        return self.headers.get("sec-fetch-dest", "")


@dataclass
class Response:
    """One answer. `trouble`: `hang` never answers, `reset` closes the connection instead."""

    body: bytes | AsyncIterator[bytes] = b""
    kind: str = "text/html; charset=utf-8"
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    trouble: Literal["", "hang", "reset"] = ""


Handler = Callable[[Request], Awaitable[Response]]


def redirect(location: str, status: int = 302) -> Response:
    return Response(status=status, headers=[("Location", location)])


async def read_request(reader: asyncio.StreamReader, scheme: Literal["http", "https"]) -> Request | None:
    """The next request of a connection; None when the other side is done."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
        return None
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ", 2)
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    body = await reader.readexactly(min(length, MAX_BODY)) if length else b""
    host = headers.get("host", "").partition(":")[0].lower()
    return Request(scheme, host, method, target, headers, body)


async def write_response(writer: asyncio.StreamWriter, response: Response, *, head_only: bool = False) -> None:
    """Send it; a body that is an iterator goes out chunk by chunk as it comes."""
    lines = [f"HTTP/1.1 {response.status} X", f"Content-Type: {response.kind}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    if isinstance(response.body, bytes):
        lines.append(f"Content-Length: {len(response.body)}")
    else:
        lines.append("Transfer-Encoding: chunked")
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    if head_only:
        pass
    elif isinstance(response.body, bytes):
        writer.write(response.body)
    else:
        async for part in response.body:
            writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            await writer.drain()
        writer.write(b"0\r\n\r\n")
    await writer.drain()


async def accept_socket(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> None:
    """Shake hands, greet once, then listen until the other side leaves."""
    key = request.headers.get("sec-websocket-key", "").encode()
    accept = base64.b64encode(hashlib.sha1(key + WEBSOCKET_SALT).digest()).decode()
    writer.write(
        b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept.encode()
    )
    protocol = request.headers.get("sec-websocket-protocol")
    if protocol:
        writer.write(b"\r\nSec-WebSocket-Protocol: " + protocol.split(",")[0].strip().encode())
    writer.write(b"\r\n\r\n\x81\x05hello")
    await writer.drain()
    with contextlib.suppress(OSError):
        while await reader.read(4096):
            pass
