"""Structured field values (RFC 8941): lists of strings and tokens, strings, booleans; what Client Hints are made of.

Strict and bounded: whatever is longer or does not match the grammar is nothing (RFC 8941, 4.2: ignore the field).
"""

import re
from typing import NamedTuple

MAX_LENGTH = 1_024
"""Characters looked at. Browsers' own brand lists have fewer than 200."""

MAX_MEMBERS = 16

_STRING = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"'
_WORD = r"[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]*"
_NUMBER = r"-?[0-9]{1,15}(?:\.[0-9]{1,3})?"
_ITEM = re.compile(f"(?:{_STRING}|{_WORD}|{_NUMBER}|\\?[01])")
_PARAMETER = re.compile(f";\x20*([a-z*][a-z0-9_\\-.*]*)(?:=({_STRING}|{_WORD}|{_NUMBER}|\\?[01]))?")
_COMMA = re.compile(r"[ \t]*,[ \t]*")
_BARE = re.compile(_STRING)


class Member(NamedTuple):
    """One member of a list: its text, and its `v` parameter where that is a string."""

    text: str
    version: str


def read_list(value: str) -> list[Member]:
    """The strings and tokens of a list with their versions; empty for what is no list, or too long."""
    value = value.strip(" ")
    if not 0 < len(value) <= MAX_LENGTH:
        return []
    members: list[Member] = []
    at = 0
    while len(members) < MAX_MEMBERS:
        item = _ITEM.match(value, at)
        if item is None:
            return []
        version, at = _parameters(value, item.end())
        members.append(Member(_text(item[0]), version))
        if at == len(value):
            return members
        comma = _COMMA.match(value, at)
        if comma is None:
            return []
        at = comma.end()
    return []


def read_string(value: str) -> str | None:
    """The text of a string; None for anything else."""
    value = value.strip(" ")
    return _text(value) if len(value) <= MAX_LENGTH and _BARE.fullmatch(value) else None


def read_boolean(value: str) -> bool | None:
    """`?1` and `?0`; None for anything else."""
    return {"?1": True, "?0": False}.get(value.strip(" "))


def _parameters(value: str, at: int) -> tuple[str, int]:
    version = ""
    while (found := _PARAMETER.match(value, at)) is not None:
        at = found.end()
        if found[1] == "v" and (found[2] or "").startswith('"'):
            version = _text(found[2])
    return version, at


def _text(item: str) -> str:
    return re.sub(r"\\(.)", r"\1", item[1:-1]) if item.startswith('"') else item
