"""The policies that sites publish now, as far as their logs need them: worked out once a version. Pure."""

from typing import NamedTuple

from consent.policy.queries import Version
from consent.policy.telemetry import ResolvedTelemetry
from consent.telemetry.declared import Declared
from consent.visitors.address import Keeping

VERSIONS = 2_000
"""Policies of which something is remembered."""


class Terms(NamedTuple):
    """What is at hand of one version of a policy. `customer` names the fields that may be told of customers."""

    version: Version
    telemetry: ResolvedTelemetry
    declared: Declared
    keeping: Keeping
    customer: frozenset[str]


class TermsBook:
    """The terms of each site."""

    def __init__(self) -> None:
        self._terms: dict[int, Terms] = {}

    def of(self, version: Version) -> Terms | None:
        """Those of what a site publishes; None where it keeps no log."""
        telemetry = version.resolved.telemetry
        if telemetry is None:
            return None
        found = self._terms.get(version.site_id)
        if found is None or found.version.version != version.version:
            if len(self._terms) >= VERSIONS:
                self._terms.clear()
            names = frozenset(telemetry.customer)
            found = Terms(version, telemetry, Declared(version.resolved), keeping(telemetry), names)
            self._terms[version.site_id] = found
        return found


def keeping(telemetry: ResolvedTelemetry) -> Keeping:
    """How much of an address the policy lets be kept; of one that says no reason, the network."""
    try:
        return Keeping(telemetry.address, telemetry.address_reason, telemetry.address_days)
    except ValueError:
        return Keeping()
