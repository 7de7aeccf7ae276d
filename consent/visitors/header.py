"""Header lines as they came in: bytes of anybody's making, turned into short printable text."""

import re
from collections.abc import Iterable, Mapping

MAX_LENGTH = 1_024
"""Characters of one header that are looked at; what follows is not."""

_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


def pick(headers: Iterable[tuple[bytes, bytes]], names: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The line of each of these names (lower case, as ASGI gives them), cut to `MAX_LENGTH`; the last where several."""
    lines = dict(headers)
    return tuple([lines[name][:MAX_LENGTH] if name in lines else b"" for name in names])


def printable(value: bytes) -> str:
    """At most `MAX_LENGTH` characters; each run of others than printable ASCII becomes one space."""
    return _UNPRINTABLE.sub(" ", value[:MAX_LENGTH].decode("latin-1")).strip()


def as_lines(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers by name, as a log or a test has them, in ASGI's form."""
    return [
        (name.lower().encode("latin-1", "replace"), text.encode("utf-8", "replace")) for name, text in headers.items()
    ]
