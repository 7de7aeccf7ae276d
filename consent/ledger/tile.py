"""Tiles and entry bundles of C2SP tlog-tiles: their paths and their bytes."""

import re
from collections.abc import Iterable

from consent.ledger.errors import LedgerError

WIDTH = 256
"""Hashes of a full tile, entries of a full bundle."""

Level = int | str
"""0 to 63, or "entries"."""

_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)
_LONGEST = 40


def tile_path(level: Level, index: int, width: int = WIDTH) -> str:
    """`tile/<L>/<N>[.p/<W>]`, the index in groups of three digits: 1234067 is x001/x234/067."""
    if (isinstance(level, str) and level != "entries") or (isinstance(level, int) and not 0 <= level <= 63):
        raise LedgerError(f"There is no tile level {level}.")
    if index < 0 or not 1 <= width <= WIDTH:
        raise LedgerError(f"There is no tile {index} of width {width}.")
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{name}" + (f".p/{width}" if width < WIDTH else "")


def parse_tile_path(path: str) -> tuple[Level, int, int]:
    """Level, index and width of a path. Raises LedgerError for any but the one spelling that `tile_path` gives."""
    found = _PATH.fullmatch(path) if len(path) <= _LONGEST else None
    if found is None:
        raise LedgerError(f"{path[:_LONGEST]!r} is not the path of a tile.")
    level: Level = found[1] if found[1] == "entries" else int(found[1])
    index, width = int(found[2].replace("x", "").replace("/", "")), int(found[3] or WIDTH)
    if (found[3] and width == WIDTH) or tile_path(level, index, width) != path:
        raise LedgerError(f"{path!r} is not the path of a tile.")
    return level, index, width


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries one after the other, each behind its length as a big-endian uint16."""
    parts = []
    for entry in entries:
        if len(entry) > 0xFFFF:
            raise LedgerError("An entry is at most 65,535 bytes long.")
        parts.append(len(entry).to_bytes(2, "big") + entry)
    return b"".join(parts)


def parse_bundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. Raises LedgerError when it ends within one or holds more than 256."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise LedgerError(f"The bundle ends within its entry {len(entries)}.")
        entries.append(data[at + 2 : end])
        at = end
    if len(entries) > WIDTH:
        raise LedgerError(f"A bundle holds at most {WIDTH} entries.")
    return entries


def width_at(size: int, level: int, index: int) -> int:
    """How many hashes tile `index` of a level has in a tree of `size` leaves: 0 to 256."""
    return max(0, min(WIDTH, (size >> (8 * level)) - index * WIDTH))


def split(hashes: bytes) -> list[bytes]:
    """The hashes of a tile's bytes. Raises LedgerError when they are not whole."""
    if not hashes or len(hashes) % 32 or len(hashes) > WIDTH * 32:
        raise LedgerError("A tile is 1 to 256 hashes of 32 bytes.")
    return [hashes[at : at + 32] for at in range(0, len(hashes), 32)]
