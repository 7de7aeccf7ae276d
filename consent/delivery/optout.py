"""What the form without script says on a visitor's behalf: no to everything that is asked. Pure."""

import hashlib

import msgspec

from consent.delivery.words import Words
from consent.policy.queries import Version
from consent.policy.resolved import canonical
from consent.records.claim import Claim

#: What the record names as the program that spoke.
WIDGET = "form"


def opt_out(version: Version, words: Words, *, key: str, regime: str, gpc: bool, now: int) -> Claim:
    """The claim of a visitor who pressed the button: every optional purpose objected to.

    Args:
        key: a fresh idempotency key.
        regime: the key of the law that the visitor's place falls under.
        now: milliseconds since 1970.
    """
    objections = {purpose.key: "o" for purpose in version.resolved.purposes if not purpose.required}
    return Claim(
        key=key,
        version=version.version,
        hash=version.hash,
        scope=version.scope,
        control="object",
        layer=0,
        language=words.language,
        notice=page_notice(version, words),
        purposes=msgspec.Raw(msgspec.json.encode(objections)),
        services=msgspec.Raw(b"{}"),
        regime=regime,
        gpc=gpc,
        time=now,
        widget=WIDGET,
    )


def page_snapshot(version: Version, words: Words) -> str:
    """Canonical JSON of what the page says: its words, and the policy they are about."""
    resolved, language = version.resolved, words.language
    shown = {
        "format": "consent-notice/v1",
        "kind": "form",
        "site": resolved.site,
        "language": language,
        "policy": version.hash,
        "title": words("choices_title"),
        "intro": words("choices_intro", controller=resolved.controller.name),
        "button": words("layer_reject_opt_out"),
        "purposes": [
            {
                "key": purpose.key,
                "title": purpose.texts[language].title,
                "description": purpose.texts[language].description,
                "required": purpose.required,
            }
            for purpose in resolved.purposes
        ],
    }
    return canonical(shown)


def page_notice(version: Version, words: Words) -> str:
    """SHA-256 hex of what the page said."""
    return hashlib.sha256(page_snapshot(version, words).encode()).hexdigest()
