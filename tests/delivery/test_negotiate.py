"""Codings and entity tags, by HTTP's own rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.delivery.negotiate import choose_coding, is_unmodified


@pytest.mark.parametrize(
    ("headers", "coding"),
    [
        ([], "identity"),
        ([""], "identity"),
        (["gzip, deflate, br, zstd"], "br"),
        (["gzip, deflate"], "gzip"),
        (["gzip", "br"], "br"),
        (["GZIP"], "gzip"),
        (["x-gzip"], "gzip"),
        (["br;q=0, gzip"], "gzip"),
        (["br;q=0.5, gzip;q=0.8"], "gzip"),
        (["br;q=1.0, gzip;q=1.0"], "br"),
        (["identity, br;q=0.5"], "identity"),
        (["*"], "br"),
        (["*;q=0"], "identity"),
        (["*;q=0, gzip"], "gzip"),
        (["br;q=0, *"], "gzip"),
        (["identity;q=0"], "identity"),
        (["identity;q=0, gzip;q=0.1"], "gzip"),
        (["deflate, zstd"], "identity"),
        (["br;q=2"], "identity"),
        (["br;q=abc"], "identity"),
        (["brotli"], "identity"),
        (["br ; q=0.3"], "br"),
        ([", ,gzip,,"], "gzip"),
        (["a" * 5000 + ", br"], "identity"),
    ],
)
def test_coding(headers: list[str], coding: str) -> None:
    """The best coding that the client takes; what is malformed was not asked for."""
    assert choose_coding(headers) == coding


@given(st.lists(st.text(max_size=60), max_size=3))
def test_any_header(headers: list[str]) -> None:
    """Whatever the header holds, there is an answer, and brotli only where `br` or `*` is named."""
    coding = choose_coding(headers)

    assert coding == "identity" or any(mark in header.lower() for header in headers for mark in ("br", "gzip", "*"))


@pytest.mark.parametrize(
    ("headers", "unmodified"),
    [
        ([], False),
        (['"abc"'], True),
        (['W/"abc"'], True),
        (['"x", "abc"'], True),
        (['"x"', '"abc"'], True),
        (["*"], True),
        (["abc"], False),
        (['"abcd"'], False),
        (['"abc'], False),
        (['"x,\\"abc"'], False),
        ([""], False),
    ],
)
def test_unmodified(headers: list[str], unmodified: bool) -> None:
    """A tag is found in the list, strong or weak, and never inside another."""
    assert is_unmodified(headers, '"abc"') is unmodified
