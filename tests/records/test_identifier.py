"""Ids whose order is the order of time."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from consent.records import identifier

TIMES = st.integers(0, 2**48 - 1)
RANDOM = st.binary(min_size=10, max_size=10)


@given(TIMES, RANDOM)
def test_ids_are_uuids_of_version_7(milliseconds: int, random: bytes) -> None:
    """Version, variant and time are where RFC 9562 puts them; text and compact form read back."""
    made = identifier.uuid7(milliseconds, random)
    known = uuid.UUID(bytes=made)

    assert str(known) == identifier.text(made)
    assert (known.version, known.variant) == (7, uuid.RFC_4122)
    assert int(identifier.text(made)[:13].replace("-", ""), 16) == milliseconds
    assert identifier.expand(identifier.compact(made)) == identifier.text(made)


@given(TIMES, TIMES, RANDOM, RANDOM)
def test_ids_sort_by_time(one: int, other: int, first: bytes, second: bytes) -> None:
    """Of two times the earlier one's id comes first, and a millisecond's first text parts it from what was before."""
    early, late = sorted((one, other))
    if early < late:
        assert identifier.text(identifier.uuid7(early, first)) < identifier.text(identifier.uuid7(late, second))
        assert identifier.text(identifier.uuid7(early, first)) < identifier.first_of(late)
    assert identifier.first_of(late) < identifier.text(identifier.uuid7(late, second))


def test_chance_reaches_every_bit() -> None:
    """All 74 random bits are used."""
    zeros, ones = (int.from_bytes(identifier.uuid7(0, bytes([fill]) * 10)) for fill in (0, 255))

    assert (zeros ^ ones).bit_count() == 74


def test_what_is_no_compact_id_is_none() -> None:
    """A cursor that somebody invented opens nothing."""
    for text in ("", "a", "a" * 21, "a" * 23, "ä" * 22, "a" * 21 + "\n", "a" * 21 + "="):
        assert identifier.expand(text) is None


def test_the_clock_may_step_back_a_little() -> None:
    """A correction keeps the order; a clock that was wrong by more than a second is left."""
    assert identifier.steady(1_000, 1_001) == 1_001
    assert identifier.steady(1_000, 1_000) == 1_000
    assert identifier.steady(1_000, 999) == 1_000
    assert identifier.steady(10_000, 9_000) == 10_000
    assert identifier.steady(10_000, 8_999) == 8_999
