"""Host names by reverse DNS, as background work, where a site keeps full addresses: off unless somebody starts it.

A truncated address is never asked for: its name would be another machine's. What is asked goes to the resolver the
operator configured, and so tells it who visits; the reason belongs in the policy (`Keeping.reason`).
"""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from consent.policy.suffixes import registrable_domain
from consent.visitors.address import Keeping
from consent.web.address import parse

Resolver = Callable[[str], Awaitable[str]]
"""The host name of an address; OSError when there is none."""

CACHED = 8_192
WAITING = 256
"""Addresses in the queue; further ones are passed over and may be asked for at their next visit."""

TIMEOUT = 5.0
"""Seconds for one answer."""

KEPT = 86_400_000
"""Milliseconds an answer holds, also that there is none."""


class Reverse:
    """Domains of addresses that were asked for before; `run` asks for the others, one after the other."""

    def __init__(self, resolve: Resolver) -> None:
        self._resolve = resolve
        self._known: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self._queue: asyncio.Queue[str] = asyncio.Queue(WAITING)
        self._asked: set[str] = set()

    def domain(self, address: str, keeping: Keeping, now: int) -> str:
        """The registrable domain of an address's host name, if it is known; else empty, and it is asked for."""
        parsed = parse(address) if keeping.address == "full" else None
        if parsed is None or not parsed.is_global:
            return ""
        text = str(parsed)
        domain, until = self._known.get(text, ("", 0))
        if now >= until and text not in self._asked and not self._queue.full():
            self._asked.add(text)
            self._queue.put_nowait(text)
        return domain if now < until else ""

    async def run(self, clock: Callable[[], int]) -> None:
        """Ask until cancelled; `clock` gives ms. No answer and every fault count as no name."""
        while True:
            address = await self._queue.get()
            try:
                async with asyncio.timeout(TIMEOUT):
                    name = await self._resolve(address)
            except (OSError, TimeoutError, UnicodeError):
                name = ""
            self._known[address] = (_domain(name), clock() + KEPT)
            self._known.move_to_end(address)
            while len(self._known) > CACHED:
                self._known.popitem(last=False)
            self._asked.discard(address)
            self._queue.task_done()


async def system_resolver(address: str) -> str:
    """The machine's own resolver."""
    name, _ = await asyncio.get_running_loop().getnameinfo((address, 0), socket.NI_NAMEREQD)
    return name


def _domain(name: str) -> str:
    name = name.lower().rstrip(".")
    if len(name) > 253 or not name.isascii() or not all(c.isalnum() or c in ".-_" for c in name):
        return ""
    return registrable_domain(name) or ""
