"""Visitor, session and customer cookies: what is sealed opens for its site alone, in its time, while it is allowed."""

import stat
import struct
from collections.abc import Callable
from hashlib import sha256
from http.cookies import SimpleCookie
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.errors import Problem
from consent.visitors.cookies import ALL, NOBODY, Found, Jar, Standing, digest, name, parse, removals, where_is
from consent.visitors.customer import CUSTOMER_FIELDS, CUSTOMER_TEXT, Customer, declared
from consent.visitors.visit import DAY, IDLE, LASTS, LONGEST, TOUCH, Session, Visitor, arrive
from consent.web import keyring
from consent.web.seal import MAX_LENGTH, Key, Keyring

NOW = 20_000 * DAY + 12 * 3_600_000
ALLOWED = Standing("demo", granted=True)


def chance() -> Callable[[int], bytes]:
    """Bytes that look random and are the same in every run."""
    numbers = count()
    return lambda length: (sha256(str(next(numbers)).encode()).digest() * 2)[:length]


RING = Keyring((Key(b"\x00\x00\x00\x02", 20_000, b"b" * 32), Key(b"\x00\x00\x00\x01", 19_900, b"a" * 32)))


class Browser:
    """Keeps our cookies as a browser does: Max-Age 0 removes, and what has run out is not sent."""

    def __init__(self, site: str = "demo") -> None:
        self.site = site
        self.jar = Jar(RING, chance())
        self.held: dict[str, tuple[str, int | None]] = {}

    def take(self, headers: list[str], now: int) -> None:
        """What `Set-Cookie` does."""
        for header in headers:
            for key, morsel in SimpleCookie(header.removesuffix("; Partitioned")).items():
                age = int(morsel["max-age"]) if morsel["max-age"] else None
                self.held[key] = (morsel.value, None if age is None else now + age * 1_000)

    def sent(self, now: int) -> dict[str, str]:
        """What a request carries."""
        return {key: value for key, (value, end) in self.held.items() if end is None or end > now}

    def close(self) -> None:
        """Closing it ends what has no Max-Age."""
        self.held = {key: kept for key, kept in self.held.items() if kept[1] is not None}

    def read(self, now: int, standing: Standing | None = None) -> Found:
        """What the service makes of its cookies."""
        return self.jar.read(self.sent(now), standing or Standing(self.site, granted=True), now)

    def visit(self, now: int) -> tuple[Visitor, Session, bool]:
        """One request that is allowed."""
        found = self.read(now)
        arrival = arrive(found.visitor, found.session, now, self.jar._chance)
        self.take(self.jar.write(arrival, self.site, now, where="page", secure=True), now)
        return arrival.visitor, arrival.session, arrival.is_new


def test_first_visit() -> None:
    """The first request makes a visitor and a session; both are HttpOnly and of this host, the session's has no age."""
    jar = Jar(RING, chance())
    visitor, session = jar.write(arrive(None, None, NOW, chance()), "demo", NOW, where="page", secure=True)

    assert visitor.startswith("__Host-consent-visitor=") and visitor.endswith("; SameSite=Lax; Secure; HttpOnly")
    assert f"; Max-Age={(20_000 + LASTS) * 86_400 - NOW // 1_000};" in visitor
    assert session.startswith("__Host-consent-session=") and session.endswith(
        "; Path=/; SameSite=Lax; Secure; HttpOnly"
    )


def test_under_another_host() -> None:
    """Elsewhere cookies are partitioned, over plain http there are none; for trying out on http names are plain."""
    jar, arrival = Jar(RING, chance()), arrive(None, None, NOW, chance())

    apart = jar.write(arrival, "demo", NOW, where="elsewhere", secure=True)
    assert len(apart) == 2 and all(line.endswith("; SameSite=None; Secure; HttpOnly; Partitioned") for line in apart)
    assert jar.write(arrival, "demo", NOW, where="elsewhere", secure=False) == []
    assert jar.write(arrival, "demo", NOW, where="page", secure=False)[0].startswith("consent-visitor=")


@pytest.mark.parametrize(
    ("origin", "host", "where"),
    [
        (b"https://www.shop.example", b"www.shop.example", "page"),
        (b"http://127.0.0.1:9100", b"127.0.0.1:8000", "page"),
        (b"http://[::1]", b"[::1]:8000", "page"),
        (b"https://www.shop.example", b"WWW.shop.example:8443", "page"),
        (b"https://www.shop.example", b"consent.shop.example", "elsewhere"),
        (b"http://[::1]:2", b"[::2]:2", "elsewhere"),
        (b"", b"", "elsewhere"),
    ],
)
def test_a_host_is_the_same_on_every_port(origin: bytes, host: bytes, where: str) -> None:
    """A page and a request share cookies where their hosts are equal, whatever their ports."""
    assert where_is(origin, host) == where


def test_comes_back() -> None:
    """Who comes back next day has the same id, a new session, the next visit's number, and no more time than before."""
    browser = Browser()
    first, session, new = browser.visit(NOW)
    end = browser.held["__Host-consent-visitor"][1]
    again, later, renewed = browser.visit(NOW + DAY)

    assert new and not renewed
    assert (again.id, again.first, again.visits) == (first.id, first.first, 2)
    assert later.id != session.id
    assert browser.held["__Host-consent-visitor"][1] == end


@settings(max_examples=60)
@given(st.lists(st.integers(1, 40 * DAY), min_size=1, max_size=40))
def test_never_longer_than_thirteen_months(steps: list[int]) -> None:
    """However often somebody comes, an id is gone 390 days after its first day, and visits count up by one."""
    browser, now = Browser(), NOW
    seen: dict[bytes, tuple[int, int]] = {}
    for step in steps:
        visitor, session, _ = browser.visit(now)
        began, visits = seen.setdefault(visitor.id, (now, 1))
        assert now - began < LASTS * DAY
        assert visitor.visits in (visits, visits + 1)
        assert session.visitor == visitor.id
        seen[visitor.id] = (began, visitor.visits)
        now += step


@pytest.mark.parametrize(("pause", "same"), [(IDLE - 1, True), (IDLE, False), (0, True)])
def test_thirty_idle_minutes(pause: int, same: bool) -> None:
    """A session goes on until nobody was there for 30 minutes."""
    browser = Browser()
    _, session, _ = browser.visit(NOW)
    assert (browser.visit(NOW + pause)[1].id == session.id) is same


def test_session_ends_with_the_browser_or_the_day() -> None:
    """Closing the browser ends the session, not the visitor; a page that never stops asking has one a day."""
    browser = Browser()
    visitor, session, _ = browser.visit(NOW)
    browser.close()
    again, other, _ = browser.visit(NOW + 60_000)
    assert again.id == visitor.id and other.id != session.id and again.visits == 2

    ids = {browser.visit(NOW + 60_000 + minute * 60_000)[1].id for minute in range(0, LONGEST // 60_000 + 20, 10)}
    assert len(ids) == 2


def test_few_cookies_are_written() -> None:
    """A further request writes nothing within a minute, and then only the session's cookie."""
    _, session, _ = Browser().visit(NOW)
    visitor = Visitor(session.visitor, 20_000, 1)
    soon, later = (arrive(visitor, session, NOW + after, chance()) for after in (TOUCH - 1, TOUCH))
    assert not soon.writes_visitor and not soon.writes_session
    assert not later.writes_visitor and later.writes_session


def test_nothing_without_a_grant() -> None:
    """Without a grant cookies that came are not read: nobody is known."""
    browser = Browser()
    browser.visit(NOW)
    assert browser.read(NOW).visitor is not None
    assert browser.read(NOW, Standing("demo", granted=False)) == NOBODY


def test_withdrawn_visitor_does_not_come_back() -> None:
    """A cookie replayed after its visitor withdrew is none, also when the purpose was granted again since."""
    browser = Browser()
    visitor, _, _ = browser.visit(NOW)
    gone = {digest(visitor.id)}
    assert browser.read(NOW, Standing("demo", True, gone.__contains__)) == NOBODY
    assert visitor.id not in digest(visitor.id)


def test_removals() -> None:
    """Withdrawal takes all three away, with the attributes they were set with."""
    browser = Browser()
    browser.visit(NOW)
    browser.take(removals(where="page", secure=True), NOW)
    assert browser.sent(NOW) == {}
    assert all(
        "Max-Age=0" in line and line.endswith("Partitioned") for line in removals(where="elsewhere", secure=True)
    )


def test_another_sites_cookie() -> None:
    """What was sealed for one site is nothing to another, and a visitor's cookie is no session's."""
    browser = Browser()
    browser.visit(NOW)
    assert browser.read(NOW, Standing("other", granted=True)) == NOBODY
    swapped = {name("visitor", secure=True): browser.held[name("session", secure=True)][0]}
    assert browser.jar.read(swapped, ALLOWED, NOW) == NOBODY


def test_out_of_time() -> None:
    """A cookie that a browser sends longer than it may is nobody's: the time stands inside, too."""
    browser = Browser()
    visitor, _, _ = browser.visit(NOW)
    held = {key: value for key, (value, _) in browser.held.items()}
    end = (visitor.first + LASTS) * DAY
    assert browser.jar.read(held, ALLOWED, end - 1).visitor == visitor
    assert browser.jar.read(held, ALLOWED, end) == NOBODY


def test_a_cookie_of_another_kind() -> None:
    """What was sealed as one cookie is nothing as another, whatever it holds."""
    jar, visitor = Jar(RING, chance()), Visitor(b"v" * 16, 20_000, 1)
    plain = struct.pack(">16sIH", *visitor)
    for kind, known in (("visitor", visitor), ("session", None), ("customer", None)):
        [line] = jar._line(kind, plain, "demo", age=None, where="page", secure=True)  # type: ignore[arg-type]
        value = line.partition(";")[0].partition("=")[2]
        assert jar.read({name("visitor", secure=True): value}, ALLOWED, NOW).visitor == known


def test_session_of_another_visitor() -> None:
    """A session cookie beside another visitor's is none."""
    browser, other = Browser(), Browser()
    other.jar = Jar(RING, lambda length: b"\x07" * length)
    browser.visit(NOW)
    other.visit(NOW)
    mixed = browser.sent(NOW) | {name("session", secure=True): other.held[name("session", secure=True)][0]}
    assert browser.jar.read(mixed, ALLOWED, NOW).session is None


def test_every_bit() -> None:
    """With any one bit changed, in what is sent or in what it stands for, a cookie is nothing."""
    sealed = RING.seal(b"x" * 50, b"purpose", b"n" * 12)
    assert RING.open(sealed, b"purpose") == b"x" * 50
    changed = 0
    for at, letter in enumerate(sealed):
        for bit in range(8):
            text = sealed[:at] + chr(ord(letter) ^ 1 << bit) + sealed[at + 1 :]
            assert RING.open(text, b"purpose") is None
            changed += 1
    assert changed >= 800


def test_other_spellings() -> None:
    """The same bytes spelt otherwise, with padding, or with unused bits set, are nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for length in (16, 17, 18):
        sealed = RING.seal(b"x" * length, b"p", b"n" * 12)
        ends = [letter for letter in alphabet if RING.open(sealed[:-1] + letter, b"p") is not None]
        assert ends == [sealed[-1]]
        assert RING.open(sealed + "=", b"p") is RING.open(" " + sealed, b"p") is None


@given(
    st.one_of(
        st.text(max_size=300), st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")), st.just("A" * 9_000)
    )
)
def test_any_text(text: str) -> None:
    """Any text for a cookie is nobody, and never an error."""
    assert Jar(RING, chance()).read({one.name: text for one in ALL}, ALLOWED, NOW) == NOBODY
    assert isinstance(parse(text), dict)


def test_future_visitor() -> None:
    """Who is first seen tomorrow is nobody: a clock was wrong, or somebody tries."""
    assert Visitor(b"i" * 16, 20_002, 1).is_over(NOW)
    assert Session(b"s" * 16, b"i" * 16, NOW + DAY, NOW + DAY).is_over(NOW)


def test_keys_turn(tmp_path: Path) -> None:
    """The key file is the owner's alone; a new key seals, the older ones are read until they drop out."""
    path, bytes_of = tmp_path / "keys" / "cookies", chance()
    first = keyring.open_keyring(path, 20_000, bytes_of)
    sealed = first.seal(b"hello", b"p", b"n" * 12)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keyring.open_keyring(path, 20_001, bytes_of).keys == first.keys
    turned = keyring.turn(path, 20_090, bytes_of)
    assert turned.keys[1:] == first.keys and turned.open(sealed, b"p") == b"hello"
    assert turned.seal(b"hello", b"p", b"n" * 12) != sealed and stat.S_IMODE(path.stat().st_mode) == 0o600
    for day in range(keyring.MOST):
        turned = keyring.turn(path, 20_100 + day, bytes_of)
    assert len(turned.keys) == keyring.MOST and turned.open(sealed, b"p") is None
    assert "secret" not in repr(turned.keys[0]) and turned.keys[0].secret.hex() not in repr(turned.keys)


@pytest.mark.parametrize("text", ["", "rubbish\n", "00000001 20000 short\n"])
def test_a_key_file_of_something_else(tmp_path: Path, text: str) -> None:
    """A key file that holds no keys stops with the remedy; it is not replaced."""
    path = tmp_path / "cookies"
    path.write_text(text)
    with pytest.raises(Problem) as refused:
        keyring.open_keyring(path, 20_000, chance())
    assert refused.value.code == "cookie_keys" and path.read_text() == text


def test_customer() -> None:
    """What a site says of its customer comes back as far as the policy declares it, for a day."""
    customer, reasons = declared(
        "c-17\n", {"plan": "gold", "email": "a@b.c", "Bad": "x"}, frozenset({"plan", "Bad"}), NOW
    )
    assert customer == Customer("c-17", {"plan": "gold"}, NOW)
    assert reasons == ["customer-field-undeclared"] * 2

    browser = Browser()
    visitor, _, _ = browser.visit(NOW)
    [line] = browser.jar.write_customer(customer, visitor, "demo", where="page", secure=True)
    assert "Max-Age" not in line and "gold" not in line
    browser.take([line], NOW)
    assert browser.read(NOW + DAY - 1).customer == customer
    assert browser.read(NOW + DAY).customer is None
    assert browser.read(NOW, Standing("demo", True, lambda _: True)).customer is None

    other = Browser()
    other.jar = Jar(RING, lambda length: b"\x07" * length)
    other.visit(NOW)
    other.take([line], NOW)
    assert other.read(NOW).visitor is not None and other.read(NOW).customer is None


def test_customer_is_bounded() -> None:
    """Ten fields, a hundred characters each, and the cookie still fits; more is named and left out."""
    names = [f"field_{number}" for number in range(14)]
    whose, jar = Visitor(b"v" * 16, 20_000, 1), Jar(RING, chance())

    customer, reasons = declared("x" * CUSTOMER_TEXT, dict.fromkeys(names, "x" * CUSTOMER_TEXT), frozenset(names), NOW)
    assert customer is not None and len(customer.fields) == CUSTOMER_FIELDS
    assert reasons == ["customer-too-many-fields"] * 4
    [line] = jar.write_customer(customer, whose, "demo", where="elsewhere", secure=True)
    assert len(line) < MAX_LENGTH + 200

    wide, reasons = declared("\ud800x", dict.fromkeys(names, "\U0001f36a" * CUSTOMER_TEXT), frozenset(names), NOW)
    assert wide is not None and len(wide.fields) == 4 and set(reasons) == {"customer-too-large"}
    assert jar.write_customer(wide, whose, "demo", where="page", secure=True)

    assert declared("", {}, frozenset(), NOW) == declared("x" * 101, {}, frozenset(), NOW) == (None, ["customer-id"])
    assert declared("a", {"b": "x" * 101}, frozenset("b"), NOW)[1] == ["customer-field-too-long"]


def test_all_are_listed() -> None:
    """The list names exactly the cookies that can be written."""
    kinds = [one for one in ALL if one.kind != "choice"]
    assert [one.name for one in kinds] == [line.partition("=")[0] for line in removals(where="page", secure=True)]
    assert all(one.http_only and str(LASTS) in one.lifetime for one in kinds if one.kind == "visitor")


def test_cookie_header() -> None:
    """A name that comes twice with different values counts for nothing."""
    assert parse("a=1; b=2;a=3; c ; d=x=y") == {"b": "2", "d": "x=y"}
