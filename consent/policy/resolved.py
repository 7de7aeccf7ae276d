"""A resolved policy: everything written out, so that a version can be shown again without the catalogue of its day."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

import msgspec

from consent.catalogue.kind import describe
from consent.catalogue.service import Cookie, Service, Storage, expand
from consent.policy.finding import Finding, PolicyError
from consent.policy.policy import ChoiceCookie, Controller, Policy, PurposeEntry, PurposeTexts, ServiceEntry, Telemetry
from consent.policy.telemetry import ResolvedTelemetry, description, terms, visits
from consent.policy.texts import LanguageTexts, load_texts
from consent.policy.theme import Look, look

#: Purposes of a site that names none, in the order in which they are asked; GPC covers what may be sale or sharing.
DEFAULT_PURPOSES = ("necessary", "preferences", "statistics", "marketing", "social")
GPC_PURPOSES = frozenset({"marketing", "social"})
REQUIRED_PURPOSE = "necessary"

#: What a service that the catalogue does not know must say of itself.
NEEDED = ("name", "provider", "country", "purposes", "kind", "hosts", "privacy_url")


class Purpose(msgspec.Struct, frozen=True):
    """What a visitor decides about; a required one is told, not asked."""

    key: str
    required: bool
    gpc: bool
    texts: dict[str, PurposeTexts]


class ResolvedService(msgspec.Struct, frozen=True):
    """A service as this site uses it."""

    key: str
    name: str
    provider: str
    country: str
    purposes: tuple[str, ...]
    kind: str
    sources: tuple[str, ...]
    privacy_url: str
    source: str
    tracker: bool
    necessary_possible: bool
    catalogued: bool
    cookies: tuple[Cookie, ...]
    storage: tuple[Storage, ...]
    description: dict[str, str]  # by language; a missing one falls back to ""
    placeholder: dict[str, str]
    reason: dict[str, str]


class Resolved(msgspec.Struct, frozen=True, dict=True, omit_defaults=True):
    """A policy with nothing left open. Two of the same content have the same hash.

    Bodies are stored for years: a field added here has a default, which is left out of the body so that older hashes
    stay, and none is renamed.
    """

    site: str
    origins: tuple[str, ...]
    controller: Controller
    languages: tuple[str, ...]
    necessary: tuple[str, ...]
    after_accept: Literal["declared", "everything"]
    days: int
    cookie: ChoiceCookie
    purposes: tuple[Purpose, ...]
    services: tuple[ResolvedService, ...]
    texts: dict[str, dict[str, str]]
    look: Look
    regimes: tuple[str, ...] | None  # None: every law that the software knows
    default_regime: str
    telemetry: ResolvedTelemetry | None = None

    @cached_property
    def body(self) -> str:
        """Canonical JSON: what is stored, and what `hash` is over."""
        return canonical(self)

    @cached_property
    def hash(self) -> str:
        """SHA-256 hex of the canonical JSON."""
        return hashlib.sha256(self.body.encode()).hexdigest()

    @cached_property
    def scope(self) -> str:
        """Eight hex digits that change when a purpose, service or source does (`docs/formats.md`, section 4)."""
        purposes = sorted([p.key, p.required, p.gpc] for p in self.purposes)
        services = sorted([s.key, list(s.purposes), list(s.sources)] for s in self.services)
        return hashlib.sha256(canonical([purposes, services]).encode()).hexdigest()[:8]

    @cached_property
    def required_purposes(self) -> frozenset[str]:
        """Keys of the purposes that are not asked."""
        return frozenset(p.key for p in self.purposes if p.required)

    @cached_property
    def first_party_cookies(self) -> dict[str, frozenset[str]]:
        """Names of the cookies that services keep at the site itself, `*` for any text; with those services' keys."""
        found: dict[str, set[str]] = {}
        for service in self.services:
            for cookie in service.cookies:
                if cookie.party == "first":
                    found.setdefault(cookie.name, set()).add(service.key)
        return {name: frozenset(keys) for name, keys in found.items()}

    def is_necessary(self, service: ResolvedService) -> bool:
        """Whether a service serves only purposes that are not asked, and so always runs."""
        return self.required_purposes.issuperset(service.purposes)


def canonical(value: Any) -> str:
    """JSON with sorted keys and without spaces; UTF-8 when encoded."""
    return json.dumps(msgspec.to_builtins(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def read_resolved(body: str) -> Resolved:
    """The resolved policy that a stored body holds; fields of a later software version are ignored."""
    return msgspec.json.decode(body, type=Resolved)


def resolve(policy: Policy, catalogue: Mapping[str, Service]) -> Resolved:
    """Merge a policy with the catalogue and the texts shipped. Raises PolicyError where a definition is incomplete."""
    findings: list[Finding] = []
    languages = tuple(dict.fromkeys(policy.languages)) or ("en",)
    shipped = load_texts()
    purposes = tuple(_purpose(entry, languages, shipped) for entry in policy.purposes or default_entries())
    services = [_service(key, entry, catalogue, languages, findings) for key, entry in policy.services.items()]
    if policy.telemetry:
        services.append(_visits(policy, policy.telemetry, languages, shipped))
    if findings:
        raise PolicyError(findings)
    return Resolved(
        site=policy.site,
        origins=policy.origins,
        controller=policy.controller,
        languages=languages,
        necessary=policy.necessary,
        after_accept=policy.after_accept,
        days=policy.days,
        cookie=msgspec.structs.replace(policy.cookie, domain=policy.cookie.domain.removeprefix(".")),
        purposes=purposes,
        services=tuple(service for service in services if service),
        texts={language: _texts(policy, language, languages[0], shipped) for language in languages},
        look=look(policy.theme),
        regimes=policy.regimes.enabled,
        default_regime=policy.regimes.default,
        telemetry=terms(policy.telemetry) if policy.telemetry else None,
    )


def default_entries() -> tuple[PurposeEntry, ...]:
    """The purposes of a policy that names none."""
    return tuple(PurposeEntry(key=key) for key in DEFAULT_PURPOSES)


def _purpose(entry: PurposeEntry, languages: tuple[str, ...], shipped: dict[str, LanguageTexts]) -> Purpose:
    own = {language: texts.purposes[entry.key] for language, texts in shipped.items() if entry.key in texts.purposes}
    known = {**own, **entry.texts}
    fallback = known.get(languages[0]) or known.get("en") or PurposeTexts(title=entry.key, summary="", description="")
    return Purpose(
        key=entry.key,
        required=entry.key == REQUIRED_PURPOSE if entry.required is None else entry.required,
        gpc=entry.key in GPC_PURPOSES if entry.gpc is None else entry.gpc,
        texts={language: known.get(language, fallback) for language in languages},
    )


def _texts(policy: Policy, language: str, default: str, shipped: dict[str, LanguageTexts]) -> dict[str, str]:
    """Every text in one language: the site's own, else the language's, else the default language's, else English."""
    merged: dict[str, str] = {}
    for name in ("en", default, language):
        merged |= shipped[name].ui if name in shipped else {}
        merged |= policy.texts.get(name, {})
    return merged


def _service(
    key: str, entry: ServiceEntry, catalogue: Mapping[str, Service], languages: tuple[str, ...], findings: list[Finding]
) -> ResolvedService | None:
    known = catalogue.get(key)
    given = {
        name: value
        for name in Service.__struct_fields__
        if name != "key" and (value := getattr(entry, name)) is not None
    }
    if known is None:
        missing = [name for name in NEEDED if name not in given]
        findings += _missing(key, missing, len(given) == 0)
        if missing:
            return None
        known = Service(**given, key=key)
    else:
        given["params"] = {**known.params, **(entry.params or {})}
        known = msgspec.structs.replace(known, **given)
    return _resolved_service(known, entry, languages, catalogued=key in catalogue)


def _resolved_service(
    service: Service, entry: ServiceEntry, languages: tuple[str, ...], *, catalogued: bool
) -> ResolvedService:
    cookies = tuple(
        cookie if cookie.recipient else msgspec.structs.replace(cookie, recipient=service.provider)
        for cookie in service.cookies
    )
    words = {
        "description": {language: _description(service, entry, language) for language in languages},
        "placeholder": _said(service.placeholder, entry, "placeholder", languages),
        "reason": _said(entry.reason, entry, "reason", languages),
    }
    return ResolvedService(
        key=service.key,
        name=service.name,
        provider=service.provider,
        country=service.country,
        purposes=service.purposes,
        kind=service.kind,
        sources=expand(service.hosts, service.params),
        privacy_url=service.privacy_url,
        source=service.source,
        tracker=service.is_tracker,
        necessary_possible=service.necessary_possible,
        catalogued=catalogued,
        cookies=cookies,
        storage=service.storage,
        **words,
    )


def _visits(
    policy: Policy, telemetry: Telemetry, languages: tuple[str, ...], shipped: dict[str, LanguageTexts]
) -> ResolvedService:
    """The service that the visitors' log is, asked about like every other."""
    made = _resolved_service(visits(policy, telemetry, shipped), ServiceEntry(), languages, catalogued=False)
    return msgspec.structs.replace(made, description=description(languages, shipped))


def _said(own: str, entry: ServiceEntry, field: str, languages: tuple[str, ...]) -> dict[str, str]:
    """The site's words about a service in each language, else what there is."""
    return {
        language: getattr(entry.texts[language], field) or own if language in entry.texts else own
        for language in languages
    }


def _description(service: Service, entry: ServiceEntry, language: str) -> str:
    """The site's own words, else the catalogue's; those are English, and other languages say what the kind does."""
    own = entry.texts[language].description if language in entry.texts else ""
    if own or entry.description is not None:
        return own or service.description
    return describe(service.kind, service.provider, language) or service.description


def _missing(key: str, missing: list[str], unknown: bool) -> list[Finding]:
    if unknown:
        sentence = f"The catalogue has no service named {key}."
        return [Finding(f"services.{key}", sentence, f"Correct the key, or define it: {', '.join(missing)}.")]
    return [Finding(f"services.{key}.{name}", "This is missing.", f"Add {name} = …") for name in missing]
