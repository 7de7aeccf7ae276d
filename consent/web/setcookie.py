"""Our own `Set-Cookie` writer: what does not fit the grammar is an error here, never a second header there."""

import re
from typing import Literal

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")
_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*")
_PATH = re.compile(r"/[\x21-\x3a\x3c-\x7e]*")

MAX_AGE = 400 * 86_400
"""Seconds. Browsers keep no cookie longer (RFC 6265bis, 5.6.2)."""


def set_cookie(
    name: str,
    value: str,
    *,
    max_age: int | None,
    domain: str = "",
    path: str = "/",
    secure: bool,
    http_only: bool = False,
    same_site: Literal["Lax", "Strict", "None"] = "Lax",
    partitioned: bool = False,
) -> str:
    """Write the header's value (RFC 6265bis, 4.1). `max_age` is in seconds: 0 removes it, None ends with the browser.

    Raises ValueError for what the grammar or browsers would not take.
    """
    for text, pattern in ((name, _NAME), (value, _VALUE), (path, _PATH)):
        if pattern.fullmatch(text) is None:
            raise ValueError(f"not allowed in a cookie: {text[:80]!r}")
    if domain and _DOMAIN.fullmatch(domain) is None:
        raise ValueError(f"not a domain: {domain[:80]!r}")
    if max_age is not None and not 0 <= max_age <= MAX_AGE:
        raise ValueError(f"a cookie lives at most {MAX_AGE} seconds, not {max_age}")
    kind = name.lower()  # browsers compare prefixes without regard to case (RFC 6265bis, 5.7)
    if (partitioned or same_site == "None" or kind.startswith(("__host-", "__secure-"))) and not secure:
        raise ValueError(f"the cookie {name} must be secure")
    if kind.startswith("__host-") and (domain or path != "/"):
        raise ValueError(f"the cookie {name} must have no domain and the path /")
    age = [] if max_age is None else [f"Max-Age={max_age}"]
    parts = [f"{name}={value}", f"Path={path}", *age, f"SameSite={same_site}"]
    parts += [f"Domain={domain}"] if domain else []
    parts += [word for word, wanted in (("Secure", secure), ("HttpOnly", http_only)) if wanted]
    return "; ".join(parts + (["Partitioned"] if partitioned else []))
