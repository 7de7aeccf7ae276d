"""Ids of records: UUIDv7 (RFC 9562, 5.7), whose order is the order of time. Pure; clock and chance are handed in."""

import base64
import re

RANDOM_BYTES = 10
"""What `uuid7` needs for one id; 74 of its bits are used."""

_BACKWARDS = 1_000
_RECEIPT = re.compile(r"[A-Za-z0-9_-]{22}")


def uuid7(milliseconds: int, random: bytes) -> bytes:
    """The 16 bytes of an id made at a time (ms since 1970)."""
    number = int.from_bytes(random[:RANDOM_BYTES], "big")
    high = (number >> 64) & 0x0FFF | 0x7000
    low = number & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    return (milliseconds << 80 | high << 64 | low).to_bytes(16, "big")


def text(identifier: bytes) -> str:
    """An id as people write it, 8-4-4-4-12 hex digits."""
    digits = identifier.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def compact(identifier: bytes) -> str:
    """An id in 22 characters of base64url: a receipt, or the cursor of a page."""
    return base64.urlsafe_b64encode(identifier)[:22].decode()


def expand(short: str) -> str | None:
    """The id behind a compact one, as text; None for what is none."""
    return text(base64.urlsafe_b64decode(short + "==")) if _RECEIPT.fullmatch(short) else None


def first_of(milliseconds: int) -> str:
    """A text that sorts before every id of this millisecond or later, and after every earlier one."""
    digits = f"{max(0, min(milliseconds, 2**48 - 1)):012x}"
    return f"{digits[:8]}-{digits[8:]}"


def steady(last: int, now: int) -> int:
    """The time to stamp after `last` (both ms): never earlier, unless the clock was set back by more than a second.

    Small steps back are a clock being corrected and would put records out of order; a large one means that the clock
    was wrong, and going on with the wrong time would be worse.
    """
    return now if now >= last or last - now > _BACKWARDS else last
