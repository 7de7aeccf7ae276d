"""Fetches one page of a site's own, to see whether our lines are on it; nothing else can be reached through it (SSRF).

Only origins that the policy names, http and https. The name is looked up once, every address of it must be a public
one, and the connection goes to the address that was looked at (docs/reference.md, Limits).
"""

import asyncio
import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Collection
from urllib.parse import urljoin, urlsplit

from consent.errors import Problem

MOST = 1_000_000
"""Bytes of a page that are read: our lines stand in its head."""

SECONDS = 10.0
"""For everything."""

HOPS = 3
"""Redirects that are followed, each only to an origin of the policy."""

LONGEST = 2_000
"""Characters of an address."""

_DENIED = tuple(
    ipaddress.ip_network(one)
    for one in (
        "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "::ffff:0:0/96", "192.0.0.0/24",
        "192.88.99.0/24", "224.0.0.0/4", "ff00::/8", "fec0::/10",
    )
)  # fmt: skip
"""Not public, or the way to what is not, though Python's `is_global` lets some of them pass."""

Look = Callable[[str, int], list[str]]
"""Host and port to addresses."""


async def fetch(url: str, origins: Collection[str], *, own: Collection[str] = (), look: Look | None = None) -> str:
    """The markup of a page. Raises Problem with what stood in the way.

    Args:
        url: its address, of one of the origins.
        origins: of the policy.
        own: this service's own origins, which may be on this machine (the demo).
        look: how names are looked up.
    """
    return await asyncio.to_thread(_fetch, url, frozenset(origins), frozenset(own), look or _look)


def public(address: str) -> bool:
    """Whether an address is one of the public internet."""
    found = ipaddress.ip_address(address.partition("%")[0])
    return found.is_global and not any(found.version == one.version and found in one for one in _DENIED)


def _fetch(url: str, origins: frozenset[str], own: frozenset[str], look: Look) -> str:
    ending = time.monotonic() + SECONDS
    try:
        for _ in range(HOPS + 1):
            answer = _once(_checked(url, origins), own, look, ending)
            if isinstance(answer, str):
                return answer
            url = urljoin(url, answer.get("location", ""))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _refused(
            f"The page could not be fetched: {type(error).__name__}.", "Is it up, and its name right?"
        ) from error
    raise _refused("The page only leads to others.", "Name the page at which they end.")


def _checked(url: str, origins: frozenset[str]) -> str:
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    if len(url) > LONGEST or parts.username is not None or origin not in origins or not url.isascii():
        raise _refused(
            "Only pages of the policy's own origins are looked at.", f"Such as {next(iter(sorted(origins)), '')}/."
        )
    return url


def _once(url: str, own: frozenset[str], look: Look, ending: float) -> str | http.client.HTTPMessage:
    """One request: the markup, or the headers of a redirect."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    addresses = look(host, port)
    ours = f"{parts.scheme}://{parts.netloc}".lower() in own
    if not addresses or not (ours or all(public(one) for one in addresses)):
        raise _refused(
            f"{host} is not on the public internet as seen from here.",
            "Look at the page's source in your browser instead: the lines belong first into <head>.",
        )
    connection = _connect(host, addresses[0], port, secure=secure, ending=ending)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Host": parts.netloc, "Accept": "text/html", "User-Agent": "consent-check", "Connection": "close"}
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        if answer.status in (301, 302, 303, 307, 308):
            return answer.headers
        if answer.status != 200:
            raise _refused(f"The page answers with status {answer.status}.", "Name one that anybody can open.")
        return _read(answer, ending).decode("utf-8", "replace")
    finally:
        connection.close()


def _connect(host: str, address: str, port: int, *, secure: bool, ending: float) -> http.client.HTTPConnection:
    """A connection to the address that was looked at; a certificate must be of the host all the same."""
    left = max(0.1, ending - time.monotonic())
    connection = http.client.HTTPConnection(host, port, timeout=left)
    raw = socket.create_connection((address, port), timeout=left)
    try:
        connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=host) if secure else raw
    except OSError:
        raw.close()
        raise
    return connection


def _read(answer: http.client.HTTPResponse, ending: float) -> bytes:
    body = bytearray()
    while len(body) < MOST and time.monotonic() < ending:
        part = answer.read1(min(65_536, MOST - len(body)))
        if not part:
            break
        body += part
    return bytes(body)


def _look(host: str, port: int) -> list[str]:
    return [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _refused(says: str, remedy: str) -> Problem:
    return Problem("not_looked_at", says, remedy, field="url")
