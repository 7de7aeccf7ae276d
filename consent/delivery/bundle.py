"""The scripts of one published version: built files with this site's settings and words put in."""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from consent.delivery.body import content_hash
from consent.delivery.built import read_built
from consent.delivery.fill import fill
from consent.delivery.manifest import Layer, banner, notice, preferences
from consent.policy.resolved import Resolved

Kind = Literal["banner", "preferences"]

#: How every script of ours begins, so that the core can tell it from an error page with the wrong type.
MARK = "/*consent*/"

_NAME = re.compile(r"(banner|preferences)\.([A-Za-z0-9-]{2,30})\.([0-9a-f]{16})\.js", re.ASCII)


def bootstrap_text(settings: Mapping[str, Any]) -> str:
    """The first script, with the settings inside."""
    return MARK + fill(read_built("bootstrap"), {"CONSENT_SETTINGS": settings})


def layer_text(resolved: Resolved, kind: Kind, language: str) -> str:
    """One layer in one language."""
    if kind == "banner":
        return MARK + fill(read_built("banner"), {"CONSENT_BANNER": banner(resolved, language)})
    return MARK + fill(read_built("preferences"), {"CONSENT_PREFERENCES": preferences(resolved, language)})


def layers(resolved: Resolved, version: int) -> dict[str, Layer]:
    """Where every language's layers are, each named by the hash of its bytes."""
    code = code_version()
    return {
        language: Layer(
            banner=_path(resolved, version, "banner", language),
            preferences=_path(resolved, version, "preferences", language),
            notice=notice(resolved, language, code),
        )
        for language in resolved.languages
    }


def _path(resolved: Resolved, version: int, kind: Kind, language: str) -> str:
    name = layer_hash(layer_text(resolved, kind, language))
    return f"/c/{resolved.site}/{version}/{kind}.{language}.{name}.js"


def layer_hash(text: str) -> str:
    """The part of a layer's name that says what is in it."""
    return content_hash(text)[:16]


def parse_name(name: str) -> tuple[Kind, str, str] | None:
    """Kind, language and hash of a layer's file name; None when it is none."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    kind: Kind = "banner" if match[1] == "banner" else "preferences"
    return kind, match[2], match[3]


@cache
def code_version() -> str:
    """SHA-256 hex over the code that shows the layers, as built."""
    return hashlib.sha256((read_built("banner") + read_built("preferences")).encode()).hexdigest()
