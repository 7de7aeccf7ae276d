"""What a policy's [telemetry] comes to: its terms, and the service `visits` that visitors are asked about. Pure."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from consent.catalogue.service import Cookie, Service
from consent.policy.policy import Policy, Telemetry
from consent.policy.texts import LanguageTexts, VisitsTexts

VISITS = "visits"
"""The key of the service: full telemetry is allowed exactly when a choice lets it run."""

COOKIES = (("visitor", "13 months"), ("session", "session"), ("customer", "session"))
"""Our cookies and how long each lives, as visitors are told; `visitors/cookies.py` writes them."""


class ResolvedTelemetry(msgspec.Struct, frozen=True, omit_defaults=True):
    """The terms of the visitors' log; see `policy.Telemetry`. Stored for years: a field added has a default, which is
    left out of the body so that older hashes stay."""

    purpose: str
    counts: bool
    query: tuple[str, ...]
    days: int
    forget: bool
    apps: tuple[str, ...]
    address: Literal["none", "truncated", "full"]
    address_reason: str
    address_days: int
    customer: tuple[str, ...]
    events: tuple[str, ...]
    own_pages: bool = False


def terms(telemetry: Telemetry) -> ResolvedTelemetry:
    """The terms as they are stored."""
    return ResolvedTelemetry(*(getattr(telemetry, name) for name in ResolvedTelemetry.__struct_fields__))


def visits(policy: Policy, telemetry: Telemetry, shipped: Mapping[str, LanguageTexts]) -> Service:
    """The service, run by who asks: it has no hosts, and its cookies are the site's own."""
    return Service(
        key=VISITS,
        name=_words(policy.languages, shipped).name,
        provider=policy.controller.name,
        country="",
        purposes=(telemetry.purpose,),
        kind="analytics",
        hosts=(),
        privacy_url=policy.controller.privacy_url,
        cookies=tuple(Cookie(name, duration) for prefix in _prefixes(policy) for name, duration in _named(prefix)),
    )


def description(languages: tuple[str, ...], shipped: Mapping[str, LanguageTexts]) -> dict[str, str]:
    """What the service does, in each language of a site, or else in its first one."""
    return {language: _words((language, *languages), shipped).description for language in languages}


def _words(languages: tuple[str, ...], shipped: Mapping[str, LanguageTexts]) -> VisitsTexts:
    found = (shipped[language].visits for language in (*languages, "en") if language in shipped)
    return next((words for words in found if words.name), VisitsTexts())


def _named(prefix: str) -> list[tuple[str, str]]:
    return [(f"{prefix}consent-{kind}", duration) for kind, duration in COOKIES]


def _prefixes(policy: Policy) -> list[str]:
    """Over plain http, where things are tried out, browsers take no `__Host-`."""
    secure = {origin.startswith("https:") for origin in policy.origins}
    return [prefix for prefix, needed in (("__Host-", True), ("", False)) if needed in secure]
