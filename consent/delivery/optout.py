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


def page_notice(version: Version, words: Words) -> str:
    """SHA-256 hex of what the page said: its words, and the policy they are about."""
    shown = [
        version.hash,
        words.language,
        words("choices_title"),
        words("choices_intro"),
        words("layer_reject_opt_out"),
    ]
    return hashlib.sha256(canonical(shown).encode()).hexdigest()
