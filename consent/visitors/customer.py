"""What a site's server or page says of a customer who is signed in, as far as the policy lets it. Pure."""

import re
from collections.abc import Mapping

import msgspec

from consent.visitors.visit import DAY

CUSTOMER_LASTS = DAY
"""Milliseconds after which what a site said of its customer is forgotten, unless it says it again."""

CUSTOMER_FIELDS = 10
CUSTOMER_TEXT = 100

ROOM = 1_800
"""Bytes for the id and the fields with their names: sealed, less than 3,000 characters."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class Customer(msgspec.Struct, frozen=True, array_like=True):
    """What the site said of a customer who is signed in: its id of them, and the fields its policy declares."""

    id: str
    fields: dict[str, str]
    said: int


def declared(
    identifier: str, fields: Mapping[str, str], names: frozenset[str], now: int
) -> tuple[Customer | None, list[str]]:
    """A customer as far as the policy lets the site tell: declared fields only, at most ten, short and printable.

    Returns the customer, or None where the id is none, and the reasons why something was left out.
    """
    plain = _UNPRINTABLE.sub("", identifier[: 2 * CUSTOMER_TEXT]).strip()
    if not plain or len(plain) > CUSTOMER_TEXT:
        return None, ["customer-id"]
    kept: dict[str, str] = {}
    room = ROOM - len(plain.encode())
    reasons: list[str] = []
    for field, text in list(fields.items())[: 4 * CUSTOMER_FIELDS]:
        clean = _UNPRINTABLE.sub("", text[: CUSTOMER_TEXT + 1])
        size = len(field) + len(clean.encode())
        if field not in names or _NAME.fullmatch(field) is None:
            reasons.append("customer-field-undeclared")
        elif len(clean) > CUSTOMER_TEXT:
            reasons.append("customer-field-too-long")
        elif len(kept) == CUSTOMER_FIELDS:
            reasons.append("customer-too-many-fields")
        elif size > room:
            reasons.append("customer-too-large")
        else:
            kept[field] = clean
            room -= size
    return Customer(plain, kept, now), reasons


def within(customer: Customer | None, names: frozenset[str]) -> Customer | None:
    """What of a customer whom a cookie tells of is declared today: a policy of before may have let more be told."""
    if customer is None or not names:
        return None
    if customer.fields.keys() <= names:
        return customer
    return Customer(customer.id, {key: text for key, text in customer.fields.items() if key in names}, customer.said)
