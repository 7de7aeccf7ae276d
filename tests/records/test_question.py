"""What one may ask of a log."""

import pytest

from consent.errors import Problem
from consent.records import identifier
from consent.records.question import FOREVER, Question, cursor, parse


def test_nothing_asked_is_everything() -> None:
    """Without parameters: all times, all actions, the first hundred."""
    assert parse({}) == Question()
    assert (Question().since, Question().limit, Question().action) == (identifier.first_of(0), 100, "")


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0", 0),
        ("1760000000000", 1_760_000_000_000),
        ("9" * 30, FOREVER),
        ("9" * 5_000, FOREVER),
        ("0" * 25 + "5", 5),
        ("0" * 5_000, 0),
        ("1970-01-02", 86_400_000),
        ("1970-01-01T00:00:01Z", 1_000),
        ("1970-01-01T00:00:01.5Z", 1_500),
        ("1970-01-01T02:00:01+02:00", 1_000),
        ("1970-01-01 00:00:01", 1_000),
        ("1969-01-01", 0),
    ],
)
def test_moments(text: str, milliseconds: int) -> None:
    """Milliseconds, dates and times of RFC 3339 are understood; without an offset they are UTC."""
    assert parse({"since": text}).since == identifier.first_of(milliseconds)
    assert parse({"until": text}).until == identifier.first_of(milliseconds)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("since", "yesterday"),
        ("since", ""),
        ("until", "-1"),
        ("until", "1.5"),
        ("since", "2026-13-01"),
        ("since", "٣"),
        ("action", "GIVEN"),
        ("action", "given' or '1'='1"),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "ten"),
        ("limit", "9" * 40),
        ("limit", "9" * 5_000),
        ("limit", "00000000199999999999999999999999"),
        ("limit", "0000000001"),
        ("limit", "-1"),
        ("after", "x"),
        ("sort", "id"),
    ],
)
def test_what_cannot_be_asked_is_named(name: str, text: str) -> None:
    """Every bound is checked; the answer names the parameter and what to write instead."""
    with pytest.raises(Problem) as caught:
        parse({name: text})

    assert (caught.value.status, caught.value.field) == (422, name)
    assert caught.value.remedy


def test_a_cursor_goes_on_behind_its_record() -> None:
    """The cursor of a record, sent back, is that record's id."""
    last = identifier.text(identifier.uuid7(identifier.Stamp(5, 0), b"01234567"))

    assert parse({"after": cursor(last)}).after == last
