"""The choice cookie: both languages pass the same vectors."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.records import cookie

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors/cookie.json").read_text())
KEYS = st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True)
CHOICES = st.builds(
    cookie.Choice,
    day=st.integers(0, 36**4 - 1),
    scope=st.from_regex(r"[0-9a-f]{8}", fullmatch=True),
    gpc=st.booleans(),
    regime=st.sampled_from(["", "us", "eu"]),
    purposes=st.dictionaries(KEYS, st.sampled_from("gdwo"), max_size=8),
    services=st.dictionaries(KEYS, st.sampled_from("gd"), max_size=8),
    sum=st.integers(0, 2**32 - 1).map(cookie.base36),
)


def named(section: str) -> pytest.MarkDecorator:
    """One test case a vector, called by the vector's sentence."""
    return pytest.mark.parametrize("case", VECTORS[section], ids=[case["name"] for case in VECTORS[section]])


def choice_of(case: dict[str, Any]) -> cookie.Choice | None:
    return None if case["choice"] is None else cookie.Choice(**case["choice"])


@named("valid")
def test_a_valid_cookie_reads_and_writes(case: dict[str, Any]) -> None:
    """Decoding gives the choice, purposes in their order; encoding the choice gives the same text."""
    choice = choice_of(case)
    read = cookie.decode(case["cookie"])

    assert choice is not None
    assert read == choice
    assert list(read.purposes) == list(choice.purposes)
    assert cookie.encode(choice) == case["cookie"]


@named("invalid")
def test_an_invalid_cookie_is_no_choice(case: dict[str, Any]) -> None:
    """Whatever does not match the whole pattern reads as nothing."""
    assert cookie.decode(case["cookie"]) is None


@named("headers")
def test_a_header_gives_its_strictest_choice(case: dict[str, Any]) -> None:
    """Of a header's cookies only those of the name count, and several count as the stricter of all."""
    assert cookie.read(case["header"], case["cookie_name"]) == choice_of(case)


@given(CHOICES)
def test_what_is_written_reads_back(choice: cookie.Choice) -> None:
    """Every choice that can be written reads back as itself."""
    assert cookie.decode(cookie.encode(choice)) == choice


@given(CHOICES, CHOICES)
def test_the_stricter_allows_nothing_more(one: cookie.Choice, other: cookie.Choice) -> None:
    """A purpose or service granted by the stricter of two choices is granted by both."""
    both = cookie.stricter(one, other)

    for key, state in both.purposes.items():
        assert state != "g" or one.purposes.get(key) == other.purposes.get(key) == "g"
    for key, grant in both.services.items():
        assert grant != "g" or one.services.get(key) == other.services.get(key) == "g"
    for choice in (one, other):
        assert not [key for key, state in choice.services.items() if state == "d" and both.services.get(key) != "d"]


@given(st.text(max_size=80))
def test_rubbish_never_raises(text: str) -> None:
    """Whatever a browser sends is read as a choice or as nothing, without an error."""
    read = cookie.decode(text)

    assert read is None or cookie.encode(read) == text


@pytest.mark.parametrize(
    "change", [{"scope": "AB12CD34"}, {"sum": ""}, {"regime": "x"}, {"purposes": {"A": "g"}}, {"services": {"a": "w"}}]
)
def test_a_choice_that_would_not_read_back_is_not_written(change: dict[str, Any]) -> None:
    """The encoder refuses what the decoder would refuse."""
    fields: dict[str, Any] = {"day": 1, "scope": "ab12cd34"} | change

    with pytest.raises(ValueError, match="does not fit"):
        cookie.encode(cookie.Choice(**fields))
