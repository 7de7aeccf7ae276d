"""A name server that knows every name, and notes who asked.

Each name gets an address of its own from 198.18.0.0/15, for the whole run. Just enough of RFC 1035 for A queries;
everything else (AAAA, HTTPS, …) is answered with "no such record", so that browsers stay with IPv4.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast

from tests.browser import net

TYPE_A = 1


class Names:
    """The book of names: host to address and back."""

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}
        self._hosts: dict[str, str] = {}
        self._missing: set[str] = set()

    def address(self, host: str) -> str:
        """The address of `host`, made up at the first question."""
        known = self._addresses.get(host)
        if known is None:
            number = len(self._addresses) + 256
            known = socket.inet_ntoa((struct.unpack("!I", socket.inet_aton(net.RANGE))[0] + number).to_bytes(4, "big"))
            self._addresses[host] = known
            self._hosts[known] = host
        return known

    def host(self, address: str) -> str:
        """The host that lives at `address`; the address itself when nobody asked for it by name."""
        return self._hosts.get(address, address)


class DnsServer(asyncio.DatagramProtocol):
    """Answers at `DNS_ADDRESS:53`; calls `on_query(host)` for each question about an address."""

    def __init__(self, names: Names, on_query: Callable[[str], None]) -> None:
        self.names = names
        self.on_query = on_query
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self.answer(data)
        if answer and self.transport:
            self.transport.sendto(answer, addr)

    def answer(self, query: bytes) -> bytes:
        """The reply to one packet; empty for what is not a question."""
        if len(query) < 17:
            return b""
        host, end = _name(query, 12)
        kind = struct.unpack("!H", query[end : end + 2])[0]
        self.on_query(host)
        question = query[12 : end + 4]
        head = query[:2] + struct.pack("!HHHHH", 0x8580, 1, 1 if kind == TYPE_A else 0, 0, 0)
        if kind != TYPE_A:
            return head + question
        record = struct.pack("!HHHIH", 0xC00C, TYPE_A, 1, 300, 4) + socket.inet_aton(self.names.address(host))
        return head + question + record


def _name(packet: bytes, start: int) -> tuple[str, int]:
    labels = []
    while packet[start]:
        labels.append(packet[start + 1 : start + 1 + packet[start]].decode("ascii", "replace"))
        start += 1 + packet[start]
    return ".".join(labels).lower(), start + 1
