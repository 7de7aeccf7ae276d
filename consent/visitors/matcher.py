"""What uap-core's patterns say of a user agent string, by their Rust matcher; and the `user-agents` package upon it."""

from functools import cache, cached_property, lru_cache
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

import ua_parser_rs
from ua_parser_builtins.matchers import MATCHERS
from user_agents import parsers

PARSED = 1_024
"""Families with their versions of which the package's tuples are remembered."""


class Software(NamedTuple):
    """A browser's or system's family and the parts of its version as they are written."""

    family: str = "Other"
    parts: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """The parts with dots."""
        return ".".join(self.parts)


class Hardware(NamedTuple):
    """A device's family, brand and model."""

    family: str = "Other"
    brand: str = ""
    model: str = ""


class Facts(parsers.UserAgent):  # type: ignore[misc]  # the package has no types
    """The package's `UserAgent` with every predicate of its own, fed by the Rust matcher: some 20 times as fast."""

    is_tablet: bool
    is_mobile: bool
    is_pc: bool

    def __init__(self, text: str) -> None:
        self.ua_string = text
        self.software, self.system, self.hardware = browser(text), system(text), hardware(text)

    @cached_property
    def browser(self) -> Any:
        """The package's tuple: family, version as numbers, version as text."""
        return _browser(self.software)

    @cached_property
    def os(self) -> Any:
        """The package's tuple: family, version as numbers, version as text."""
        return _system(self.system)

    @cached_property
    def device(self) -> Any:
        """The package's tuple: family, brand, model; None where there is none."""
        return _device(self.hardware)


@lru_cache(maxsize=PARSED)
def _browser(found: Software) -> Any:
    return parsers.parse_browser(found.family, *found.parts)


@lru_cache(maxsize=PARSED)
def _system(found: Software) -> Any:
    return parsers.parse_operating_system(found.family, *found.parts)


@lru_cache(maxsize=PARSED)
def _device(found: Hardware) -> Any:
    return parsers.parse_device(found.family, found.brand or None, found.model or None)


class _Versioned(Protocol):
    family: str
    major: str | None
    minor: str | None
    patch: str | None
    patch_minor: str | None


class _Extractors(NamedTuple):
    browser: Any
    system: Any
    device: Any


@cache
def extractors() -> _Extractors:
    """The compiled patterns: some 200 ms, once; whoever serves calls it at the start."""
    browsers, systems, devices = MATCHERS
    version = attrgetter("regex", "family", "major", "minor", "patch", "patch_minor")
    device = attrgetter("regex", "regex_flag", "family", "brand", "model")
    return _Extractors(
        ua_parser_rs.UserAgentExtractor(map(version, browsers)),
        ua_parser_rs.OSExtractor(map(version, systems)),
        ua_parser_rs.DeviceExtractor(map(device, devices)),
    )


@cache
def fixed_families() -> frozenset[str]:
    """The browsers' names that are the patterns' own; of others a part was sent by whoever asked."""
    return frozenset(one.family for one in MATCHERS[0] if one.family and "$" not in one.family)


def browser(text: str) -> Software:
    """The browser of a user agent string."""
    return _software(extractors().browser.extract(text))


def system(text: str) -> Software:
    """The operating system of a user agent string."""
    return _software(extractors().system.extract(text))


def hardware(text: str) -> Hardware:
    """The device of a user agent string."""
    found = extractors().device.extract(text)
    return Hardware(found.family, found.brand or "", found.model or "") if found else Hardware()


def _software(found: _Versioned | None) -> Software:
    if found is None:
        return Software()
    parts = (found.major, found.minor, found.patch, found.patch_minor)
    return Software(found.family, tuple([part for part in parts if part]))
