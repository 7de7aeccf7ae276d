"""HTTP's own rules for picking a coding and for "not modified" (RFC 9110, sections 12.5.3 and 13.1.2). Pure."""

import re
from collections.abc import Sequence
from typing import Literal

Coding = Literal["br", "gzip", "identity"]

#: What we can send, best first where a client likes several equally.
CODINGS: tuple[Coding, ...] = ("br", "gzip", "identity")

_MAX_HEADER = 1000  # longer ones say nothing that a browser says
_PART = re.compile(r"([!#$%&'*+.^_`|~0-9a-z-]+)(?:\s*;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?", re.ASCII)
_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def choose_coding(headers: Sequence[str]) -> Coding:
    """The coding to answer `Accept-Encoding` with. Without a header, or where nothing fits: identity."""
    weights = _weights(",".join(headers)[:_MAX_HEADER])
    if not weights:
        return "identity"
    rest = weights.get("*", 0.0)
    liked = {coding: weights.get(coding, weights.get(f"x-{coding}", rest)) for coding in CODINGS}
    if "identity" not in weights and "*" not in weights:
        liked["identity"] = 0.001  # acceptable unless it was excluded, yet least
    best = max(CODINGS, key=lambda coding: liked[coding])
    return best if liked[best] > 0 else "identity"


def _weights(header: str) -> dict[str, float]:
    """Codings with their weight; one with a weight that is none is left out, so that it is never chosen by mistake."""
    parts = (_PART.fullmatch(part.strip().lower()) for part in header.split(","))
    return {part[1]: float(part[2] or 1) for part in parts if part}


def is_unmodified(headers: Sequence[str], etag: str) -> bool:
    """Whether `If-None-Match` names this entity tag (weak comparison, as section 13.1.2 asks), or any with `*`."""
    value = ", ".join(headers)[: _MAX_HEADER * 4].strip()
    return value == "*" or etag.removeprefix("W/") in _TAG.findall(value)
