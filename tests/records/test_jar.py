"""What an answer does to the browser's cookies."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.policy.queries import Version
from consent.records import claim as claims
from consent.records import jar
from consent.records.cookie import Choice, decode
from consent.records.decision import Settled, settle
from consent.records.traces import LONGEST_NAME, MOST_NAMES, traces
from consent.web.setcookie import set_cookie
from tests.policy.site import in_place, resolved
from tests.records.shop import OPTIONAL, body

SITE = resolved(
    in_place("ours", cookies='[{name = "ours", duration = "1 day"}, {name = "shared_*", duration = "1 day"}]')
    + in_place(
        "ads",
        purposes='["marketing"]',
        cookies='[{name = "ads*", duration = "1 day"}, {name = "shared_*", duration = "1 day"},'
        ' {name = "basket", duration = "1 day"}, {name = "far", duration = "1 day", party = "third"}]',
        hosts='["ads.example"]',
    )
    + in_place(
        "till",
        purposes='["necessary"]',
        kind='"payment"',
        reason='"Takes the payment."',
        cookies='[{name = "basket", duration = "1 day"}]',
        hosts='["till.example"]',
    )
)
VERSION = Version(1, 1, SITE.hash, SITE.scope, SITE, 1)
SENT = "ours=1; shared_x=1; ads=1; adsense=1; basket=1; far=1; consent=1; consent_regime=eu; session=1; ours2=1; Ads=1"


def settled(**changes: Any) -> Settled:
    said = {"control": "save", "purposes": dict.fromkeys(OPTIONAL, "d")} | changes
    statement = claims.read(json.dumps(body(VERSION, **said)).encode()).statement
    return settle(statement, claims.choices(statement), VERSION, 20_000)


def found(sent: str = SENT, **changes: Any) -> list[str]:
    choice = decode(settled(**changes).cookie)
    assert choice is not None
    return list(traces(SITE, choice, sent))


def headers(sent: str = SENT, host: str = "www.shop.example", today: int = 20_000, **changes: Any) -> list[str]:
    return jar.cookies(SITE, settled(**changes), today, host=host, sent=sent, secure=True)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ["ours", "shared_x", "ads", "adsense"]),
        ({"purposes": {}}, ["ours", "shared_x", "ads", "adsense"]),
        ({"purposes": dict.fromkeys(OPTIONAL, "w")}, ["ours", "shared_x", "ads", "adsense"]),
        ({"purposes": {"statistics": "g", "marketing": "d"}}, ["ads", "adsense"]),
        ({"purposes": {"statistics": "d", "marketing": "g"}}, ["ours"]),
        ({"purposes": {"statistics": "g", "marketing": "g"}, "services": {"ads": "d"}}, ["ads", "adsense"]),
        ({"purposes": dict.fromkeys(OPTIONAL, "d"), "services": {"ours": "g"}}, ["ads", "adsense"]),
    ],
)
def test_whose_cookies_go(changes: dict[str, Any], names: list[str]) -> None:
    """Declared first-party cookies of services that may not run, unless one that may, or must, declares them too."""
    assert found(**changes) == names


def test_our_own_are_never_touched() -> None:
    """Neither the choice nor the regime, whatever a service claims to set."""
    greedy = resolved(in_place(cookies='[{name = "c*", duration = "1 day"}]'))
    choice = Choice(day=1, scope=greedy.scope)

    assert list(traces(greedy, choice, "consent=1; consent_regime=eu; cart=1")) == ["cart"]


@pytest.mark.parametrize("sent", ["", ";", "=", "; ;=; ads", "ads", " \tads \t=1", "ads=1;ads=2", 'ads="a;b"'])
def test_crooked_headers(sent: str) -> None:
    """What is no pair counts by its name, twice is once, and nothing else happens."""
    assert found(sent) == (["ads"] if "ads" in sent else [])


def test_bounds() -> None:
    """Only so many names, and none of a length that no program gives."""
    many = "; ".join(f"x{number}=1" for number in range(MOST_NAMES))

    assert found(f"{many}; ads=1") == []
    assert found(f"ads=1; {many}") == ["ads"]
    assert found(f"ads{'x' * LONGEST_NAME}=1; adsense=1") == ["adsense"]


def test_they_go_from_every_domain_they_may_be_under() -> None:
    """Without a domain, under the registrable one, and under the host's own name; exactly as the grammar has it."""
    assert headers("ads=1")[1:] == [
        "ads=; Path=/; Max-Age=0; SameSite=Lax; Secure",
        "ads=; Path=/; Max-Age=0; SameSite=Lax; Domain=shop.example; Secure",
        "ads=; Path=/; Max-Age=0; SameSite=Lax; Domain=www.shop.example; Secure",
    ]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("www.shop.example:8443", ("shop.example", "www.shop.example")),
        ("shop.example", ("shop.example",)),
        ("WWW.shop.co.uk", ("shop.co.uk", "www.shop.co.uk")),
        ("localhost:8000", ()),
        ("127.0.0.1", ()),
        ("[::1]:8000", ()),
        ("", ()),
        (f"{'a.' * 200}example", ()),
    ],
)
def test_domains(host: str, expected: tuple[str, ...]) -> None:
    """Addresses and bare names have no domain beside themselves."""
    assert jar.domains(host) == expected


def test_an_answer_stays_small() -> None:
    """However many there are: proxies drop an answer whose head is larger than 4 kB."""
    sent = "; ".join(f"ads{number:040d}=1" for number in range(150))
    made = headers(sent)

    assert 10 < len(made) < 50
    assert sum(len(header) + 14 for header in made) <= jar.ROOM


@pytest.mark.parametrize("name", ["__Host-a", "__host-a", "__Secure-a", "__SECURE-a"])
def test_prefixes_mean_the_same_in_every_case(name: str) -> None:
    """Browsers compare them so (RFC 6265bis, 5.7): what could not be is not written."""
    assert jar.removal(name, "", secure=False) == ""
    assert bool(jar.removal(name, "shop.example", secure=True)) is name.lower().startswith("__secure-")
    with pytest.raises(ValueError, match="secure"):
        set_cookie(name, "a", max_age=1, secure=False)


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_header_of_a_browser_opens_a_second_one(name: str, host: str) -> None:
    """Whatever the Cookie and Host headers hold, what is written are whole headers of removals."""
    for header in headers(f"ads{name}=1", host)[1:]:
        assert header.isascii() and header.isprintable()
        assert header.startswith("ads")
        assert "; Max-Age=0; " in header
        assert header.count(";") in (4, 5)


@pytest.mark.parametrize(
    ("today", "age"), [(20_000, 180), (20_010, 170), (20_179, 1), (20_180, 0), (20_500, 0), (19_999, 180)]
)
def test_the_choice_ends_on_its_day(today: int, age: int) -> None:
    """A late answer does not prolong it; one that has ended is taken away."""
    assert f"; Max-Age={age * 86_400}; " in headers(today=today)[0]
