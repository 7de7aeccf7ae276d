"""What the widget is told: settings, and the words of each layer (`docs/formats.md`, section 5). Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from consent.policy.queries import Version
from consent.policy.resolved import Purpose, Resolved, ResolvedService, canonical
from consent.policy.telemetry import VISITS, ResolvedTelemetry
from consent.regimes.regime import STRICTEST, Regime, load_regimes

RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})

_CONTROL = ("control_",)
_PLACEHOLDER = ("placeholder_",)
_BANNER = ("layer_", "banner_")
_PREFERENCES = ("layer_", "preferences_")
_CHOICES = ("layer_", "choices_")


def applying(resolved: Resolved, regimes: Mapping[str, Regime]) -> dict[str, Regime]:
    """The laws that this site follows, in the order of the software's list."""
    enabled = regimes.keys() if resolved.regimes is None else set(resolved.regimes)
    return {key: regime for key, regime in regimes.items() if key in enabled}


def settings(
    version: Version,
    *,
    base: str,
    regimes: Mapping[str, Regime],
    regime: str | None,
    name: str,
    bundle: str = "",
    counts: bool = False,
) -> dict[str, Any]:
    """`CONSENT_SETTINGS`: as little as it takes to ask.

    Args:
        base: the service's origin.
        regimes: the laws that apply to the site.
        regime: the key of the visitor's; None where unknown.
        name: what the layers' files are named by.
        bundle: the name of the telemetry script; empty where there is none.
        counts: whether this visitor's law exempts an anonymous count before a choice.
    """
    resolved = version.resolved
    return {
        "site": resolved.site,
        "base": base,
        "cookie": msgspec.to_builtins(resolved.cookie),
        "regime": regime if regime in regimes else None,
        "regimes": {key: _regime(law) for key, law in regimes.items()},
        "strictest": strictest(resolved),
        "languages": list(resolved.languages),
        "purposes": [{"key": p.key, "required": p.required, "gpc": p.gpc} for p in resolved.purposes],
        "layers": {language: layers(version, language, name) for language in resolved.languages},
        "theme": resolved.look.tokens(),
        "telemetry": _telemetry(version, bundle, counts=counts),
    }


def _telemetry(version: Version, bundle: str, *, counts: bool) -> dict[str, Any] | None:
    """What the script has to know of the visitors' log; None where the site keeps none."""
    terms = version.resolved.telemetry
    if terms is None or not bundle:
        return None
    path = f"/c/{version.resolved.site}/{version.version}/{bundle}"
    return {"path": path, "counts": counts and terms.counts, "service": VISITS}


def details(version: Version, language: str, *, since: Mapping[str, str], name: str, code: str) -> dict[str, Any]:
    """`CONSENT_DETAILS`: what it takes to decide, in one language. It comes with the second layer.

    Args:
        since: what choices under older scopes are worth.
        name: what the layers' files are named by.
        code: the version of the code that shows the layers.
    """
    resolved = version.resolved
    told = {
        **layers(version, language, name),
        "choices": layer_path(version, "choices", language, name),
        "notice": notice(resolved, language, code),
    }
    return {
        "hash": version.hash,
        "version": version.version,
        "scope": version.scope,
        "since": dict(since),
        "days": resolved.days,
        "everything": resolved.after_accept == "everything",
        "services": [_service(service) for service in resolved.services],
        "layers": {language: told},
        "ui": {language: _texts(resolved, language, _CONTROL + _PLACEHOLDER)},
        "control": {"position": resolved.look.control},
        **({"keeps": _keeps(resolved.telemetry)} if resolved.telemetry else {}),
    }


def _keeps(terms: ResolvedTelemetry) -> dict[str, Any]:
    """What the visitors' log keeps of what a page tells: the rest does not leave the browser."""
    return {"query": list(terms.query), "customer": list(terms.customer), "events": list(terms.events)}


def layers(version: Version, language: str, name: str) -> dict[str, str]:
    """Where one language's layers are."""
    return {kind: layer_path(version, kind, language, name) for kind in ("banner", "preferences")}


def layer_path(version: Version, kind: str, language: str, name: str) -> str:
    """Where one of the files of a version and language is."""
    return f"/c/{version.resolved.site}/{version.version}/{kind}.{language}.{name}.js"


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


def snapshot(resolved: Resolved, language: str, code: str) -> str:
    """Canonical JSON of all that one language's layers show: with the code that it names, they can be shown again.

    Args:
        code: the version of the code that shows the layers.
    """
    shown = {
        "format": "consent-notice/v1",
        "kind": "layers",
        "site": resolved.site,
        "language": language,
        "code": code,
        "banner": banner(resolved, language),
        "preferences": preferences(resolved, language),
        "theme": resolved.look.tokens(),
        "purposes": [{"key": p.key, "required": p.required, "gpc": p.gpc} for p in resolved.purposes],
        "services": [_service(service) for service in resolved.services],
        "regimes": laws(resolved),
        "strictest": strictest(resolved),
        "ui": _texts(resolved, language, _CONTROL + _PLACEHOLDER),
    }
    return canonical(shown)


def choices(resolved: Resolved, language: str) -> dict[str, Any]:
    """`CONSENT_CHOICES`: "My choices" in one language."""
    return {
        "language": language,
        "dir": direction(language),
        "controller": resolved.controller.name,
        "texts": _texts(resolved, language, _CHOICES),
        "purposes": [{"key": p.key, "title": p.texts[language].title} for p in resolved.purposes],
    }


def notice(resolved: Resolved, language: str, code: str) -> str:
    """SHA-256 hex of the snapshot."""
    return hashlib.sha256(snapshot(resolved, language, code).encode()).hexdigest()


def laws(resolved: Resolved) -> dict[str, Any]:
    """What the widget is told of each law that the site follows: which words and switches a visitor under it meets."""
    return {key: _regime(law) for key, law in applying(resolved, load_regimes()).items()}


def strictest(resolved: Resolved) -> str:
    """The law that holds where none is known."""
    return resolved.default_regime if resolved.default_regime in applying(resolved, load_regimes()) else STRICTEST


def third_parties(resolved: Resolved) -> list[str]:
    """The providers of the services that are asked, once each (EU-10); the site itself is none of them."""
    ours = resolved.telemetry is not None
    asked = [s for s in resolved.services if not (resolved.is_necessary(s) or (ours and s.key == VISITS))]
    return list(dict.fromkeys(s.provider for s in asked))


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
    return {
        "model": law.model,
        "reask_days": law.reask_days,
        "gpc": law.gpc,
        "signal_shown": law.signal_shown,
        "shown": law.shown,
    }


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
