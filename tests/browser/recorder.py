"""The recorder: one thread on loopback that is every host there is, and notes all that arrives.

Own hosts are given handlers (`serve`); any other host is foreign and answered by `answers.foreign`. Names, bare
connections, TLS greetings, requests, sockets and STUN packets go to one `Log`.
"""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Coroutine
from typing import Any, Literal, TypeVar

from tests.browser import net
from tests.browser.answers import foreign
from tests.browser.arrivals import Arrival, Kind, Log, now, under
from tests.browser.certs import Authority
from tests.browser.dns import DnsServer, Names
from tests.browser.httpd import Handler, Request, accept_socket, read_request, write_response

T = TypeVar("T")
STUN_PORT = 3478
IP_PKTINFO = 8  # ip(7); Python 3.11 has no name for it
TLS_HANDSHAKE = 0x16


class Recorder:
    """Start it once a session. `port` is 0 in a network of our own, else the one high port that plays 80 and 443."""

    def __init__(self, network: net.Network) -> None:
        self.network = network
        self.log = Log()
        self.names = Names()
        self.authority = Authority()
        self.port = 0
        self._handlers: dict[str, Handler] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self._sockets: list[socket.socket] = []
        self._transports: list[asyncio.BaseTransport] = []
        self._tls = self._tls_context()

    def serve(self, domain: str, handler: Handler) -> None:
        """From now on `handler` answers for `domain` and what is below it."""
        self._handlers[domain] = handler

    def start(self) -> None:
        self._thread.start()
        self.run(self._listen())

    def stop(self) -> None:
        self.run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` in the recorder's thread, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _listen(self) -> None:
        own = self.network.own
        for port in (80, 443) if own else (0,):
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("" if own else "127.0.0.1", port))
            listener.listen(512)
            listener.setblocking(False)
            self._sockets.append(listener)
            self._spawn(self._accept(listener))
        if not own:
            self.port = self._sockets[0].getsockname()[1]
            return
        transport, _ = await self._loop.create_datagram_endpoint(
            lambda: DnsServer(self.names, lambda host: self._note("dns", host)), (net.DNS_ADDRESS, 53)
        )
        self._transports.append(transport)
        self._watch_stun()

    async def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for transport in self._transports:
            transport.close()
        for listener in self._sockets:
            self._loop.remove_reader(listener)
            listener.close()
        await asyncio.sleep(0.1)  # transports close in the loop's next rounds

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _note(self, kind: Kind, host: str, request: Request | None = None) -> None:
        if request is None:
            self.log.add(Arrival(kind, host, now()))
        else:
            self.log.add(Arrival(kind, host, now(), request.method, request.target, request.headers, request.body))

    def _watch_stun(self) -> None:
        """Packets carry no name, but they tell where they went (IP_PKTINFO)."""
        handle = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        handle.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        handle.bind(("", STUN_PORT))
        handle.setblocking(False)
        self._sockets.append(handle)

        def packet() -> None:
            _, ancillary, _, _ = handle.recvmsg(2048, 256)
            for _, kind, data in ancillary:
                if kind == IP_PKTINFO:
                    self._note("udp", self.names.host(socket.inet_ntoa(struct.unpack("=I4s4s", data)[2])))

        self._loop.add_reader(handle, packet)

    def _tls_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["http/1.1"])

        def choose(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            self._note("tls", name or "")
            tls.context = self.authority.context(name or "nameless.test")

        context.sni_callback = choose
        context.load_cert_chain(self.authority.pem("nameless.test"))
        return context

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = await self._loop.sock_accept(listener)
            if self.network.own:
                self._note("tcp", self.names.host(connection.getsockname()[0]))
            self._spawn(self._connection(connection))

    async def _connection(self, connection: socket.socket) -> None:
        """Look at the first byte to tell TLS from plain HTTP, then serve until the other side leaves."""
        connection.setblocking(False)
        transport: asyncio.BaseTransport | None = None
        try:
            await self._readable(connection)
            first = connection.recv(1, socket.MSG_PEEK)
            if first:
                secure = first[0] == TLS_HANDSHAKE
                reader = asyncio.StreamReader(limit=1 << 20)
                protocol = asyncio.StreamReaderProtocol(reader)
                transport, _ = await self._loop.connect_accepted_socket(
                    lambda: protocol, connection, ssl=self._tls if secure else None
                )
                writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
                await self._talk(reader, writer, "https" if secure else "http")
        except (OSError, asyncio.IncompleteReadError):
            pass  # the browser hung up: what arrived is noted
        finally:
            if transport is None:
                connection.close()
            else:
                transport.close()

    async def _readable(self, connection: socket.socket) -> None:
        ready = asyncio.Event()
        self._loop.add_reader(connection, ready.set)
        try:
            await ready.wait()
        finally:
            self._loop.remove_reader(connection)

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, scheme: Literal["http", "https"]
    ) -> None:
        while (request := await read_request(reader, scheme)) is not None:
            self._note("ws" if request.wants_socket else "http", request.host, request)
            if request.wants_socket:
                await accept_socket(reader, writer, request)
                return
            response = await self._handler(request.host)(request)
            if response.trouble == "hang":
                await reader.read()
                return
            if response.trouble == "reset":
                return
            await write_response(writer, response, head_only=request.method == "HEAD")

    def _handler(self, host: str) -> Handler:
        for domain, handler in self._handlers.items():
            if under(host, (domain,)):
                return handler
        return foreign
