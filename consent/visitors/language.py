"""The languages a browser asks for (RFC 9110, 12.5.4), the most wanted first; bounded."""

import re

MOST = 8
"""Languages kept. A longer list tells more of who somebody is than of what they read."""

MAX_LENGTH = 512

_RANGE = re.compile(
    r"([A-Za-z]{2,3})(?:-([A-Za-z]{4}))?(?:-([A-Za-z]{2}|[0-9]{3}))?(?:-[A-Za-z0-9]{1,8}){0,3}"
    r"[ \t]*(?:;[ \t]*[qQ]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?"
)


def languages(value: str) -> tuple[str, ...]:
    """Tags such as `de-AT` or `zh-Hant-TW` by weight, each once; malformed ranges and `*` are left out."""
    weighted: dict[str, float] = {}
    for part in value[:MAX_LENGTH].split(",")[: 4 * MOST]:
        found = _RANGE.fullmatch(part.strip(" \t"))
        if found is None:
            continue
        script, region = (found[2] or "").title(), (found[3] or "").upper()
        tag = "-".join(piece for piece in (found[1].lower(), script, region) if piece)
        weight = float(found[4]) if found[4] else 1.0
        if weight > weighted.get(tag, 0.0):
            weighted[tag] = weight
    return tuple(sorted(weighted, key=lambda tag: -weighted[tag])[:MOST])


def primary(tags: tuple[str, ...]) -> str:
    """The first language without region or script: all that an anonymous count may know. Empty when there is none."""
    return tags[0].partition("-")[0] if tags else ""
