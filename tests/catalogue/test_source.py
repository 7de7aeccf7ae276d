"""Sources: what covers what, as in `tests/vectors/csp.json`."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.catalogue.source import covers, fault, is_token, split

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors" / "csp.json").read_text("utf-8"))

labels = st.sampled_from(["a", "b", "cdn", "x-1"])
hosts = st.lists(labels, min_size=2, max_size=4).map(".".join)
paths = st.sampled_from(["", "/", "/a", "/a/", "/a/b", "/a/b/", "/ab", "/A/"])
sources = st.builds(
    lambda socket, star, host, path: f"{'wss://' * socket}{'*.' * star}{host}{path}",
    st.booleans(),
    st.booleans(),
    hosts,
    paths,
)


@pytest.mark.parametrize("text", VECTORS["tokens"]["valid"])
def test_tokens(text: str) -> None:
    """A token of the vectors is one."""
    assert is_token(text)


@pytest.mark.parametrize("text", VECTORS["tokens"]["invalid"])
def test_no_tokens(text: str) -> None:
    """What could end an attribute, a directive or a list is no token."""
    assert not is_token(text)
    assert fault(text) is not None


@pytest.mark.parametrize(("a", "b", "expected"), VECTORS["covers"])
def test_covers(a: str, b: str, expected: bool) -> None:
    """The vectors' pairs."""
    assert covers(a, b) is expected


@given(sources)
def test_covers_itself(source: str) -> None:
    """Every source covers itself."""
    assert covers(source, source)


@given(sources, sources, sources)
def test_covers_is_transitive(a: str, b: str, c: str) -> None:
    """What covers a cover covers."""
    if covers(a, b) and covers(b, c):
        assert covers(a, c)


@given(sources, sources, hosts, paths)
def test_covering_means_matching_more(a: str, b: str, host: str, path: str) -> None:
    """An address that the covered source matches is matched by the covering one, by CSP's own rules."""
    if covers(a, b) and _matches(b, host, path or "/"):
        assert _matches(a, host, path or "/")


def _matches(source: str, host: str, path: str) -> bool:
    """CSP Level 3, 6.7.2.9 and 6.7.2.12, written from the text of the spec and not from `covers`."""
    _, pattern, own = split(source)
    if pattern.startswith("*."):
        if not host.endswith(pattern[1:]):
            return False
    elif pattern != host:
        return False
    if own in ("", "/"):
        return True
    own_parts, parts = own.split("/"), path.split("/")
    exact = own_parts[-1] != ""
    if len(own_parts) > len(parts) or (exact and len(own_parts) != len(parts)):
        return False
    return own_parts[: len(own_parts) - (not exact)] == parts[: len(own_parts) - (not exact)]


@pytest.mark.parametrize(
    "source",
    [
        "https://a.example",
        "a.example/%41/",
        "a.example//x",
        "a.example/../x",
        "a.example:443",
        f"a.example/{'x' * 200}",
    ],
)
def test_ambiguous_spellings_are_refused(source: str) -> None:
    """A declared source has one spelling, so that comparing text is comparing meaning."""
    assert fault(source) is not None
