"""How much of an address a site keeps: nothing, its network, or all of it with a reason. Pure; remembers none."""

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Literal

import msgspec

from consent.web.address import parse

BITS = {4: 24, 6: 48}
"""What is left of an address by default: IPv4 without its last octet (CNIL), IPv6 the first 48 bits."""

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_PLAIN = re.compile(rf"((?:{_OCTET}\.){{3}}){_OCTET}")
"""An IPv4 address as everybody writes it: most of all that come, so they are cut without being taken apart."""

_SHARED = int(IPv6Address("64:ff9b::"))
"""NAT64 (RFC 6052): the IPv4 address stands in the last 32 bits of 64:ff9b::/96."""


class Keeping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a policy says of addresses. `reason` and `days` are for `full` only, and then both are needed."""

    address: Literal["none", "truncated", "full"] = "truncated"
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""
    days: Annotated[int, msgspec.Meta(ge=0, le=790)] = 0  # 25 months are what audience measurement may keep

    def __post_init__(self) -> None:
        if (self.address == "full") != bool(self.reason.strip() and self.days):
            raise ValueError("full addresses need a reason and a number of days; others have neither")


def truncated(text: str) -> str:
    """The network of an address, as its first address; of what is no address nothing.

    An IPv4 address within an IPv6 one (mapped, NAT64, or 6to4, whose first 48 bits hold all of it) counts as the IPv4
    address.
    """
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        return f"{plain[1]}0"
    address = _address(text) if len(text) <= 64 else None
    if address is None:
        return ""
    rest = address.max_prefixlen - BITS[address.version]
    return str(type(address)(int(address) >> rest << rest))


def kept(text: str, keeping: Keeping) -> str:
    """What may be stored of an address under this policy; empty for nothing."""
    if keeping.address == "none":
        return ""
    return truncated(text) if keeping.address == "truncated" else _whole(text)


def _whole(text: str) -> str:
    address = _address(text)
    return "" if address is None else str(address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    address = parse(text)
    if isinstance(address, IPv6Address) and int(address) >> 32 == _SHARED >> 32:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return (address.sixtofour or address) if isinstance(address, IPv6Address) else address
