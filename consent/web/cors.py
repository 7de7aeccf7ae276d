"""Strict CORS: the exact origins of a site, echoed; no credentials, no wildcards, `null` never."""

from collections.abc import Collection

from consent.errors import Forbidden
from consent.web.answer import Headers

PREFLIGHT_SECONDS = 7_200
"""How long a browser may remember a preflight: two hours, the longest that Chromium takes."""

VARY = (b"vary", b"Origin")
EXPOSE = (b"access-control-expose-headers", b"Retry-After")
"""Lets a script of an allowed origin read how long an error asks it to wait."""


def check(origins: list[bytes], allowed: Collection[bytes]) -> bytes:
    """The request's origin. Raises Forbidden unless it has exactly one and that is allowed."""
    if len(origins) == 1 and origins[0] in allowed:
        return origins[0]
    raise Forbidden(
        "wrong_origin",
        "The site's policy does not list the page that sent this.",
        "Add the page's origin (scheme://host:port) to `origins` in the policy and publish it.",
    )


def granted(origin: bytes) -> Headers:
    """The headers by which a script of that origin may read the answer."""
    return (b"access-control-allow-origin", origin), VARY


def preflight(origin: bytes, methods: bytes) -> Headers:
    """The headers of the answer to a preflight."""
    return (
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-methods", methods),
        (b"access-control-allow-headers", b"Content-Type"),
        (b"access-control-max-age", b"%d" % PREFLIGHT_SECONDS),
        VARY,
    )
