"""Which sources are open for whom: lists of tokens for a Content-Security-Policy (`docs/formats.md`, section 3).

Mirrors `widget/src/rules.js`; both must pass `tests/vectors/csp.json`.
"""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol
from urllib.parse import urlsplit

from consent.catalogue.source import covers
from consent.policy.resolved import Resolved
from consent.policy.suffixes import registrable_domain

__all__ = ["allow_list", "checksum", "covers", "granted_keys", "list_text", "own_sources"]

GRANTED = "g"
DENIED = "d"
EVERYTHING = "*"

#: What may stand in the strict policy. Stricter checks come before; this one keeps a directive from being ended.
_OWN = re.compile(r"(wss://)?(\*\.)?[a-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9/._~%+@!-]*)?", re.ASCII)


class Declared(Protocol):
    """What of a service decides about lists."""

    @property
    def key(self) -> str: ...
    @property
    def purposes(self) -> Sequence[str]: ...
    @property
    def sources(self) -> Sequence[str]: ...


def allow_list(services: Sequence[Declared], granted: AbstractSet[str]) -> list[str]:
    """The tokens to open for the granted services, in the policy's order, without duplicates.

    A token opens only when every declared service with a source inside it is granted: vendors share hosts.
    """
    closed = [source for service in services if service.key not in granted for source in service.sources]
    wanted = dict.fromkeys(source for service in services if service.key in granted for source in service.sources)
    return [token for token in wanted if not any(covers(token, source) for source in closed)]


def granted_keys(
    services: Sequence[Declared], required: AbstractSet[str], purposes: Mapping[str, str], decided: Mapping[str, str]
) -> set[str]:
    """Keys of the services that may run: decided so one by one, or by each purpose that is not required."""
    return {
        service.key
        for service in services
        if decided.get(service.key) == GRANTED
        or (
            service.key not in decided
            and all(key in required or purposes.get(key) == GRANTED for key in service.purposes)
        )
    }


def list_text(resolved: Resolved, purposes: Mapping[str, str], services: Mapping[str, str]) -> str:
    """What `consent.list` holds for this decision: `tokens|tokens under GPC`.

    `purposes` and `services` hold states by key as in the choice cookie. Services of only required purposes are left
    out: their sources are in the strict policy. `*` alone stands for no policy (`after_accept = "everything"`).
    """
    covered = {purpose.key for purpose in resolved.purposes if purpose.gpc and not purpose.required}
    under_gpc = {key: DENIED if key in covered else state for key, state in purposes.items()}
    signalled = {service.key for service in resolved.services if covered.intersection(service.purposes)}
    services_under_gpc = {**services, **dict.fromkeys(signalled, DENIED)}
    return f"{_part(resolved, purposes, services)}|{_part(resolved, under_gpc, services_under_gpc)}"


def _part(resolved: Resolved, purposes: Mapping[str, str], decided: Mapping[str, str]) -> str:
    optional = [service for service in resolved.services if not resolved.is_necessary(service)]
    granted = granted_keys(optional, resolved.required_purposes, purposes, decided)
    asked = [purpose.key for purpose in resolved.purposes if not purpose.required]
    complete = len(granted) == len(optional) and all(purposes.get(key) == GRANTED for key in asked)
    if resolved.after_accept == "everything" and complete:
        return EVERYTHING
    return " ".join(allow_list(optional, granted))


def checksum(text: str) -> str:
    """FNV-1a, 32 bit, over the UTF-16 code units of a list text, in base 36."""
    value = 0x811C9DC5
    units = text.encode("utf-16-le")
    for index in range(0, len(units), 2):
        value = ((value ^ int.from_bytes(units[index : index + 2], "little")) * 0x01000193) & 0xFFFFFFFF
    return _base36(value)


def _base36(value: int) -> str:
    digits = ""
    while True:
        value, digit = divmod(value, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
        if not value:
            return digits


def own_sources(resolved: Resolved, base_url: str) -> list[str]:
    """What is always open besides 'self': the service, the site's domains, its necessary hosts and services."""
    sources = [urlsplit(base_url).netloc.lower()]
    for origin in resolved.origins:
        sources += domain_sources(origin)
    sources += resolved.necessary
    sources += [s for service in resolved.services if resolved.is_necessary(service) for s in service.sources]
    kept = [source for source in dict.fromkeys(sources) if source and "[" not in source]  # CSP has no IPv6 literals
    for source in kept:
        if not _OWN.fullmatch(source):
            raise ValueError(f"{source[:80]!r} cannot be written into a policy")
    return kept


def domain_sources(origin: str) -> list[str]:
    """An origin's registrable domain, everything below it, and both for sockets; an address or bare host as it is."""
    parts = urlsplit(origin.lower())
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port not in (None, 80 if parts.scheme == "http" else 443) else ""
    if host.replace(".", "").isdigit() or ":" in host or "." not in host:
        return [f"{host}{port}", f"wss://{host}{port}"] if ":" not in host else []
    domain = registrable_domain(host)
    if domain is None:  # the host is itself a public suffix: what lies below belongs to others
        return [f"{host}{port}", f"wss://{host}{port}"]
    return [f"{domain}{port}", f"*.{domain}{port}", f"wss://{domain}{port}", f"wss://*.{domain}{port}"]
