"""The keys that seal cookies: a file outside the database, readable by the service's user alone.

One line a key, the newest first: its id (8 hex digits), its day (since 1970), and 32 bytes in base64url.
"""

import base64
import os
import re
from collections.abc import Callable
from pathlib import Path

from consent.db.place import secret
from consent.errors import Problem
from consent.web.seal import Key, Keyring

MOST = 6
"""Keys kept. Turned once a quarter, the oldest is older than any cookie it sealed may become (13 months)."""

_LINE = re.compile(r"([0-9a-f]{8}) ([0-9]{1,6}) ([A-Za-z0-9_-]{43})")

Chance = Callable[[int], bytes]


def open_keyring(path: Path, day: int, chance: Chance) -> Keyring:
    """The keys of a file, made with one where there is none. Raises Problem where it holds something else."""
    return _parse(path, secret(path, _line(_fresh(day, chance))))


def turn(path: Path, day: int, chance: Chance) -> Keyring:
    """Put a new key in front; what the others sealed is still read until they drop out. Whole or not at all."""
    keys = [_fresh(day, chance), *open_keyring(path, day, chance).keys][:MOST]
    made = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write("".join(map(_line, keys)))
        file.flush()
        os.fsync(file.fileno())
    made.replace(path)
    return Keyring(tuple(keys))


def _fresh(day: int, chance: Chance) -> Key:
    return Key(chance(4), day, chance(32))


def _line(key: Key) -> str:
    return f"{key.id.hex()} {key.day} {base64.urlsafe_b64encode(key.secret)[:43].decode()}\n"


def _parse(path: Path, text: str) -> Keyring:
    found = [_LINE.fullmatch(line) for line in text.splitlines()]
    lines = [line for line in found if line is not None]
    if not lines or len(lines) != len(found) or len(lines) > MOST:
        raise Problem(
            "cookie_keys",
            f"{path} does not hold the keys that seal cookies.",
            "Put it back from a backup, or remove it: visitors then count as new.",
        )
    return Keyring(
        tuple(Key(bytes.fromhex(one[1]), int(one[2]), base64.urlsafe_b64decode(one[3] + "=")) for one in lines)
    )
