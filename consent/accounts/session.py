"""The session: what its sealed cookie holds, and when it is over. Pure.

The cookie names the account, the moment of signing in and a random id; the store keeps the id's digest, and without
that row the cookie opens nothing: who signs out is out, wherever the cookie went.
"""

import hashlib
import struct
from typing import NamedTuple

from consent.web.seal import Keyring

IDLE = 30 * 60_000
"""Milliseconds without a request after which a session is over (OWASP ASVS 5.0, 7.3.1)."""

ABSOLUTE = 12 * 3_600_000
"""Milliseconds after signing in (ASVS 5.0, 7.3.2)."""

TOUCH = 60_000
"""Milliseconds after which a request is noted as the latest."""

_FORMAT = struct.Struct(">16s16sQ")
_PURPOSE = b"consent account session\x00"


class Session(NamedTuple):
    """What a cookie says: ids of 16 bytes; `began` in ms."""

    account: bytes
    id: bytes
    began: int

    @property
    def digest(self) -> str:
        """What the store knows the session by."""
        return hashlib.sha256(b"consent session\x00" + self.id).hexdigest()

    def is_over(self, now: int, last: int) -> bool:
        """Whether it has ended by time; `last` is its latest request."""
        return not (self.began <= now + TOUCH and now < self.began + ABSOLUTE and now < last + IDLE + TOUCH)


def write(keys: Keyring, session: Session, nonce: bytes) -> str:
    """The cookie's value."""
    return keys.seal(_FORMAT.pack(*session), _PURPOSE, nonce)


def read(keys: Keyring, value: str) -> Session | None:
    """The session of a cookie; None for everything that we did not write. Never raises."""
    plain = keys.open(value, _PURPOSE)
    return Session(*_FORMAT.unpack(plain)) if plain is not None and len(plain) == _FORMAT.size else None


def name(*, secure: bool) -> str:
    """The cookie's name; a browser takes `__Host-` only over https, for this host alone."""
    return f"{'__Host-' if secure else ''}consent-account"
