"""What pages tried to load and were refused, and which of those hosts nobody has declared. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from consent.policy.resolved import Resolved
from consent.reports.chart import Chart, Series, stacked
from consent.reports.span import Step

Standing = Literal["declared", "catalogue", "unknown"]

STANDINGS: dict[Standing, str] = {
    "declared": "declared: visitors are asked about it",
    "catalogue": "known, but not declared on this site",
    "unknown": "unknown: nothing says what it is",
}


class Host(msgspec.Struct, frozen=True, kw_only=True):
    """A host that was refused. `service` is the key of the service it belongs to; days since 1970."""

    host: str
    service: str
    name: str
    kind: str
    standing: Standing
    times: int
    first: int
    last: int


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """A service of the policy. `times`: how often it was refused.

    `granted` and `denied` are first answers about its purpose, of several the one that fewest granted; `alone`: what
    those granted and denied who decided about the service itself.
    """

    key: str
    name: str
    provider: str
    country: str
    kind: str
    purposes: tuple[str, ...]
    cookies: int
    necessary: bool
    times: int
    granted: int
    denied: int
    alone: tuple[int, int]

    @property
    def rate(self) -> float | None:
        """Part of those asked that granted it."""
        return self.granted / (self.granted + self.denied) if self.granted + self.denied else None


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What the page says; its JSON face is this."""

    services: tuple[Declared, ...]
    hosts: tuple[Host, ...]
    steps: tuple[Step, ...]
    refused: tuple[int, ...]
    told: bool

    @property
    def unknown(self) -> int:
        """How many hosts nobody has declared."""
        return sum(host.standing != "declared" for host in self.hosts)


Said = Mapping[str, tuple[int, int]]
"""Granted and denied, by key."""


def declared(resolved: Resolved, purposes: Said, services: Said, times: Mapping[str, int]) -> tuple[Declared, ...]:
    """The services of a policy, those refused most first."""
    found = []
    for service in resolved.services:
        asked = [purposes[key] for key in service.purposes if sum(purposes.get(key, (0, 0)))]
        granted, denied = min(asked, key=lambda said: said[0] / sum(said), default=(0, 0))
        found.append(
            Declared(
                key=service.key, name=service.name, provider=service.provider, country=service.country,
                kind=service.kind, purposes=service.purposes, cookies=len(service.cookies) + len(service.storage),
                necessary=resolved.is_necessary(service), times=times.get(service.key, 0), granted=granted,
                denied=denied, alone=services.get(service.key, (0, 0)),
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-one.times, one.name.lower())))


def standing(service: str, declared: Iterable[str], known: Iterable[str]) -> Standing:
    """What is known of a host by the service it belongs to."""
    if service and service in declared:
        return "declared"
    return "catalogue" if service and service in known else "unknown"


def refused_chart(page: Services) -> Chart:
    """Requests refused over time."""
    names, full = [step.name for step in page.steps], [step.full for step in page.steps]
    return stacked(names, [Series("Refused", page.refused, "s5")], full=full, height=140)


def strangers(hosts: Sequence[Host]) -> tuple[Host, ...]:
    """Hosts that nobody has declared."""
    return tuple(host for host in hosts if host.standing != "declared")
