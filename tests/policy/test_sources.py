"""Allow-lists: what opens for whom, as in `tests/vectors/csp.json`, and for any policy."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.catalogue.source import covers, is_token
from consent.policy.sources import allow_list, checksum, domain_sources, granted_keys, list_text, own_sources
from tests.policy.site import in_place, resolved

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "csp.json").read_text("utf-8"))
LISTS = VECTORS["lists"]


def declared(*, everything: bool = False) -> Any:
    """The policy of the vectors."""
    made = SimpleNamespace(
        purposes=[SimpleNamespace(**purpose) for purpose in LISTS["purposes"]],
        services=[SimpleNamespace(**service) for service in LISTS["services"]],
        after_accept="everything" if everything else "declared",
        required_purposes=frozenset({"necessary"}),
    )
    made.is_necessary = lambda service: made.required_purposes.issuperset(service.purposes)
    return made


@pytest.mark.parametrize("case", LISTS["cases"], ids=lambda case: case["name"])
def test_lists(case: dict[str, Any]) -> None:
    """The vectors' decisions open what the vectors say, with their checksum."""
    text = list_text(
        declared(everything=case.get("everything", False)), case["decided"]["purposes"], case["decided"]["services"]
    )

    assert text == case["text"]
    assert checksum(text) == case["checksum"]


@pytest.mark.parametrize(("text", "expected"), VECTORS["checksums"])
def test_checksums(text: str, expected: str) -> None:
    """The vectors' checksums, among them the published ones of FNV-1a."""
    assert checksum(text) == expected


hosts = st.sampled_from(["a.example", "b.a.example", "*.a.example", "c.example", "wss://a.example", "*.b.a.example"])
paths = st.sampled_from(["", "/", "/p", "/p/", "/p/q", "/p/q/"])
sources = st.tuples(hosts, paths).map("".join)
purposes = st.lists(st.sampled_from(["necessary", "one", "two"]), min_size=1, max_size=2, unique=True)
services = st.lists(st.tuples(purposes, st.lists(sources, min_size=1, max_size=4)), max_size=6).map(
    lambda items: [SimpleNamespace(key=f"s{at}", purposes=p, sources=s) for at, (p, s) in enumerate(items)]
)


@given(services, st.sets(st.sampled_from([f"s{index}" for index in range(6)])))
def test_nothing_ungranted_is_opened(made: list[Any], granted: set[str]) -> None:
    """No token covers a source of a declared service that is not granted, and every token is a granted one's own."""
    tokens = allow_list(made, granted)
    closed = [source for service in made if service.key not in granted for source in service.sources]

    assert not any(covers(token, source) for token in tokens for source in closed)
    assert set(tokens) <= {source for service in made if service.key in granted for source in service.sources}
    assert len(tokens) == len(set(tokens))


@given(services)
def test_everything_granted_opens_everything(made: list[Any]) -> None:
    """When all are granted every declared source is open."""
    tokens = allow_list(made, {service.key for service in made})

    assert set(tokens) == {source for service in made for source in service.sources}


@given(services, st.sets(st.sampled_from(["s0", "s1", "s2"])), st.sampled_from(["s3", "s4", "s5"]))
def test_granting_more_closes_nothing(made: list[Any], granted: set[str], more: str) -> None:
    """One further grant never takes a source away."""
    assert set(allow_list(made, granted)) <= set(allow_list(made, granted | {more}))


states = st.dictionaries(st.sampled_from(["necessary", "one", "two"]), st.sampled_from("gdwo"))


@given(services, states, st.dictionaries(st.sampled_from(["s0", "s1", "s2"]), st.sampled_from("gd")))
def test_grants_follow_the_states(made: list[Any], decided: dict[str, str], apart: dict[str, str]) -> None:
    """A service runs when granted itself, or undecided with each purpose that is asked granted (EU-04)."""
    found = granted_keys(made, {"necessary"}, decided, apart)
    for service in made:
        asked = [key for key in service.purposes if key != "necessary"]
        expected = apart[service.key] == "g" if service.key in apart else all(decided.get(k) == "g" for k in asked)

        assert (service.key in found) is expected


def test_own_sources() -> None:
    """Always open: the service, the site's domains with sockets, necessary hosts, sources of necessary services."""
    made = resolved(
        "[services.stripe]\nreason = 'x'\n[services.youtube]",
        origins='origins = ["https://www.shop.co.uk", "http://10.0.0.1:8080"]\nnecessary = ["cdn.example/shop/"]',
    )

    assert own_sources(made, "https://c.example.com") == [
        "c.example.com",
        "shop.co.uk",
        "*.shop.co.uk",
        "wss://shop.co.uk",
        "wss://*.shop.co.uk",
        "10.0.0.1:8080",
        "wss://10.0.0.1:8080",
        "cdn.example/shop/",
        "*.stripe.com",
        "*.stripe.network",
        "*.stripecdn.com",
    ]


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("https://example.com", ["example.com", "*.example.com", "wss://example.com", "wss://*.example.com"]),
        ("https://a.b.example.com:8443", ["example.com:8443", "*.example.com:8443"]),
        ("https://me.github.io", ["me.github.io", "*.me.github.io"]),
        ("https://github.io", ["github.io", "wss://github.io"]),
        ("http://localhost:8000", ["localhost:8000", "wss://localhost:8000"]),
        ("http://[::1]:8000", []),
    ],
)
def test_domains(origin: str, expected: list[str]) -> None:
    """The registrable domain and everything below, never what belongs to other people."""
    assert domain_sources(origin)[: len(expected)] == expected


def test_a_policy_cannot_be_broken_out_of() -> None:
    """Text that would end the directive never gets into the strict policy, even past the checks."""
    with pytest.raises(ValueError, match="cannot be written"):
        own_sources(resolved("", origins='origins = ["https://a;script-src *"]'), "https://c.example")
    with pytest.raises(ValueError, match="cannot be written"):
        own_sources(resolved(), 'https://c.example"><script>')


def test_catalogue_lists_pass_the_core() -> None:
    """Every token of a real list is one that the core accepts."""
    made = resolved("[services.google-analytics]\n[services.facebook-like]\n" + in_place())
    text = list_text(made, {"statistics": "g", "social": "g"}, {})

    assert all(is_token(token) for half in text.split("|") for token in half.split(" ") if token)
    assert "t.own.example/js/" in text
