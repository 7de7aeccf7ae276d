"""What nobody should send: refused or neutralised with a named reason, never a fault, never a stored identifier."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.telemetry.site import EVENTS, HEADERS, ORIGIN, Site, event, served

NOW = int(time.time() * 1000)
DAY = 86_400_000
SECRETS = ("me@example.com", "me%40example.com", "DE89370400440532013000", "4111111111111111", "203.0.113.77")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The shop."""
    with served(tmp_path) as made:
        yield made


def stored(site: Site) -> bytes:
    """Every byte of the visitors' log."""
    site.flush()
    return b"".join(path.read_bytes() for path in site.config.data.glob("telemetry.sqlite*"))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"time": NOW - 2 * DAY}, "too-old"),
        ({"time": 0}, "too-old"),
        ({"time": -(2**52)}, "too-old"),
        ({"time": NOW + 2 * DAY}, "too-new"),
        ({"time": 2**53 - 1}, "too-new"),
        ({"id": "me@example.com"}, "bad-id"),
        ({"id": "1"}, "bad-id"),
        ({"id": ""}, "bad-id"),
        ({"event": ""}, "bad-name"),
        ({"event": "Me"}, "bad-name"),
        ({"event": "a b"}, "bad-name"),
        ({"event": "view\u0000"}, "bad-name"),
        ({"event": "x" * 60}, "bad-name"),
        ({"url": "/lamps/"}, "bad-url"),
        ({"url": "javascript:alert(1)"}, "bad-url"),
        ({"url": "https://me:pw@www.shop.example/"}, "bad-url"),
        ({"url": f"{ORIGIN}/" + "x" * 3_000}, "bad-url"),
        ({"url": "https://www.other.example/"}, "other-site"),
        ({"url": "https://www.shop.example:8443/"}, "other-site"),
        ({"url": "https://www.shop.example.evil.example/"}, "other-site"),
        ({"event": "blocked", "target": "not a host"}, "bad-target"),
        ({"event": "blocked"}, "bad-target"),
        ({"props": [1]}, "bad-props"),
        ({"props": {"a": {"b": 1}}}, "bad-props"),
        ({"time": 1.5}, "malformed"),
        ({"load": "long"}, "malformed"),
        ({"url": 1}, "malformed"),
        ({"user": "me"}, "unknown-field"),
    ],
)
def test_dropped_with_a_reason(site: Site, bad: dict[str, Any], reason: str) -> None:
    """The event alone is dropped, the answer and the count of drops say why, and nothing of it is stored."""
    told = site.told(event(), event("click") | bad, choice=site.decide())

    assert told == f"taken=1; dropped=1 {reason}"
    assert site.dropped() == {reason: 1}
    assert len(site.rows("select * from event")) == 1


def test_names_that_the_policy_does_not_list(tmp_path: Path) -> None:
    """Where the policy names the site's events, others are dropped; those of the widget need no mention."""
    with served(tmp_path, 'events = ["order"]\n') as site:
        told = site.told(event("order"), event("other"), event("outbound", target="x.example"), choice=site.decide())

        assert told == "taken=2; dropped=1 undeclared-event"


@pytest.mark.parametrize("load", [-5, 0, 10**9])
def test_lies_about_numbers_are_unknown(site: Site, load: int) -> None:
    """What cannot be is stored as nothing known, and does not spoil an average."""
    site.told(event(load=load), event("engagement", engaged=-load * 10**6, scrolled=load), choice=site.decide())
    rows = site.rows("select load_time, engaged, scrolled from event")

    assert {tuple(row.values()) for row in rows} == {(0, 0, 0)}


def test_clocks_that_are_wrong(site: Site) -> None:
    """A page's clock within a day says how far events lie apart; when they were, the service says."""
    wrong = NOW + 7 * 3_600_000
    before = int(time.time() * 1000)
    site.told(event(time=wrong, path="/second/"), event(time=wrong - 5_000, path="/first/"), choice=site.decide())
    after = int(time.time() * 1000)
    first, second = site.rows("select path, time, client_time from event order by client_time")

    assert (first["path"], second["path"]) == ("/first/", "/second/")
    assert before <= first["time"] <= second["time"] <= after
    assert second["client_time"] - first["client_time"] == 5_000


def test_the_same_event_counts_once(site: Site) -> None:
    """Twice in a body, and once more in another: one row, one view."""
    choice, same = site.decide(), event()

    assert site.told(same, same, choice=choice) == "taken=1; dropped=1 duplicate"
    site.flush()
    site.told(same, event(), choice=choice)
    assert len(site.rows("select * from event")) == 2
    assert site.rows("select views from visitor") == [{"views": 2}]


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "M" * 10_000},
        {"User-Agent": "Mozilla/5.0 \x07\x1b[31m me@example.com"},
        {"User-Agent": ""},
        {"User-Agent": "Mozilla/5.0 (me@example.com; DE89370400440532013000) Chrome/131.0.0.0"},
        {"Accept-Language": "de-" + "x" * 5_000},
        {"Accept-Language": "me@example.com, *;q=9, de;q=x"},
        {"Sec-CH-UA": '"me@example.com";v="1"', "Sec-CH-UA-Platform": '"203.0.113.77"', "Sec-CH-UA-Mobile": "?9"},
        {"Sec-CH-UA": '"Google Chrome";v="9", ' * 200},
        {"X-Forwarded-For": "203.0.113.77", "X-Real-IP": "203.0.113.77", "Forwarded": "for=203.0.113.77"},
        {"Cookie": "consent=1.x; consent-visitor=me@example.com; " + "a=b; " * 500},
        {"Sec-GPC": "yes"},
    ],
)
def test_headers_of_anybodys_making(site: Site, headers: dict[str, str]) -> None:
    """No header makes a fault, and nothing that somebody wrote into one is stored."""
    raw = {name: value.encode("latin-1") for name, value in (HEADERS | headers).items()}
    choice = site.decide()
    if "Cookie" in headers:
        site.client.cookies.clear()
    answer = site.client.post(EVENTS, content=json.dumps({"choice": choice, "events": [event()]}), headers=raw)  # type: ignore[arg-type]

    assert answer.status_code == 202
    told = stored(site)
    assert [secret for secret in SECRETS if secret.encode() in told] == []
    assert b"M" * 100 not in told


def test_nothing_that_a_page_writes_is_an_identifier(site: Site) -> None:
    """E-mail addresses, account and card numbers in addresses, referrers, targets and campaigns are replaced."""
    inside = "/".join(SECRETS)
    site.told(
        event(path=f"/u/{inside}?ref=me@example.com&iban={SECRETS[2]}&utm_source=me@example.com#/{inside}",
              referrer=f"https://mail.example/{inside}?q={inside}", props={"mail": "me@example.com"}),
        event("outbound", target=f"https://x.example/{inside}"),
        choice=site.decide(),
    )  # fmt: skip

    assert len(site.rows("select * from event")) == 2
    assert [secret for secret in SECRETS if secret.encode() in stored(site)] == []


@pytest.mark.parametrize(
    ("body", "kind", "status", "reason"),
    [
        (b"{", "text/plain", 422, "not-json"),
        (b"\xff\xfe\x00", "text/plain", 422, "not-json"),
        (b'{"choice":"\xff","events":[]}', "text/plain", 422, "not-json"),
        (b"[]", "text/plain", 422, "malformed"),
        (b'{"choice":"","events":[],"fingerprint":"x"}', "text/plain", 422, "malformed"),
        (b" " * 70_000, "text/plain", 413, "too-large"),
        (b"{}", "application/x-www-form-urlencoded", 415, "media-type"),
        (b"{}", "text/plain; charset=utf-16", 415, "media-type"),
        (b"{}", "", 415, "media-type"),
    ],
)
def test_bodies_that_are_none(site: Site, body: bytes, kind: str, status: int, reason: str) -> None:
    """They are refused with a remedy, readable by the page, and counted."""
    answer = site.client.post(EVENTS, content=body, headers={**HEADERS, "Content-Type": kind})

    assert answer.status_code == status
    assert answer.json()["remedy"]
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert site.dropped() == {reason: 1}


def test_compressed_bodies_are_refused(site: Site) -> None:
    """Nothing is unpacked here."""
    answer = site.client.post(EVENTS, content=b"{}", headers={**HEADERS, "Content-Encoding": "gzip"})

    assert answer.status_code == 415


def test_another_sites_key(site: Site) -> None:
    """A page of one site cannot write into another's log, and an unknown site has none."""
    other = site.post(event(), path="/v1/other/events", choice=site.choice())
    unknown = site.post(event(), path="/v1/nobody/events", choice=site.choice())

    assert (other.status_code, other.json()["error"]) == (403, "wrong_origin")
    assert (unknown.status_code, unknown.json()["error"]) == (404, "unknown_site")
    assert site.rows("select * from event") == []


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=30)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=12), inner, max_size=3)),
    max_leaves=8,
)
MEMBERS = st.sampled_from([*event(), "referrer", "load", "engaged", "scrolled", "target", "props", "x"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(st.dictionaries(MEMBERS, VALUES, max_size=4), max_size=3),
    more=st.dictionaries(st.sampled_from(["screen", "webdriver", "hints", "customer", "debug"]), VALUES, max_size=2),
)
def test_any_json_is_answered(site: Site, events: list[dict[str, Any]], more: dict[str, Any]) -> None:
    """Whatever the members hold, it is taken or refused; with a grant, every event is told of."""
    body = {"choice": site.decide(), "events": [event() | one for one in events]} | more
    answer = site.client.post(EVENTS, content=json.dumps(body), headers=HEADERS)

    assert answer.status_code in (202, 422)
    if answer.status_code == 202 and more.get("debug") is True:
        told = answer.headers["consent-events"]
        assert sum(int(part.partition("=")[2].split(" ")[0]) for part in told.split("; ")) >= len(events)
