"""The body of a post of consent: exactly what the format allows, and nothing else."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.errors import Problem
from consent.records import claim as claims
from tests.records.shop import OPTIONAL

GOOD: dict[str, Any] = {
    "key": "k" * 22,
    "version": 3,
    "hash": "a" * 64,
    "scope": "ab12cd34",
    "control": "accept",
    "layer": 1,
    "language": "de-AT",
    "notice": "b" * 64,
    "purposes": dict.fromkeys(OPTIONAL, "g"),
    "services": {"youtube": "d"},
    "regime": "eu",
    "gpc": True,
    "time": 1_760_000_000_000,
    "widget": "0.1.0",
}
CHAIN = {"receipt": "r" * 22, "write_key": "w" * 43}


def judged(body: bytes) -> claims.Choices:
    return claims.choices(claims.read(body).statement)


def fault(body: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        judged(body)
    return caught.value


def test_a_good_body_is_read() -> None:
    """Every member arrives, and choices are decoded."""
    claim = claims.read(json.dumps(GOOD | CHAIN).encode())
    said = claims.choices(claim.statement)

    assert (claim.key, claim.version, claim.gpc, claim.continues) == ("k" * 22, 3, True, ("r" * 22, "w" * 43))
    assert said.purposes == GOOD["purposes"]
    assert said.services == {"youtube": "d"}
    assert claims.read(json.dumps(GOOD).encode()).continues is None


@pytest.mark.parametrize("name", sorted(GOOD))
def test_every_member_is_needed(name: str) -> None:
    """A body that lacks a member is refused by its name."""
    body = {key: value for key, value in GOOD.items() if key != name}

    assert fault(json.dumps(body).encode()).field == name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", "short"),
        ("key", "k" * 23),
        ("key", "ä" * 22),
        ("key", "k" * 21 + "\n"),
        ("key", 1),
        ("version", 0),
        ("version", -1),
        ("version", 1.5),
        ("version", "3"),
        ("version", 2**63),
        ("version", 2**31),
        ("version", True),
        ("hash", "A" * 64),
        ("hash", "a" * 63),
        ("scope", "ab12cd3"),
        ("scope", "ab12cd3:"),
        ("control", "ACCEPT"),
        ("control", None),
        ("layer", 3),
        ("layer", True),
        ("language", "english"),
        ("language", "e"),
        ("language", "en_GB"),
        ("notice", ""),
        ("purposes", []),
        ("purposes", {"statistics": "x"}),
        ("purposes", {"statistics": None}),
        ("purposes", {"statistics": ["g"]}),
        ("services", {"youtube": "w"}),
        ("services", "youtube"),
        ("regime", "EU"),
        ("regime", "e"),
        ("gpc", 1),
        ("gpc", "true"),
        ("time", -1),
        ("time", 2**53),
        ("widget", ""),
        ("widget", "0.1.0 <script>"),
        ("widget", "x" * 33),
    ],
)
def test_what_does_not_fit_is_refused_by_its_name(name: str, value: Any) -> None:
    """A wrong type, an impossible value or a text outside its pattern is answered with 422 and the member's name."""
    problem = fault(json.dumps(GOOD | {name: value}).encode())

    assert problem.status == 422
    assert (problem.field or "").split(".")[0].removesuffix("[...]") == name


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_a_notice_may_be_empty_where_none_was_shown(layer: int) -> None:
    """With layer 0 there was none; the layers are notices, and 64 hex digits name one everywhere."""
    body = json.dumps(GOOD | {"layer": layer, "notice": ""}).encode()

    assert judged(json.dumps(GOOD | {"layer": layer}).encode()).canonical
    if layer == 0:
        assert judged(body).canonical
    else:
        assert fault(body).field == "notice"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"extra": 1}, "extra"),
        ({"__proto__": {}}, "__proto__"),
        ({"receipt": "r" * 22}, "receipt"),
        ({"write_key": "w" * 43}, "receipt"),
        ({"receipt": "r" * 21, "write_key": "w" * 43}, "receipt"),
        ({"receipt": "r" * 22, "write_key": "w" * 42}, "write_key"),
        ({"receipt": None, "write_key": None}, "receipt"),
    ],
)
def test_nothing_unknown_and_no_half_of_a_pair(more: dict[str, Any], field: str) -> None:
    """Unknown members are refused; receipt and write key come together or not at all."""
    assert fault(json.dumps(GOOD | more).encode()).field == field


TEXT = json.dumps(GOOD)


@pytest.mark.parametrize(
    "body",
    [
        TEXT.replace('"gpc": true', '"gpc": true, "gpc": false'),
        TEXT.replace('"gpc": true', '"gpc":true,"gpc"  :false'),
        TEXT.replace('"gpc": true', '"gp\\u0063": true, "gpc": false'),
        TEXT.replace('"statistics": "g"', '"statistics": "g", "statistics": "d"'),
        TEXT.replace('"youtube": "d"', '"youtube": "d", "youtube": "g"'),
        TEXT.replace('"language": "de-AT"', '"language": "de", "language": "en"'),
    ],
)
def test_a_member_that_comes_twice_is_refused(body: str) -> None:
    """Two programs may read such a body differently, so it is evidence of nothing."""
    assert body != TEXT
    assert fault(body.encode()).status == 422


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"1",
        b'"text"',
        b"\xff\xfe",
        TEXT.encode() + b"x",
        TEXT.encode() * 2,
        TEXT.replace("1760000000000", "NaN").encode(),
        TEXT.replace("1760000000000", "Infinity").encode(),
        TEXT.replace("1760000000000", "1e400").encode(),
        TEXT.replace('"accept"', '"\\ud800"').encode(),
        TEXT.replace('"accept"', "'accept'").encode(),
        TEXT.replace('{"preferences"', '{"a":' * 1_000 + '{"preferences"').encode(),
        b'{"purposes":' + b"[" * 4_000 + b"]" * 4_000 + b"}",
        TEXT.replace('{"youtube": "d"}', "[" * 3_000 + "]" * 3_000).encode(),
        TEXT.replace("de-AT", "de\\u0000").encode(),
    ],
)
def test_what_is_no_such_object_is_refused(body: bytes) -> None:
    """Malformed, truncated, deeply nested or wrongly encoded JSON is a 422 and never an exception of another kind."""
    assert fault(body).status == 422


@given(st.binary(max_size=300))
def test_rubbish_is_refused(body: bytes) -> None:
    """No bytes whatever raise anything but a Problem."""
    with pytest.raises(Problem):
        judged(body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    ),
    st.sampled_from(sorted(GOOD)),
)
def test_any_value_in_any_place_is_judged(value: Any, name: str) -> None:
    """Whatever stands in a member's place, the body is taken or refused, and nothing else happens."""
    body = json.dumps(GOOD | {name: value}).encode()
    with contextlib.suppress(Problem):
        assert judged(body).canonical


def test_the_same_said_differently_is_the_same() -> None:
    """Order and spaces make no difference to what was said; a choice does."""
    turned = json.dumps(dict(reversed(GOOD.items())) | {"purposes": dict(reversed(GOOD["purposes"].items()))}, indent=2)
    other = GOOD | {"purposes": GOOD["purposes"] | {"social": "d"}}

    assert judged(turned.encode()).canonical == judged(TEXT.encode()).canonical
    assert judged(json.dumps(other).encode()).canonical != judged(TEXT.encode()).canonical
