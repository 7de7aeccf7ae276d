"""How numbers and bytes are spelled in a ledger's texts: each value has one spelling."""

import binascii
import re
from base64 import b64decode, b64encode

from consent.ledger.errors import LedgerError

LARGEST = 2**53 - 1
"""The largest size or index: the largest whole number that JavaScript is sure of."""

_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}", re.ASCII)


def encoded(data: bytes) -> str:
    """Base64 of RFC 4648, section 4, padded."""
    return b64encode(data).decode()


def decoded(text: str, what: str, length: int | None = None) -> bytes:
    """The bytes of a base64 text; `what` names it in the LedgerError for another spelling or length."""
    try:
        data = b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise LedgerError(f"{what} is not base64.") from error
    if encoded(data) != text:
        raise LedgerError(f"{what} is not base64 as RFC 4648 spells it.")
    if length is not None and len(data) != length:
        raise LedgerError(f"{what} has {len(data)} bytes, not {length}.")
    return data


def number(text: str, what: str) -> int:
    """A whole number in decimal without leading zeros. Raises LedgerError for any other text."""
    if _NUMBER.fullmatch(text) is None or int(text) > LARGEST:
        raise LedgerError(f"{what} is not a whole number.")
    return int(text)
