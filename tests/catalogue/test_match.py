"""Which service an address or a cookie belongs to."""

import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.catalogue.match import Catalogue
from consent.catalogue.service import Cookie, Service, load_catalogue
from consent.catalogue.source import covers, is_token, split

KNOWN = Catalogue(load_catalogue().values())
SEEN = tomllib.loads((Path(__file__).parent / "services" / "urls.toml").read_text("utf-8"))


def service(key: str, *hosts: str, cookies: tuple[str, ...] = ()) -> Service:
    return Service(
        name=key,
        provider="P",
        country="DE",
        purposes=("statistics",),
        kind="analytics",
        hosts=hosts,
        privacy_url="https://p.example",
        cookies=tuple(Cookie(name) for name in cookies),
        key=key,
    )


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://www.googletagmanager.com/gtm.js?id=GTM-1", "google-tag-manager"),
        ("https://region1.google-analytics.com/g/collect?v=2", "google-analytics"),
        ("https://www.facebook.com/tr?id=1&ev=PageView", "meta-pixel"),
        ("https://www.facebook.com/plugins/like.php?href=x", "facebook-like"),
        ("https://connect.facebook.net/de_DE/fbevents.js", "meta-pixel"),
        ("HTTPS://WWW.YouTube.com/embed/abc", "youtube"),
        ("//www.youtube.com/embed/abc", None),
        ("https://www.google.com/maps/embed?pb=1", "google-maps"),
        ("wss://ws1.hotjar.com/api/v2", "hotjar"),
        ("https://v2.zopim.com/?abc", "zendesk-chat"),
        ("https://cdn.livechatinc.com./tracking.js", "livechat"),
        ("https://example.com/", None),
        ("data:text/html,x", None),
        ("https://", None),
        ("https://[::1", None),
        ("https://a.example:99999/", None),
        ("", None),
    ],
)
def test_known_addresses(url: str, key: str | None) -> None:
    """Real requests of real vendors find their service; what is no address finds none."""
    found = KNOWN.match_url(url)

    assert (found.key if found else None) == key


@pytest.mark.parametrize(
    ("name", "key"),
    [("_ga", "google-analytics"), ("_ga_ABC123", "google-analytics"), ("_fbp", "meta-pixel"), ("sessionid", None)],
)
def test_known_cookies(name: str, key: str | None) -> None:
    """A cookie's name, or the pattern it fits, finds the service."""
    found = KNOWN.match_cookie(name)

    assert (found.key if found else None) == key


def test_seen_on_real_pages() -> None:
    """Every address and cookie of the table belongs to the service that it is listed with."""
    urls = {url: _key(KNOWN.match_url(url)) for url in SEEN["urls"]}
    cookies = {name: _key(KNOWN.match_cookie(name)) for name in SEEN["cookies"]}

    assert [(url, key, SEEN["urls"][url]) for url, key in urls.items() if key != SEEN["urls"][url]] == []
    assert [(name, key) for name, key in cookies.items() if key != SEEN["cookies"][name]] == []


def test_a_shared_address_belongs_to_one_that_declares_it() -> None:
    """Google's tag serves Analytics and Ads alike: either is right, the tag manager is not."""
    found = KNOWN.match_url("https://www.googletagmanager.com/gtag/js?id=G-1")

    assert _key(found) in ("google-analytics", "google-ads")


def test_longest_wins() -> None:
    """A longer path beats a shorter one, an exact host a wildcard, a longer cookie pattern a shorter one."""
    catalogue = Catalogue(
        [
            service("host", "a.example", cookies=("_x*",)),
            service("path", "a.example/p/", cookies=("_xy*",)),
            service("file", "a.example/p/f.js", cookies=("_xyz",)),
            service("wild", "*.example.org"),
            service("deep", "*.b.example.org"),
            service("exact", "c.b.example.org"),
            service("socket", "wss://a.example"),
        ]
    )
    expected = {
        "https://a.example/": "host",
        "https://a.example/p/x": "path",
        "https://a.example/p/f.js": "file",
        "https://a.example/p/f.js/": "path",
        "https://z.example.org/": "wild",
        "https://z.b.example.org/": "deep",
        "https://c.b.example.org/": "exact",
        "wss://a.example/x": "socket",
    }

    assert {url: _key(catalogue.match_url(url)) for url in expected} == expected
    assert [_key(catalogue.match_cookie(name)) for name in ("_x1", "_xy1", "_xyz", "x")] == [
        "host",
        "path",
        "file",
        None,
    ]


names = st.sampled_from(["a.example", "b.a.example", "*.a.example", "c.b.a.example", "*.b.a.example"])
tails = st.sampled_from(["", "/", "/p", "/p/", "/p/q", "/p/q/"])
declared = st.lists(st.tuples(names, tails).map("".join), min_size=1, max_size=8, unique=True)


@given(declared, st.sampled_from(["a.example", "b.a.example", "c.b.a.example"]), tails)
def test_nothing_closer_is_passed_over(sources: list[str], host: str, path: str) -> None:
    """Of all sources that match, none lies inside the one that was taken; without a match there is none."""
    catalogue = Catalogue(service(f"s{index}", source) for index, source in enumerate(sources))
    found = catalogue.match_url(f"https://{host}{path}")
    matching = [source for source in sources if covers(source, f"{host}{path or '/'}") or source == f"{host}{path}"]

    assert (found is not None) == bool(matching)
    if found:
        taken = found.hosts[0]
        assert taken in matching
        closer = [s for s in matching if covers(taken, s) and not covers(s, taken)]
        assert closer == [] or split(closer[0])[2] in ("", "/"), (taken, closer)


@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    """Whatever a page puts into an address, matching answers and does not fall."""
    found = [KNOWN.match_url(text), KNOWN.match_url(f"https://{text}"), KNOWN.match_cookie(text)]

    assert all(one is None or one.hosts or one.cookies for one in found)
    assert is_token(text) in (True, False)


def test_matching_is_quick() -> None:
    """Ten thousand addresses of the longest kind take less than two seconds."""
    url = "https://" + "a." * 60 + "google-analytics.com/" + "x/" * 400
    begin = time.process_time()
    for _ in range(10_000):
        KNOWN.match_url(url)

    assert time.process_time() - begin < 2


def _key(found: Service | None) -> str | None:
    return found.key if found else None
