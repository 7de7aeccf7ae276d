"""Addresses of pages: told apart by what they are, and by nobody's id."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.telemetry.clean import (
    MAX_PATH,
    MAX_VALUE,
    NOWHERE,
    Page,
    host,
    page,
    path,
    printable,
    referrer,
    segment,
    value,
    without_ids,
)

HIDDEN = "\x00\x07\x1b\x7f\x85\u00ad\u061c\u200b\u200e\u202a\u202e\u2028\u2066\u2069\ufeff\ud800\U000e0041"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("/", "/"),
        ("/lamps/blue-lamp-2/", "/lamps/blue-lamp-2/"),
        ("/api/v2/index.php", "/api/v2/index.php"),
        ("/2024/05/01/iphone-15-pro", "/2024/05/01/iphone-15-pro"),
        ("/blog/2024-05-01-title", "/blog/2024-05-01-title"),
        ("/archive/20240501", "/archive/20240501"),
        ("/Bundesverfassungsgericht/Straße", "/Bundesverfassungsgericht/Straße"),
        ("/%E6%97%A5%E6%9C%AC/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82", "/日本/привет"),
        ("/rhythm/x", "/rhythm/x"),
        ("/user_42/page.html", "/user_42/page.html"),
        ("/a/550e8400-e29b-41d4-a716-446655440000/b", "/a/:id/b"),
        ("/a/550E8400E29B41D4A716446655440000", "/a/:id"),
        ("/orders/123456", "/orders/:id"),
        ("/order-12345678.html", "/order-:id.html"),
        ("/u/jane.doe@example.com", "/u/:email"),
        ("/u/jane.doe%40example.com/x", "/u/:email/x"),
        ("/u/jane.doe%2540example.com/x", "/u/:email/x"),
        ("/u/jane.doe%252540example.com/x", "/u/:email/x"),
        ("/orders/%2531%2532%2533%2534%2535%2536", "/orders/:id"),
        ("/tel/+49-170-1234567", "/tel/:id"),
        ("/ip/192.168.178.20", "/ip/:id"),
        ("/t/dQw4w9WgXcQ", "/t/:id"),
        ("/sha/deadbeefcafe", "/sha/:id"),
        ("/s/Zm9vYmFyYmF6cXV4", "/s/:id"),
        ("/x;jsessionid=ABC123DEF456", "/x"),
        ("/reset/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "/reset/:id.:id.:id"),
        ("/a?b=c#d", "/a"),
        ("/app#/cart/123456", "/app/%23/cart/:id"),
        ("/#!/cart?x=1", "/%23/cart%3Fx=1"),
        ("/%00%E2%80%AEabc%0d%0a", "/abc"),
        ("/a%2Fb%3Fc%23d", "/a%2Fb%3Fc%23d"),
        ("", "/"),
    ],
)
def test_paths(url: str, kept: str) -> None:
    """What looks like an id, an e-mail address or a token is replaced; words, dates and numbers of pages stay."""
    found = page(f"https://shop.example{url}")

    assert found is not None
    assert found.path == kept


ATOMS = st.one_of(
    st.emails(),
    st.uuids().map(str),
    st.integers(10**5, 10**18).map(str).filter(lambda text: not re.match(r"(19|20)\d{2}(0[1-9]|1[0-2])", text)),
    st.binary(min_size=9, max_size=40).map(bytes.hex),
)


@settings(deadline=None)
@given(ATOMS, st.sampled_from(["/u/{}", "/u/{}/edit", "/{}", "/a/b-{}", "/a/{}.html"]))
def test_no_identifier_stays(text: str, shape: str) -> None:
    """E-mail addresses, UUIDs, long numbers and hexadecimal digits never stand in a path, wherever they stood."""
    assert text not in path(shape.format(text))


@settings(deadline=None)
@given(st.text(max_size=400))
def test_any_path_is_printable_and_short(text: str) -> None:
    """Whatever was sent, a path has no character that hides or turns, begins with a slash, and is short."""
    shown = path(text)

    assert shown.startswith("/") and len(shown) <= MAX_PATH
    assert not any(character in HIDDEN for character in shown)


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_address_is_a_page_or_none(text: str) -> None:
    """Nothing makes it raise, and what is no web address is none."""
    for url in (text, f"https://{text}", f"https://shop.example/{text}"):
        found = page(url, ("ref",))
        assert found is None or isinstance(found, Page)
        assert referrer(url, frozenset()) is not None
        assert isinstance(host(url), str)


@pytest.mark.parametrize(
    "url",
    [
        "", "/lamps/", "javascript:alert(1)", "data:text/html,x", "ftp://shop.example/", "https://", "https://a b/",
        "https://me:secret@shop.example/", "https://shop.example:99999/", "https://[::1", "https://ex..ample/",
        "https://shop.example/" + "a" * 2_048, "about:blank", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_no_page(url: str) -> None:
    """What is no address of a web page, or one with a password, is none."""
    assert page(url) is None


def test_origins() -> None:
    """The origin is as browsers write it: small letters, no port that the scheme has anyway."""
    found = [page(url) for url in ("HTTPS://Shop.Example:443/", "http://shop.example:80/", "http://[::1]:8000/a")]

    assert [one and one.origin for one in found] == ["https://shop.example", "http://shop.example", "http://[::1]:8000"]


def test_query() -> None:
    """Only listed parameters and those of campaigns stay, e-mail addresses in them do not; of a name the first."""
    found = page(
        "https://shop.example/?ref=a&ref=b&email=x@y.example&utm_source=me@x.example&utm_term=blue+lamp&utm_id=9",
        ("ref", "via"),
    )

    assert found is not None
    assert found.query == "ref=a"
    assert found.campaign == '{"utm_source":":email","utm_term":"blue lamp"}'
    assert page("https://shop.example/?utm_source=" + "x" * 500) is not None
    many = page("https://shop.example/?" + "&".join(f"a{n}=1" for n in range(80)) + "&ref=x", ("ref",))
    assert many is not None and many.query == ""


def test_referrer() -> None:
    """Of another site host and path are kept, of the own pages nothing."""
    own = frozenset({"shop.example"})

    assert referrer("https://search.example/find/123456?q=me", own) == ("search.example/find/:id", "search.example")
    assert referrer("https://shop.example/lamps/", own) == NOWHERE == referrer("android-app://com.example", own)


def test_host() -> None:
    """Of an address or a bare host the host, of anything else nothing."""
    assert host("https://Ads.Example/x?y") == "ads.example" == host("ads.example")
    assert host("ads example") == host("javascript:x") == host("") == host("data:,x") == ""


@settings(deadline=None)
@given(st.text(max_size=300))
def test_values_are_short_and_printable(text: str) -> None:
    """A value has no hidden character and no e-mail address, and is short."""
    for shown in (value(text), printable(text, MAX_VALUE)):
        assert len(shown) <= MAX_VALUE
        assert not any(character in HIDDEN for character in shown)
    assert "me@example.com" not in value(f"to me@example.com {text}"[:MAX_VALUE])


def test_words_stay() -> None:
    """Words of languages are no tokens, however long or capital."""
    words = ["Versicherungsvertragsgesetz", "internationalization", "FAQ", "JavaScript", "McDonalds", "iPhone"]

    assert [segment(word) for word in words] == words
    assert without_ids("blue-lamp, 40 W") == "blue-lamp, 40 W"
