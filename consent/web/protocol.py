"""HTTP/1.1 as uvicorn speaks it, with the bounds it lacks: deadlines, sizes, connections, one request at a time.

Built on uvicorn's httptools protocol, whose inner life is private: the version is bounded, and the tests of sockets
hold it to this. What an endpoint that is open to the web needs.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, cast

import httptools
import msgspec
from starlette.types import Scope
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from consent.errors import Problem
from consent.web.address import Network, parse, place
from consent.web.answer import LONGER, WHOLE
from consent.web.errors import encode
from consent.web.prompt import start


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in seconds."""

    head: int = 16_384  # request line and headers together
    headers: int = 64
    url: int = 2_048
    body: int = 65_536  # of any request; a route may take less
    receipt: float = 5.0  # from a request's first byte to its last, and of idleness between requests
    answer: float = 30.0  # from there until the answer has left
    linger: float = 1.0  # for reading on after a refusal, so that the client hears it
    per_address: int = 128
    connections: int = 8_000
    trusted: tuple[Network, ...] = ()  # proxies: they bring many visitors, and are not counted by address


class Refused(Exception):  # noqa: N818  # it carries a refusal to the one place that sends it
    """This request is not going to be read further."""

    def __init__(self, status: int, code: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.problem = Problem(code, message, remedy, status=status)


def never(_scope: Scope) -> bool:
    """No request."""
    return False


class Guard:
    """What the connections of one server share: how many there are, and who looks at their deadlines.

    `is_prompt` tells of a request whether it is answered as soon as its body is there, mostly without waiting.
    """

    SWEEP = 0.5

    def __init__(self, bounds: Bounds, is_prompt: Callable[[Scope], bool] = never) -> None:
        self.bounds = bounds
        self.is_prompt = is_prompt
        self.draining = False
        self._open: set[GuardedProtocol] = set()
        self._by_host: Counter[str] = Counter()
        self._sweeper: asyncio.TimerHandle | None = None
        self._dated: list[tuple[bytes, bytes]] | None = None
        self._date = b""

    def admit(self, connection: "GuardedProtocol", peer: str) -> bool:
        """Count a connection in, if there is room for it; `dismiss` counts it out."""
        host = self._host(peer)
        crowded = host is not None and self._by_host[host] >= self.bounds.per_address
        if crowded or len(self._open) >= self.bounds.connections:
            return False
        self._open.add(connection)
        if host is not None:
            self._by_host[host] += 1
        if self._sweeper is None:
            self._sweeper = connection.loop.call_later(self.SWEEP, self._sweep, connection.loop)
        return True

    def dismiss(self, connection: "GuardedProtocol", peer: str) -> None:
        """Count a connection out that was admitted."""
        if connection not in self._open:
            return
        self._open.discard(connection)
        host = self._host(peer)
        if host is not None:
            self._by_host[host] -= 1
            if not self._by_host[host]:
                del self._by_host[host]

    def date(self, state: ServerState) -> bytes:
        """The headers that every answer has, as bytes; the server makes them anew each second."""
        if state.default_headers is not self._dated:
            self._dated = state.default_headers
            self._date = b"".join(name + b": " + value + b"\r\n" for name, value in self._dated)
        return self._date

    def _host(self, peer: str) -> str | None:
        """What connections are counted by; None for our own proxies and for Unix sockets."""
        address = parse(peer)
        if address is None:
            return None
        ours = any(address.version == network.version and address in network for network in self.bounds.trusted)
        return None if ours else place(peer).host

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what is overdue. One timer for all connections costs less than a timer for every request."""
        now = loop.time()
        for connection in [one for one in self._open if one.deadline < now]:
            connection.expire()
        self._sweeper = loop.call_later(self.SWEEP, self._sweep, loop) if self._open else None


class GuardedProtocol(HttpToolsProtocol):
    """One connection. `deadline` is when its present phase has to be over, by the loop's clock."""

    def __init__(self, guard: Guard, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._guard = guard
        self._bounds = guard.bounds
        self._peer = ""
        self._head = 0  # bytes received of a head that is not complete; -1 when it is
        self._body = 0  # bytes received of a body
        self._begun = False  # the application has a request whose body is still coming
        self._shut = False  # nothing more is read
        self._whole: Coroutine[Any, Any, None] | None = None  # the application's part, until all of the body is there
        self.deadline = float("inf")

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else ""
        if not self._guard.admit(self, self._peer):
            self._refuse(_busy())
            return
        self.deadline = self.loop.time() + self._bounds.receipt

    def connection_lost(self, exc: Exception | None) -> None:
        self._guard.dismiss(self, self._peer)
        if self._whole is not None:
            self._whole.close()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._shut:
            return
        if self._head >= 0:
            self._head += len(data)
        try:
            self.parser.feed_data(data)
            if self._head > self._bounds.head + self._bounds.url:
                raise _head_too_large()
        except httptools.HttpParserUpgrade:
            self._only_this_answer()  # we speak HTTP/1.1 and nothing else: the offer is ignored (RFC 9110, 7.8)
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, Refused) else _malformed())
        except Refused as refusal:
            self._refuse(refusal)

    def expire(self) -> None:
        """The deadline has passed: close politely, and without a word when that was tried before."""
        if self.transport.is_closing() or (self.cycle is not None and not self.cycle.response_complete):
            self.transport.abort()
        else:
            self.transport.close()
        self.deadline = self.loop.time() + self._bounds.linger

    def shutdown(self) -> None:
        """The server stops: what was asked is answered; an idle connection has a moment for what is on its way."""
        if self.cycle is None or self.cycle.response_complete:
            self.deadline = min(self.deadline, self.loop.time() + 0.25)
        else:
            self.cycle.keep_alive = False

    # The request, as the parser finds it

    def on_message_begin(self) -> None:
        if self.cycle is not None:
            if not self.cycle.response_complete:
                raise Refused(400, "pipelined", "A second request came before the first was answered.", "Wait for it.")
            self.deadline = self.loop.time() + self._bounds.receipt
        self._head = max(self._head, 0)
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head < 0:  # a trailer: nothing after the body may speak as a header
            return
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))
        if len(self.headers) > self._bounds.headers:
            raise _head_too_large()

    def on_headers_complete(self) -> None:
        self._head = -1
        self._check_head()
        self.scope[WHOLE] = self.answer_whole  # type: ignore[literal-required]  # members of our own
        self.scope[LONGER] = self.take_longer  # type: ignore[literal-required]
        super().on_headers_complete()
        self._begun = True
        if self._guard.draining:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        if self._body > self._bounds.body:
            raise _body_too_large(self._bounds.body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._head = 0
        self._begun = False
        super().on_message_complete()
        if self._whole is not None:
            work, self._whole = self._whole, None
            self.loop.call_soon(start, self.loop, work, self.tasks)  # at once, threads would not get their turn
        if not self.cycle.response_complete:
            self.deadline = self.loop.time() + self._bounds.answer

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        """As uvicorn's; but a request that is answered promptly begins when it is whole, and without a task."""
        if self._guard.is_prompt(cast("Scope", self.scope)) and not self.expect_100_continue:
            self._whole = cycle.run_asgi(app)
        else:
            super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """As uvicorn's, without its timer: the sweep ends idle connections."""
        self.server_state.total_requests += 1
        self.deadline = self.loop.time() + self._bounds.receipt
        if not self.transport.is_closing():
            self.flow.resume_reading()

    def take_longer(self) -> None:
        """The answer goes on: what is left of it has the time again that the whole had."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.deadline = self.loop.time() + self._bounds.answer

    def answer_whole(self, head: bytes, body: bytes) -> None:
        """What the application sends as one: written at once, and complete. `head` ends after its last header."""
        cycle = self.cycle
        if cycle.disconnected or cycle.response_started:
            return
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        cycle.message_event.set()
        ending = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        self.transport.write(b"".join((head, self._guard.date(self.server_state), ending, body)))
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _check_head(self) -> None:
        """Raises Refused for a head that is too large or says whose it is in no or in two ways."""
        self._body = 0
        if len(self.url) > self._bounds.url:
            raise Refused(414, "url_too_long", f"The address is longer than {self._bounds.url:,} bytes.", "Shorten it.")
        size, hosts, length = len(self.url), 0, b""
        for name, value in self.headers:
            size += len(name) + len(value)
            if name == b"host":
                hosts += 1
            elif name == b"content-length":
                length = value
            elif name == b"transfer-encoding" and value.lower() != b"chunked":
                raise Refused(400, "coding", "No transfer coding but chunked is read here.", "Send the body plain.")
        if size > self._bounds.head:
            raise _head_too_large()
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() != "1.0"):
            raise Refused(400, "host", "The request needs exactly one Host header.", "Send one (RFC 9112, 3.2).")
        if length and int(length) > self._bounds.body:
            raise _body_too_large(self._bounds.body)

    # Refusals

    def _only_this_answer(self) -> None:
        self._shut = True
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def _refuse(self, refusal: Refused) -> None:
        """Say why, once, then read on for a moment without looking, so that the answer is not lost to a reset."""
        self._shut = True
        unanswered = self.cycle is not None and not self.cycle.response_complete
        if unanswered and not self._begun:
            self.cycle.keep_alive = False  # an earlier request gets its answer first, and then it is over
            return
        if not self._begun or (unanswered and not self.cycle.response_started):
            self.transport.write(_bytes(refusal.problem))
        if unanswered:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self.deadline = self.loop.time() + self._bounds.linger


def _bytes(problem: Problem) -> bytes:
    body = encode(problem)
    lines = [
        f"HTTP/1.1 {problem.status} {_REASONS[problem.status]}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


_REASONS = {
    400: "Bad Request",
    413: "Content Too Large",
    414: "URI Too Long",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


def _malformed() -> Refused:
    return Refused(400, "malformed", "This is not HTTP/1.1 as RFC 9112 has it.", "Send a well-formed request.")


def _head_too_large() -> Refused:
    return Refused(431, "headers_too_large", "The headers are too many or too long.", "Send fewer and shorter ones.")


def _body_too_large(limit: int) -> Refused:
    return Refused(413, "too_large", f"The body is larger than {limit:,} bytes.", "Send less.")


def _busy() -> Refused:
    return Refused(503, "busy", "There are too many connections from this place.", "Close some and try again.")
