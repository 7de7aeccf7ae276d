"""The visitor's, session's and customer's cookie: sealed, HttpOnly, bound to the site; and a list of all that we set.

Whatever is forged, another site's, out of time, malformed or of somebody who withdrew is no cookie, and no error.
Only callers who know that the purpose is granted may read or write; `Standing` says so.
"""

import struct
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Literal, NamedTuple

import msgspec

from consent.visitors.customer import CUSTOMER_LASTS, Customer
from consent.visitors.visit import DAY, LASTS, Arrival, Chance, Session, Visitor
from consent.web.seal import NONCE_BYTES, Keyring
from consent.web.setcookie import set_cookie

Kind = Literal["visitor", "session", "customer"]
Where = Literal["page", "elsewhere"]
"""Whether the service answers under the page's own host, whatever the port, or under another one."""

_FORMAT: Mapping[str, str] = {"visitor": ">16sIH", "session": ">16s16sQQ"}


class Standing(NamedTuple):
    """Under what a request is read.

    Args:
        site: the site's key.
        granted: whether the visitor's valid choice grants the purpose at this moment. Without it nothing is read.
        is_withdrawn: whether a visitor of this digest (`digest`) once withdrew: an old cookie that comes back is none.
        secure: whether the page came over https: then a name without `__Host-` is none of ours, for any host beside
            could have planted it, with its own visitor's text in it.
    """

    site: str
    granted: bool
    is_withdrawn: Callable[[bytes], bool] = lambda _: False
    secure: bool = True


class Found(NamedTuple):
    """What a request's cookies say."""

    visitor: Visitor | None = None
    session: Session | None = None
    customer: Customer | None = None


NOBODY = Found()


class Described(NamedTuple):
    """A cookie as the declaration tells it."""

    kind: str
    name: str
    purpose: str
    lifetime: str
    set_when: str
    http_only: bool


ALL: tuple[Described, ...] = (
    Described("choice", "consent", "necessary", "180 days from the choice, or as the policy says",
              "at the choice", False),
    Described("visitor", "__Host-consent-visitor", "statistics", f"{LASTS} days from the first visit, never longer",
              "at the first visit after the grant", True),
    Described("session", "__Host-consent-session", "statistics", "until the browser is closed, or 30 idle minutes",
              "at each visit after the grant", True),
    Described("customer", "__Host-consent-customer", "statistics", "until the browser is closed, at most 24 hours",
              "when the site says who is signed in, after the grant", True),
)  # fmt: skip
"""Every cookie that the service can set. The choice's name and the purpose of the others are the policy's to change;
on plain http, for trying out, names are without `__Host-`."""


def name(kind: Kind, *, secure: bool) -> str:
    """The cookie's name. A browser takes `__Host-` only over https, for this host alone (RFC 6265bis, 4.1.3.2)."""
    return f"{'__Host-' if secure else ''}consent-{kind}"


def where_is(origin: bytes, host: bytes) -> Where:
    """Whether a page of this origin and a request to this host share their cookies, which know no ports."""
    page = origin.partition(b"://")[2]
    return "page" if page and _name(page) == _name(host.lower()) else "elsewhere"


def _name(host: bytes) -> bytes:
    found, colon, port = host.rpartition(b":")
    return found if colon and port.isdigit() else host


def digest(visitor: bytes) -> bytes:
    """What may be kept of a visitor who withdrew, so that an old cookie is known again: no way back to the id."""
    return sha256(b"consent visitor\x00" + visitor).digest()


class Jar:
    """Reads and writes the three cookies with one set of keys."""

    def __init__(self, keys: Keyring, chance: Chance) -> None:
        self._keys = keys
        self._chance = chance

    def read(self, cookies: Mapping[str, str], standing: Standing, now: int) -> Found:
        """What the request's cookies say, by name; `NOBODY` without a grant. Never raises."""
        if not standing.granted:
            return NOBODY
        visitor = self._visitor(cookies, standing, now)
        session = self._session(cookies, standing, now) if visitor else None
        if session is not None and visitor is not None and session.visitor != visitor.id:
            session = None
        customer = self._customer(cookies, standing, visitor, now) if visitor else None
        return Found(visitor, session, customer)

    def write(self, arrival: Arrival, site: str, now: int, *, where: Where, secure: bool) -> list[str]:
        """The `Set-Cookie` values that a visit needs; a visitor's time ends on the day it always did."""
        headers = []
        visitor, session = arrival.visitor, arrival.session
        if arrival.writes_visitor:
            plain = struct.pack(_FORMAT["visitor"], *visitor)
            age = ((visitor.first + LASTS) * DAY - now) // 1_000
            headers += self._line("visitor", plain, site, age=age, where=where, secure=secure)
        if arrival.writes_session:
            plain = struct.pack(_FORMAT["session"], *session)
            headers += self._line("session", plain, site, age=None, where=where, secure=secure)
        return headers

    def write_customer(
        self, customer: Customer, visitor: Visitor, site: str, *, where: Where, secure: bool
    ) -> list[str]:
        """The `Set-Cookie` value of a customer whom `declared` let through; it counts beside this visitor's alone."""
        plain = visitor.id + msgspec.msgpack.encode(customer)
        return self._line("customer", plain, site, age=None, where=where, secure=secure)

    def _line(self, kind: Kind, plain: bytes, site: str, *, age: int | None, where: Where, secure: bool) -> list[str]:
        value = self._keys.seal(plain, _purpose(kind, site), self._chance(NONCE_BYTES))
        return _set(kind, value, age, where, secure)

    def _visitor(self, cookies: Mapping[str, str], standing: Standing, now: int) -> Visitor | None:
        plain = self._open("visitor", cookies, standing)
        if plain is None or len(plain) != struct.calcsize(_FORMAT["visitor"]):
            return None
        visitor = Visitor(*struct.unpack(_FORMAT["visitor"], plain))
        gone = visitor.is_over(now) or visitor.visits == 0 or standing.is_withdrawn(digest(visitor.id))
        return None if gone else visitor

    def _session(self, cookies: Mapping[str, str], standing: Standing, now: int) -> Session | None:
        plain = self._open("session", cookies, standing)
        if plain is None or len(plain) != struct.calcsize(_FORMAT["session"]):
            return None
        session = Session(*struct.unpack(_FORMAT["session"], plain))
        return None if session.is_over(now) else session

    def _customer(self, cookies: Mapping[str, str], standing: Standing, visitor: Visitor, now: int) -> Customer | None:
        plain = self._open("customer", cookies, standing)
        if plain is None or plain[:16] != visitor.id:
            return None
        try:
            customer = msgspec.msgpack.decode(plain[16:], type=Customer)
        except msgspec.MsgspecError:
            return None
        return customer if 0 <= now + 60_000 - customer.said < CUSTOMER_LASTS + 60_000 else None

    def _open(self, kind: Kind, cookies: Mapping[str, str], standing: Standing) -> bytes | None:
        for secure in (True,) if standing.secure else (True, False):
            text = cookies.get(name(kind, secure=secure))
            if text:
                return self._keys.open(text, _purpose(kind, standing.site))
        return None


def removals(*, where: Where, secure: bool) -> list[str]:
    """The `Set-Cookie` values that take all three away, with the attributes they were set with."""
    return [line for kind in ("visitor", "session", "customer") for line in _set(kind, "", 0, where, secure)]


def parse(header: str) -> dict[str, str]:
    """The cookies of a `Cookie` header. Of a name that comes twice with different values none counts."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for part in header[:16_384].split(";"):
        key, mark, value = part.strip(" \t").partition("=")
        if mark and found.setdefault(key, value) != value:
            twice.add(key)
    return {key: value for key, value in found.items() if key not in twice}


def _purpose(kind: Kind, site: str) -> bytes:
    return b"consent cookie\x00" + kind.encode() + b"\x00" + site.encode()


def _set(kind: Kind, value: str, age: int | None, where: Where, secure: bool) -> list[str]:
    """Under another host a cookie needs https; over plain http there is none."""
    if where == "elsewhere" and not secure:
        return []
    apart = where == "elsewhere"
    site = "None" if apart else "Lax"
    return [
        set_cookie(
            name(kind, secure=secure),
            value,
            max_age=age,
            secure=secure,
            http_only=True,
            same_site=site,  # type: ignore[arg-type]  # one of its three words
            partitioned=apart,
        )
    ]
