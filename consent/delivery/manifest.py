"""What the widget is told: settings, and the words of each layer (`docs/formats.md`, section 5). Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from consent.policy.queries import Version
from consent.policy.resolved import Purpose, Resolved, ResolvedService, canonical
from consent.regimes.regime import STRICTEST, Regime

RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})

_UI = ("control_", "placeholder_")
_BANNER = ("layer_", "banner_")
_PREFERENCES = ("layer_", "preferences_")


class Layer(msgspec.Struct, frozen=True):
    """Where one language's layers are, and the hash of what they show."""

    banner: str
    preferences: str
    notice: str


def applying(resolved: Resolved, regimes: Mapping[str, Regime]) -> dict[str, Regime]:
    """The laws that this site follows, in the order of the software's list."""
    enabled = regimes.keys() if resolved.regimes is None else set(resolved.regimes)
    return {key: regime for key, regime in regimes.items() if key in enabled}


def settings(
    version: Version,
    *,
    base: str,
    since: Mapping[str, str],
    regimes: Mapping[str, Regime],
    regime: str | None,
    layers: Mapping[str, Layer],
) -> dict[str, Any]:
    """`CONSENT_SETTINGS`. `regimes` are the laws that apply to the site, `regime` the visitor's, None where unknown."""
    resolved = version.resolved
    strictest = resolved.default_regime if resolved.default_regime in regimes else STRICTEST
    return {
        "site": resolved.site,
        "base": base,
        "version": version.version,
        "hash": version.hash,
        "scope": version.scope,
        "since": dict(since),
        "days": resolved.days,
        "cookie": msgspec.to_builtins(resolved.cookie),
        "everything": resolved.after_accept == "everything",
        "regime": regime if regime in regimes else None,
        "regimes": {key: _regime(law) for key, law in regimes.items()},
        "strictest": strictest,
        "languages": list(resolved.languages),
        "purposes": [{"key": p.key, "required": p.required, "gpc": p.gpc} for p in resolved.purposes],
        "services": [_service(service) for service in resolved.services],
        "layers": {language: msgspec.to_builtins(layer) for language, layer in layers.items()},
        "ui": {language: _texts(resolved, language, _UI) for language in resolved.languages},
        "theme": resolved.look.tokens(),
        "control": {"position": resolved.look.control},
    }


def banner(resolved: Resolved, language: str) -> dict[str, Any]:
    """`CONSENT_BANNER`: the first layer in one language."""
    who = resolved.controller
    return {
        "language": language,
        "dir": direction(language),
        "controller": {"name": who.name, "privacy_url": who.privacy_url, "imprint_url": who.imprint_url},
        "texts": _texts(resolved, language, _BANNER),
        "purposes": [
            {
                "key": p.key,
                "title": p.texts[language].title,
                "summary": p.texts[language].summary,
                "required": p.required,
            }
            for p in resolved.purposes
        ],
        "third_parties": len(third_parties(resolved)),
    }


def preferences(resolved: Resolved, language: str) -> dict[str, Any]:
    """`CONSENT_PREFERENCES`: the second layer in one language."""
    return {
        "language": language,
        "dir": direction(language),
        "texts": _texts(resolved, language, _PREFERENCES),
        "purposes": [_purpose(resolved, purpose, language) for purpose in resolved.purposes],
    }


def notice(resolved: Resolved, language: str, code: str) -> str:
    """SHA-256 hex of all that one language's layers show; `code` names the version of the code that shows it."""
    shown = [banner(resolved, language), preferences(resolved, language), resolved.look.tokens(), code]
    return hashlib.sha256(canonical(shown).encode()).hexdigest()


def third_parties(resolved: Resolved) -> list[str]:
    """The providers of the services that are asked, once each (EU-10)."""
    return list(dict.fromkeys(s.provider for s in resolved.services if not resolved.is_necessary(s)))


def of_purpose(resolved: Resolved, purpose: Purpose) -> list[ResolvedService]:
    """The services listed under a purpose: of a required one only those that serve nothing else."""
    return [
        service
        for service in resolved.services
        if purpose.key in service.purposes and (not purpose.required or resolved.is_necessary(service))
    ]


def direction(language: str) -> str:
    """`rtl` for languages written from right to left."""
    return "rtl" if language.partition("-")[0] in RIGHT_TO_LEFT else "ltr"


def _regime(law: Regime) -> dict[str, Any]:
    return {"model": law.model, "reask_days": law.reask_days, "gpc": law.gpc, "signal_shown": law.signal_shown}


def _service(service: ResolvedService) -> dict[str, Any]:
    return {
        "key": service.key,
        "name": service.name,
        "purposes": list(service.purposes),
        "sources": list(service.sources),
        "cookies": [cookie.name for cookie in service.cookies if cookie.party == "first"],
        "storage": [f"{item.kind}:{item.name}" for item in service.storage],
        "kind": service.kind,
    }


def _texts(resolved: Resolved, language: str, prefixes: Sequence[str]) -> dict[str, str]:
    return {key: text for key, text in resolved.texts[language].items() if key.startswith(tuple(prefixes))}


def _purpose(resolved: Resolved, purpose: Purpose, language: str) -> dict[str, Any]:
    texts = purpose.texts[language]
    return {
        "key": purpose.key,
        "title": texts.title,
        "description": texts.description,
        "required": purpose.required,
        "services": [_shown(service, language) for service in of_purpose(resolved, purpose)],
    }


def _shown(service: ResolvedService, language: str) -> dict[str, Any]:
    """What visitors are told of a service; Planet49 asks for duration and recipient of all that is stored."""
    cookies = [
        {"name": cookie.name, "duration": cookie.duration, "recipient": cookie.recipient, "kind": "cookie"}
        for cookie in service.cookies
    ]
    stored = [
        {"name": item.name, "duration": item.duration, "recipient": service.provider, "kind": item.kind}
        for item in service.storage
    ]
    return {
        "key": service.key,
        "name": service.name,
        "provider": service.provider,
        "country": service.country,
        "privacy_url": service.privacy_url,
        "description": service.description[language],
        "reason": service.reason[language],
        "cookies": cookies + stored,
    }
