"""Sealed text: AES-256-GCM (NIST SP 800-38D) under one of several keys, bound to what it was sealed for. Pure.

`1 | key id (4) | nonce (12) | ciphertext and tag`, in base64url without padding. What was sealed with a key that is no
longer kept, for something else, or was changed in any bit opens to nothing.
"""

import base64
import binascii
import re
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAX_LENGTH = 3_000
"""Characters. A longer one is not looked at, nor made: browsers keep no cookie of more than 4,096 bytes."""

NONCE_BYTES = 12
"""A random nonce repeats with a probability below 2^-32 up to 2^32 seals under one key (SP 800-38D, 8.3)."""

_VERSION = b"\x01"
_HEAD = 1 + 4 + NONCE_BYTES
_TEXT = re.compile(r"[A-Za-z0-9_-]+")


class Key(NamedTuple):
    """A key, its id of 4 bytes, and the day it was made (since 1970)."""

    id: bytes
    day: int
    secret: bytes

    def __repr__(self) -> str:
        return f"Key({self.id.hex()}, made on day {self.day})"


class Keyring:
    """Keys by id; the first seals, all open."""

    def __init__(self, keys: tuple[Key, ...]) -> None:
        """Raises ValueError when there is no key, or one is not of 32 bytes."""
        if not keys or any(len(key.secret) != 32 or len(key.id) != 4 for key in keys):
            raise ValueError("a keyring needs keys of 32 bytes with ids of 4")
        self.keys = keys
        self._ciphers = {key.id: AESGCM(key.secret) for key in keys}

    def seal(self, plain: bytes, purpose: bytes, nonce: bytes) -> str:
        """Seal for one purpose. Raises ValueError when it would become too long.

        Args:
            plain: what is sealed.
            purpose: what it is sealed for; it opens for nothing else.
            nonce: 12 random bytes, never used before.
        """
        if len(nonce) != NONCE_BYTES:
            raise ValueError(f"a nonce has {NONCE_BYTES} bytes")
        head = _VERSION + self.keys[0].id + nonce
        sealed = self._ciphers[self.keys[0].id].encrypt(nonce, plain, head[:5] + purpose)
        text = base64.urlsafe_b64encode(head + sealed).rstrip(b"=").decode()
        if len(text) > MAX_LENGTH:
            raise ValueError("too long to be sealed into a cookie")
        return text

    def open(self, text: str, purpose: bytes) -> bytes | None:
        """What was sealed; None for everything else. Never raises."""
        if len(text) > MAX_LENGTH or _TEXT.fullmatch(text) is None:
            return None
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except binascii.Error:
            return None
        if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != text:
            return None  # unused bits of the last character were set: another spelling of the same bytes
        cipher = self._ciphers.get(raw[1:5])
        if cipher is None or raw[:1] != _VERSION or len(raw) < _HEAD + 16:
            return None
        try:
            return cipher.decrypt(raw[5:_HEAD], raw[_HEAD:], raw[:5] + purpose)
        except InvalidTag:
            return None
