"""What comes in with events, and what comes of them: plain values, so that a log's line is taken as a request is."""

from collections.abc import Mapping

import msgspec

from consent.regimes.geo import Place
from consent.telemetry.facts import AGENT
from consent.telemetry.gate import Level
from consent.visitors.cookies import Where
from consent.visitors.visit import Visitor


class Sent(msgspec.Struct, frozen=True, gc=False):
    """Who sent it, as far as that shows. It is held no longer than the request.

    Args:
        address: the client's, behind trusted proxies.
        place: where that is, as far as the law needs it; None where unknown.
        lines: the headers named in `facts.AGENT`, empty where missing.
        languages: the Accept-Language header.
        cookies: the Cookie header.
        choice: what the page says is the choice cookie's value; None where the cookie alone speaks.
        gpc: whether the Global Privacy Control signal was sent.
        where: whether the service answers under the page's own host.
        secure: whether the page came over https.
        method: of the request for the page, where that is what is told of; else empty.
        status: of its answer; else 0.
    """

    address: str
    place: Place | None = None
    lines: tuple[bytes, ...] = (b"",) * len(AGENT)
    languages: bytes = b""
    cookies: bytes = b""
    choice: str | None = None
    gpc: bool = False
    where: Where = "elsewhere"
    secure: bool = True
    method: str = ""
    status: int = 0


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What came of it.

    Args:
        level: how far it went.
        taken: events that were taken.
        dropped: how many were not, by reason.
        cookies: `Set-Cookie` values for the answer.
        withdrew: the visitor whose refusal came with this; it is to be forgotten.
        again: nothing was taken yet: it is to be sent once more, with these cookies.
    """

    level: Level
    taken: int
    dropped: Mapping[str, int]
    cookies: tuple[str, ...] = ()
    withdrew: Visitor | None = None
    again: bool = False
