"""Time-based one-time passwords (RFC 6238: SHA-1, 6 digits, steps of 30 s) and recovery codes. Pure.

SHA-1, since authenticator apps know no other; HMAC does not need its resistance to collisions.
"""

import base64
import hashlib
import hmac
from urllib.parse import quote

STEP = 30
"""Seconds."""

SECRET_BYTES = 20
"""As RFC 4226, 4 recommends."""

DRIFT = 1
"""Steps that a clock may be off to either side (RFC 6238, 5.2)."""

CODES = 10
"""Recovery codes made at once."""

CODE_BYTES = 15
"""120 bits: what has 112 or more may be stored as a plain hash (OWASP ASVS 5.0, 6.5.2)."""


def code(secret: bytes, step: int) -> str:
    """The six digits of a step (RFC 4226, 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    at = mac[-1] & 15
    return f"{(int.from_bytes(mac[at : at + 4], 'big') & 0x7FFF_FFFF) % 1_000_000:06d}"


def accepted(secret: bytes, given: str, now: int, last: int) -> int | None:
    """The step whose code was given; None where none fits.

    Args:
        secret: the shared secret.
        given: what was typed.
        now: ms since 1970.
        last: the last step whose code was taken: it and those before it are never taken again.
    """
    digits = given.replace(" ", "")
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return None
    present = now // 1_000 // STEP
    found = None
    for step in range(present - DRIFT, present + DRIFT + 1):
        if hmac.compare_digest(code(secret, step), digits) and step > last:
            found = step
    return found


def uri(secret: bytes, email: str, issuer: str) -> str:
    """What an authenticator app reads from a QR code or a link."""
    label = quote(f"{issuer}:{email}", safe="")
    return f"otpauth://totp/{label}?secret={base32(secret)}&issuer={quote(issuer, safe='')}&digits=6&period={STEP}"


def base32(secret: bytes) -> str:
    """The secret as people type it."""
    return base64.b32encode(secret).decode().rstrip("=")


def recovery(random: bytes) -> list[str]:
    """Recovery codes made of random bytes, `CODE_BYTES` each: 24 letters and digits in groups of four."""
    parts = [
        base64.b32encode(random[at : at + CODE_BYTES]).decode().lower() for at in range(0, len(random), CODE_BYTES)
    ]
    return ["-".join(part[at : at + 4] for at in range(0, 24, 4)) for part in parts]


def recovery_digest(given: str) -> str:
    """What the store knows a recovery code by, however it was typed."""
    plain = given.replace("-", "").replace(" ", "").lower()
    return hashlib.sha256(b"consent recovery\x00" + plain.encode()).hexdigest()
