"""Whose request it is: the right-most hop that no trusted proxy vouches for. Nothing is believed by default."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_HOPS = 20
"""Hops looked at, from the right. What stands further left was written by whoever sent the request."""


class Place(NamedTuple):
    """What limits count by: one household (IPv4 address, IPv6 /64) and the network around it (/24, /48)."""

    host: str
    network: str


@lru_cache(maxsize=8192)
def place(text: str) -> Place:
    """The place of an address; of what is no address (a Unix socket) the text itself."""
    address = parse(text)
    if address is None:
        return Place(text, text)
    host, network = (32, 24) if address.version == 4 else (64, 48)
    return Place(str(ip_network((address, host), strict=False)), str(ip_network((address, network), strict=False)))


def parse(text: str) -> Address | None:
    """An address as proxies write it, also with a port or in brackets; None for everything else, zones included."""
    text = text.strip()
    if text.startswith("["):
        text, closed, port = text[1:].partition("]")
        if not closed or (port and not (port.startswith(":") and port[1:].isdecimal())):
            return None
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
        if not port.isdecimal():
            return None
    if "%" in text or len(text) > 45:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def client(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """The address that the request came from.

    Args:
        peer: the address of the connection.
        forwarded: the X-Forwarded-For headers, in order.
        trusted: networks of our own proxies. A hop is believed only when everything to its right is one of them.
    """
    address = parse(peer)
    if address is None or not _inside(address, trusted):
        return str(address or peer)
    hops = ",".join(forwarded[-MAX_HOPS:]).rsplit(",", MAX_HOPS)[-MAX_HOPS:]
    for text in reversed(hops):
        hop = parse(text)
        if hop is None:
            break  # rubbish: the nearest proxy that we trust is all we know
        address = hop
        if not _inside(hop, trusted):
            break
    return str(address)


def is_forgotten_proxy(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> bool:
    """Whether somebody near us speaks for others and is not believed: most likely the operator's own proxy."""
    address = parse(peer) if forwarded else None
    return address is not None and address.is_private and not _inside(address, trusted)


def _inside(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
