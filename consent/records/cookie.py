"""The choice cookie: what a visitor decided, in one readable line that names nobody (docs/formats.md, section 2).

`1.DAY.SCOPE.SIGNALS.PURPOSES.SERVICES.SUM`. The browser's twin is `widget/src/cookie.js`;
both pass `tests/vectors/cookie.json`.
"""

import re
from typing import Literal, cast

import msgspec

Letter = Literal["g", "d", "w", "o"]
"""granted, denied, withdrawn, objected; a purpose that was never decided is left out."""

Grant = Literal["g", "d"]
"""What a visitor may say of one service apart from its purposes."""

MAX_LENGTH = 3_000
"""Longer is no choice: browsers drop cookies of more than 4,096 bytes, name and attributes included (RFC 6265, 6.1)."""

_KEY = "[a-z][a-z0-9-]{0,39}"
_PURPOSES = f"(?:{_KEY}:[gdwo](?:\\+{_KEY}:[gdwo])*)?"
_SERVICES = f"(?:{_KEY}:[gd](?:\\+{_KEY}:[gd])*)?"
_NUMBER = "(?:0|[1-9a-z][0-9a-z]{0,%d})"
_COOKIE = re.compile(
    rf"1\.({_NUMBER % 3})\.([0-9a-f]{{8}})\.([-g])(?:~([a-z]{{2,16}}))?\.({_PURPOSES})\.({_SERVICES})\.({_NUMBER % 6})"
)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A visitor's choice. `day` counts from 1970-01-01 (UTC); `sum` is the checksum of the list it belongs to, base 36.

    `regime` is empty unless the choice is only a default that an opt-out regime applies without asking.
    `services` holds only services that were decided otherwise than by their purposes.
    """

    day: int
    scope: str
    gpc: bool = False
    regime: str = ""
    purposes: dict[str, Letter] = {}
    services: dict[str, Grant] = {}
    sum: str = "0"


def base36(number: int) -> str:
    """Write a number >= 0 with the digits 0-9a-z, as JavaScript's `toString(36)` does."""
    text = ""
    while number >= 36:
        number, rest = divmod(number, 36)
        text = _DIGITS[rest] + text
    return _DIGITS[number] + text


def encode(choice: Choice) -> str:
    """Write the cookie's value. Raises ValueError for a choice that would not read back as itself."""
    signals = ("g" if choice.gpc else "-") + (f"~{choice.regime}" if choice.regime else "")
    purposes = "+".join(f"{key}:{state}" for key, state in choice.purposes.items())
    services = "+".join(f"{key}:{choice.services[key]}" for key in sorted(choice.services))
    text = f"1.{base36(choice.day)}.{choice.scope}.{signals}.{purposes}.{services}.{choice.sum}"
    if len(text) > MAX_LENGTH or _COOKIE.fullmatch(text) is None:
        raise ValueError(f"this choice does not fit the cookie's pattern: {text[:80]}")
    return text


def decode(text: str) -> Choice | None:
    """Read a cookie's value; None for whatever does not match the whole pattern, whoever wrote it."""
    if len(text) > MAX_LENGTH:
        return None
    match = _COOKIE.fullmatch(text)
    if match is None:
        return None
    day, scope, signal, regime, purpose_text, service_text, checksum = match.groups()
    purposes = _pairs(purpose_text)
    services = _pairs(service_text)
    if purposes is None or services is None or list(services) != sorted(services):
        return None
    return Choice(
        day=int(day, 36),
        scope=scope,
        gpc=signal == "g",
        regime=regime or "",
        purposes=purposes,
        services=services,  # type: ignore[arg-type]  # the pattern lets only g and d through
        sum=checksum,
    )


def read(header: str, name: str) -> Choice | None:
    """Read the choice out of a `Cookie` header; several of the name count as the stricter of all."""
    found: Choice | None = None
    for part in header.split(";"):
        key, _, value = part.strip(" \t").partition("=")
        choice = decode(value) if key == name else None
        if choice is not None:
            found = choice if found is None else stricter(found, choice)
    return found


def stricter(one: Choice, other: Choice) -> Choice:
    """The choice that allows nothing which one of the two does not allow.

    Where they differ, the scope reads as outdated and the checksum as no list's: the visitor is asked again.
    """
    return Choice(
        day=min(one.day, other.day),
        scope=one.scope if one.scope == other.scope else "00000000",
        gpc=one.gpc and other.gpc,
        regime=one.regime or other.regime,
        purposes=_stricter_purposes(one.purposes, other.purposes),
        services=_stricter_services(one.services, other.services),
        sum=one.sum if one.sum == other.sum else "0",
    )


def _stricter_purposes(one: dict[str, Letter], other: dict[str, Letter]) -> dict[str, Letter]:
    """First refusal wins; a grant stays only where both granted."""
    result: dict[str, Letter] = {}
    for key in [*one, *(key for key in other if key not in one)]:
        states = [states[key] for states in (one, other) if key in states]
        refusals = [state for state in states if state != "g"]
        if refusals:
            result[key] = refusals[0]
        elif len(states) == 2:
            result[key] = "g"
    return result


def _stricter_services(one: dict[str, Grant], other: dict[str, Grant]) -> dict[str, Grant]:
    """A denial of either stays; a grant stays only where both wrote it."""
    denied = {key for states in (one, other) for key, state in states.items() if state == "d"}
    granted = {key for key in one.keys() & other.keys() if key not in denied}
    return {key: ("d" if key in denied else "g") for key in sorted(denied | granted)}


def _pairs(text: str) -> dict[str, Letter] | None:
    """`key:s+key:s` as a dict in the same order; None when a key stands there twice."""
    pairs = [pair.split(":") for pair in text.split("+")] if text else []
    result = cast("dict[str, Letter]", dict(pairs))
    return result if len(result) == len(pairs) else None
