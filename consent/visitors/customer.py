"""What a site's server or page says of a customer who is signed in, as far as the policy lets it. Pure."""

import re
from collections.abc import Mapping

import msgspec

from consent.visitors.visit import DAY

CUSTOMER_LASTS = DAY
"""Milliseconds after which what a site said of its customer is forgotten, unless it says it again."""

CUSTOMER_FIELDS = 10
CUSTOMER_TEXT = 100

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


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
    plain = _UNPRINTABLE.sub("", identifier)[: CUSTOMER_TEXT + 1].strip()
    if not plain or len(plain) > CUSTOMER_TEXT:
        return None, ["customer-id"]
    kept: dict[str, str] = {}
    reasons: list[str] = []
    for field, text in list(fields.items())[: 4 * CUSTOMER_FIELDS]:
        if field not in names or _NAME.fullmatch(field) is None:
            reasons.append("customer-field-undeclared")
        elif len(text) > CUSTOMER_TEXT:
            reasons.append("customer-field-too-long")
        elif len(kept) == CUSTOMER_FIELDS:
            reasons.append("customer-too-many-fields")
        else:
            kept[field] = _UNPRINTABLE.sub("", text)
    return Customer(plain, kept, now), reasons
