"""What is worked out of a policy once for all its events: the hosts of its pages, and whose a refused address is."""

from consent.catalogue.source import covers, split
from consent.policy.resolved import Resolved
from consent.telemetry import clean
from consent.telemetry.distinct import Distinct

REMEMBERED = 2_048
"""Addresses whose service is remembered; when there are more, all are forgotten."""


class Declared:
    """The hosts and services of one version of a policy; `distinct` is what its log has seen today."""

    def __init__(self, resolved: Resolved) -> None:
        self.hosts = frozenset(page.host for origin in resolved.origins if (page := clean.page(origin)))
        self._sources = [(source, service.key) for service in resolved.services for source in service.sources]
        self._known: dict[str, str] = {}
        self.distinct = Distinct()

    def service(self, target: str) -> str:
        """The service that an address, or a host alone, belongs to: the one with the longest source that lets it
        through. Empty where none does."""
        plain = target[: clean.MAX_URL].partition("?")[0].partition("#")[0].lower()
        found = self._known.get(plain)
        if found is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            found = self._known[plain] = self._find(plain.removeprefix("https://").removeprefix("http://"))
        return found

    def _find(self, plain: str) -> str:
        longest, found = "", ""
        for source, key in self._sources:
            if len(source) > len(longest) and covers(source, plain):
                longest, found = source, key
        host = plain.partition("/")[0]
        return found or next((key for source, key in self._sources if split(source)[1] == host), "")
