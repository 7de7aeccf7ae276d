"""The account's cookies: the session, and the e-mail address where somebody wants it remembered."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from consent.accounts import session
from consent.web.seal import NONCE_BYTES, Keyring
from consent.web.setcookie import set_cookie

EMAIL_LASTS = 180 * 86_400
"""Seconds."""

_EMAIL = b"consent account email\x00"
_JOURNEY = b"consent account journey\x00"


class Described(NamedTuple):
    """A cookie as `consent cookies` tells it."""

    kind: str
    name: str
    purpose: str
    lifetime: str
    set_when: str
    http_only: bool


ALL: tuple[Described, ...] = (
    Described("account", "__Host-consent-account", "signing in to the console",
              "until the browser is closed, 30 idle minutes, or 12 hours", "when somebody signs in", True),
    Described("email", "__Host-consent-email", "the address in the sign-in form", "180 days",
              "when somebody signs in and wants it remembered", True),
    Described("provider", "__Host-consent-provider", "the way to an OpenID provider and back", "10 minutes",
              "when somebody goes there to sign in", True),
)  # fmt: skip
"""What people who sign in get; no visitor of a site ever does. On plain http names are without `__Host-`."""


class Jar:
    """Writes and reads both; over https they are for this host alone (`__Host-`), and never leave it (Strict)."""

    def __init__(self, keys: Keyring, *, secure: bool) -> None:
        self._keys = keys
        self._secure = secure
        self.session_name = session.name(secure=secure)
        self._journey_name = f"{'__Host-' if secure else ''}consent-provider"
        self.email_name = f"{'__Host-' if secure else ''}consent-email"

    def session(self, value: str) -> str:
        """The `Set-Cookie` of a session: it ends with the browser."""
        return self._set(self.session_name, value, None)

    def no_session(self) -> str:
        """The `Set-Cookie` that takes the session away."""
        return self._set(self.session_name, "", 0)

    def email(self, email: str) -> str:
        """The `Set-Cookie` that remembers an address for the next sign-in."""
        return self._set(
            self.email_name, self._keys.seal(email.encode(), _EMAIL, os.urandom(NONCE_BYTES)), EMAIL_LASTS
        )  # fmt: skip

    def no_email(self) -> str:
        """The `Set-Cookie` that forgets the address."""
        return self._set(self.email_name, "", 0)

    def read_email(self, cookies: Mapping[str, str]) -> str:
        """The remembered address, or nothing."""
        plain = self._keys.open(cookies.get(self.email_name, ""), _EMAIL)
        return plain.decode("utf-8", "replace") if plain else ""

    def journey(self, plain: bytes) -> str:
        """The `Set-Cookie` of a way to a provider: it has to come along on the way back, which begins elsewhere."""
        value = self._keys.seal(plain, _JOURNEY, os.urandom(NONCE_BYTES))
        return set_cookie(self._journey_name, value, max_age=600, secure=self._secure, http_only=True, same_site="Lax")

    def no_journey(self) -> str:
        """The `Set-Cookie` that ends the way."""
        return set_cookie(self._journey_name, "", max_age=0, secure=self._secure, http_only=True, same_site="Lax")

    def read_journey(self, cookies: Mapping[str, str]) -> bytes:
        """What was remembered of the way, or nothing."""
        return self._keys.open(cookies.get(self._journey_name, ""), _JOURNEY) or b""

    def _set(self, name: str, value: str, age: int | None) -> str:
        return set_cookie(name, value, max_age=age, secure=self._secure, http_only=True, same_site="Strict")
