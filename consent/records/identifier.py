"""Ids of records: UUIDv7 (RFC 9562, 5.7), whose order is the order of time. Pure; clock and chance are handed in."""

import base64
import re
from typing import NamedTuple

RANDOM_BYTES = 8
"""What `uuid7` needs for one id; 62 of its bits are used."""

_BACKWARDS = 1_000
_COUNTS = 4_096
_RECEIPT = re.compile(r"[A-Za-z0-9_-]{22}")


class Stamp(NamedTuple):
    """A moment that no other id of this process has: milliseconds since 1970, and a number within them."""

    time: int
    number: int


def following(last: Stamp, now: int) -> Stamp:
    """The stamp after `last`, at `now` (ms): later than it, unless the clock was set back by more than a second.

    Small steps back are a clock being corrected and would put records out of order; a large one means that the clock
    was wrong, and going on with the wrong time would be worse.
    """
    if now > last.time or last.time - now > _BACKWARDS:
        return Stamp(now, 0)
    if last.number + 1 < _COUNTS:
        return Stamp(last.time, last.number + 1)
    return Stamp(last.time + 1, 0)


def uuid7(stamp: Stamp, random: bytes) -> bytes:
    """The 16 bytes of an id; the number stands in front of the random bits (RFC 9562, 6.2, method 1)."""
    high = stamp.time << 16 | 0x7000 | stamp.number
    low = int.from_bytes(random[:RANDOM_BYTES], "big") & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
    return (high << 64 | low).to_bytes(16, "big")


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
