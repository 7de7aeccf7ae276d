"""An account, and what its roles allow. Pure."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from consent.errors import Problem
from consent.web.address import Network
from consent.web.gate import Need

EVERY_SITE = 0
"""Stands for every site where a site's id would stand."""

MAX_EMAIL = 254
"""Characters (RFC 5321, 4.5.3.1.3, without its brackets)."""

READS = (Need.FIGURES, Need.LOG, Need.VISITS, Need.EXPORTS, Need.ACCESS)
"""What a token can be made for."""


class Role(StrEnum):
    """What somebody is at a site."""

    OWNER = "owner"  # manages, and sees everything
    ANALYST = "analyst"  # reads figures, log, visits and exports
    AUDITOR = "auditor"  # reads the log, its proofs, and who looked


NEEDS: Mapping[Role, frozenset[Need]] = {
    Role.OWNER: frozenset({Need.OWN, Need.MANAGE, *READS}),
    Role.ANALYST: frozenset({Need.OWN, Need.FIGURES, Need.LOG, Need.VISITS, Need.EXPORTS}),
    Role.AUDITOR: frozenset({Need.OWN, Need.LOG, Need.ACCESS}),
}


class Account(msgspec.Struct, frozen=True):
    """Times in ms since 1970; `state` is invited, active or closed."""

    id: str
    email: str
    state: str
    password: str
    totp: str
    totp_step: int
    networks: tuple[Network, ...]
    issuer: str
    subject: str
    created: int
    seen: int
    roles: Mapping[int, Role] = {}

    def __repr__(self) -> str:
        return f"Account({self.id})"


def grants(roles: Mapping[int, Role]) -> dict[int, frozenset[Need]]:
    """What roles allow, by site."""
    return {site_id: NEEDS[role] for site_id, role in roles.items()}


_EMAIL = re.compile(r"[^\s@<>()\[\]\\,;:\"'`\x00-\x1f\x7f]+@[^\s@<>()\[\]\\,;:\"'`/?#\x00-\x1f\x7f]+\.[^\s@.<>]+")


def check_email(text: str) -> str:
    """An e-mail address in the one way it is stored: NFC, small letters. Raises Problem for what cannot be one."""
    email = unicodedata.normalize("NFC", text.strip()).lower()
    unseen = any(unicodedata.category(one) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") for one in email)
    if len(email) > MAX_EMAIL or unseen or _EMAIL.fullmatch(email) is None:
        raise Problem(
            "email", f"{text[:80]!r} is not an e-mail address.", "Write it as name@example.com.", field="email"
        )
    return email


def check_role(text: str) -> Role:
    """A role by its word. Raises Problem."""
    try:
        return Role(text.strip().lower())
    except ValueError:
        known = ", ".join(Role)
        raise Problem("role", f"There is no role {text[:40]!r}.", f"Known are: {known}.", field="role") from None


def check_reads(words: Iterable[str]) -> frozenset[Need]:
    """What a token is made for, by its words. Raises Problem."""
    known = {str(one): one for one in READS}
    asked = set(words)
    if not asked or not asked <= known.keys():
        raise Problem(
            "token_reads",
            "A token is made for one or more kinds of reading.",
            f"Known are: {', '.join(known)}.",
            field="reads",
        )
    return frozenset(known[word] for word in asked)
