"""What a site's own server tells of requests: the body of `POST /v1/{site}/requests` (docs/formats.md). Pure.

The middleware writes it, the endpoint reads it. Nothing here needs more than what both have.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from consent.errors import Problem

MAX_BODY = 65_536

MAX_REQUESTS = 200
"""Requests of one body; further ones are dropped."""

KINDS = ("visitor", "session", "customer")
OURS = frozenset(f"{prefix}consent-{kind}" for kind in KINDS for prefix in ("__Host-", ""))
"""Names of our own cookies; with the choice's no others are told."""

HEADERS = (
    "user-agent",
    "accept-language",
    "sec-gpc",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-ch-ua-full-version-list",
    "sec-ch-ua-platform-version",
    "sec-ch-ua-model",
    "sec-ch-ua-form-factors",
)
"""Headers that are told where they came; no others."""

MAX_HEADER = 1_024
MAX_URL = 2_048
MAX_COOKIES = 16_384
"""Characters that are told of a header, an address, the cookies."""

Word = Annotated[str, msgspec.Meta(max_length=64)]
Long = Annotated[str, msgspec.Meta(max_length=MAX_COOKIES)]


class Told(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """One request. `id`: 32 hex digits; `time` ms since 1970; `took` ms until the answer was whole.

    `address` is the visitor's: in full only where cookies of ours came, else its network.
    """

    id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    time: Annotated[int, msgspec.Meta(ge=0, le=1 << 46)]
    method: Word
    url: Long
    status: Annotated[int, msgspec.Meta(ge=100, le=599)]
    took: Annotated[int, msgspec.Meta(ge=0, le=86_400_000)] = 0
    referrer: Long = ""
    address: Word = ""
    headers: Annotated[dict[Word, Long], msgspec.Meta(max_length=20)] = {}
    cookies: Long = ""


class RequestsTold(msgspec.Struct, forbid_unknown_fields=True):
    """The body."""

    requests: list[Told]


class _Loose(msgspec.Struct, forbid_unknown_fields=True):
    """The same with requests that are read one by one."""

    requests: list[msgspec.Raw]


_LOOSE = msgspec.json.Decoder(_Loose)
_TOLD = msgspec.json.Decoder(Told)


def read(body: bytes) -> tuple[list[Told], dict[str, int]]:
    """The requests of a body, and how many were left out by reason. Raises Problem where it is no such body."""
    try:
        raw = _LOOSE.decode(body).requests
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        remedy = "Send what consent.telemetry.middleware sends: docs/formats.md."
        raise Problem("invalid", f"The body does not fit: {str(error)[:200]}.", remedy, field="requests") from error
    left = {"too-many": len(raw) - MAX_REQUESTS} if len(raw) > MAX_REQUESTS else {}
    found = []
    for one in raw[:MAX_REQUESTS]:
        try:
            found.append(_TOLD.decode(one))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            left["malformed"] = left.get("malformed", 0) + 1
    return found, left


def write(requests: Sequence[Told | msgspec.Raw]) -> bytes:
    """The body that tells them."""
    return msgspec.json.encode({"requests": requests})


def encode(request: Told) -> msgspec.Raw:
    """One of them, as it stands in a body."""
    return msgspec.Raw(msgspec.json.encode(request))


def ours(header: str, choice: str) -> str:
    """Of a Cookie header what is told: the choice's cookie and our own, nothing else."""
    if choice not in header and "consent-" not in header:
        return ""
    parts = [part.strip(" \t") for part in header[:MAX_COOKIES].split(";")]
    kept = [part for part in parts if (name := part.partition("=")[0]) == choice or name in OURS]
    return "; ".join(kept)
