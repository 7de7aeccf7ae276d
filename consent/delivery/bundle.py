"""The scripts of one published version: built files with this site's settings and words put in."""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from typing import Literal

from consent.delivery.body import content_hash
from consent.delivery.built import Built, is_built, read_built
from consent.delivery.fill import fill
from consent.delivery.manifest import banner, choices, details, laws, preferences, settings
from consent.policy.queries import Version
from consent.policy.resolved import Resolved, canonical
from consent.regimes.regime import Regime

Kind = Literal["banner", "preferences", "choices"]

#: How every script of ours begins, so that the core can tell it from an error page with the wrong type.
MARK = "/*consent*/"

#: The files that show the layers; the first has the elements and styles that both share.
SHOWING: tuple[Built, ...] = ("bootstrap", "banner", "preferences")

_NAME = re.compile(r"(banner|preferences|choices)\.([A-Za-z0-9-]{2,30})\.([0-9a-f]{16})\.js", re.ASCII)


def bootstrap_text(
    version: Version, *, base: str, regimes: Mapping[str, Regime], regime: str | None, counts: bool = False
) -> str:
    """The first script, with the settings inside."""
    told = settings(
        version,
        base=base,
        regimes=regimes,
        regime=regime,
        name=layer_hash(version.resolved),
        bundle=telemetry_name(),
        counts=counts,
    )
    return MARK + fill(read_built("bootstrap"), {"CONSENT_SETTINGS": told})


def layer_text(version: Version, kind: Kind, language: str, since: Mapping[str, str]) -> str:
    """One layer in one language, or "My choices"; the second layer brings along what it takes to decide."""
    resolved = version.resolved
    if kind == "banner":
        return MARK + fill(read_built("banner"), {"CONSENT_BANNER": banner(resolved, language)})
    if kind == "choices":
        return MARK + fill(read_built("choices"), {"CONSENT_CHOICES": choices(resolved, language)})
    told = details(version, language, since=since, name=layer_hash(resolved), code=code_version())
    values = {"CONSENT_PREFERENCES": preferences(resolved, language), "CONSENT_DETAILS": told}
    return MARK + fill(read_built("preferences"), values)


def telemetry_text() -> str:
    """The script of the visitors' log: the same for all sites."""
    return MARK + read_built("telemetry")


@cache
def telemetry_name() -> str:
    """The name of that script's file, by the hash of its bytes; empty where it was not built."""
    return f"telemetry.{content_hash(telemetry_text())[:16]}.js" if is_built("telemetry") else ""


def layer_hash(resolved: Resolved) -> str:
    """Sixteen hex digits that change when the bytes of any layer may: of policy, laws and the code that shows it."""
    return content_hash(resolved.hash + canonical(laws(resolved)) + code_version() + read_built("choices"))[:16]


def parse_name(name: str) -> tuple[Kind, str, str] | None:
    """Kind, language and hash of a layer's file name; None when it is none."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    kinds: dict[str, Kind] = {"banner": "banner", "preferences": "preferences", "choices": "choices"}
    return kinds[match[1]], match[2], match[3]


@cache
def code_version() -> str:
    """SHA-256 hex over the code that shows the layers, as built: three files, one after the other."""
    return hashlib.sha256("".join(map(read_built, SHOWING)).encode()).hexdigest()
