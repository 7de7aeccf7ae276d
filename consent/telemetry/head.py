"""What a request's headers say of who sent it, as the intake takes it."""

from collections.abc import Sequence

import msgspec

from consent.records.published import Live
from consent.regimes.visit import Visits
from consent.telemetry.facts import AGENT
from consent.telemetry.sent import Sent
from consent.visitors.cookies import where_is
from consent.web.address import Network, client
from consent.web.answer import Header


class Head(msgspec.Struct, frozen=True, gc=False):
    """The headers that matter; where one may come several times, all of them."""

    lines: dict[bytes, bytes]
    origins: list[bytes]
    cookies: bytes
    forwarded: list[str]
    named: list[str]
    peer: str

    def line(self, name: bytes) -> bytes:
        """A header by its name; empty where there is none. Of a repeated one the last counts."""
        return self.lines.get(name, b"")


def read_head(headers: Sequence[Header], region_header: bytes, peer: str) -> Head:
    """Pick the headers out: ASGI's, with names in small letters."""
    lines = dict(headers)
    if len(lines) == len(headers):
        origin, region = lines.get(b"origin"), lines.get(region_header)
        forwarded = lines.get(b"x-forwarded-for")
        return Head(
            lines,
            [] if origin is None else [origin],
            lines.get(b"cookie", b""),
            [] if forwarded is None else [forwarded.decode("latin-1")],
            [] if region is None else [region.decode("latin-1")],
            peer,
        )
    return Head(
        lines,
        [value for name, value in headers if name == b"origin"],
        b"; ".join(value for name, value in headers if name == b"cookie"),
        [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"],
        [value.decode("latin-1") for name, value in headers if name == region_header],
        peer,
    )


def own_origin(live: Live, host: bytes) -> bytes:
    """The site's origin at this host, https before http; empty where it has none: then this is another's host."""
    host = host.lower()
    return next((one for one in (b"https://" + host, b"http://" + host) if one in live.origins), b"")


class Reader:
    """Knows which proxies are believed, and where addresses are."""

    def __init__(self, trusted: tuple[Network, ...], visits: Visits) -> None:
        self._trusted = trusted
        self._visits = visits
        self.region_header = visits.header.lower().encode()

    def address(self, head: Head) -> str:
        """The client's."""
        return client(head.peer, head.forwarded, self._trusted) if head.forwarded else head.peer

    def sent(self, head: Head, origin: bytes, choice: str | None, address: str) -> Sent:
        """Who sent this.

        Args:
            head: the request's headers.
            origin: of the page it speaks for; empty for an app.
            choice: what the page says of its choice; None where the cookie alone speaks.
            address: the client's.
        """
        lines = head.lines
        place = self._visits.place(head.peer, head.named, head.forwarded) if self._visits.looked_up else None
        return Sent(
            address,
            place,
            tuple([lines.get(name, b"") for name in AGENT]),
            lines.get(b"accept-language", b""),
            head.cookies,
            choice,
            lines.get(b"sec-gpc") == b"1",
            where_is(origin, lines.get(b"host", b"")),
            not origin.startswith(b"http:"),
        )
