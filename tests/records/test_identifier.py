"""Ids whose order is the order of time."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from consent.records import identifier

STAMPS = st.builds(identifier.Stamp, st.integers(0, 2**48 - 1), st.integers(0, 4_095))
RANDOM = st.binary(min_size=8, max_size=8)


@given(STAMPS, RANDOM)
def test_ids_are_uuids_of_version_7(stamp: identifier.Stamp, random: bytes) -> None:
    """Version, variant and time are where RFC 9562 puts them; text and compact form read back."""
    made = identifier.uuid7(stamp, random)
    known = uuid.UUID(bytes=made)

    assert str(known) == identifier.text(made)
    assert (known.version, known.variant) == (7, uuid.RFC_4122)
    assert int(identifier.text(made)[:13].replace("-", ""), 16) == stamp.time
    assert identifier.expand(identifier.compact(made)) == identifier.text(made)


@given(STAMPS, STAMPS, RANDOM, RANDOM)
def test_ids_sort_by_their_stamps(one: identifier.Stamp, other: identifier.Stamp, first: bytes, second: bytes) -> None:
    """The earlier stamp's id comes first, and a millisecond's first text parts it from all that was before."""
    early, late = sorted((one, other))
    if early < late:
        assert identifier.text(identifier.uuid7(early, first)) < identifier.text(identifier.uuid7(late, second))
    if early.time < late.time:
        assert identifier.text(identifier.uuid7(early, first)) < identifier.first_of(late.time)
    assert identifier.first_of(late.time) < identifier.text(identifier.uuid7(late, second))


def test_chance_reaches_every_bit() -> None:
    """All 62 random bits are used."""
    zeros, ones = (int.from_bytes(identifier.uuid7(identifier.Stamp(0, 0), bytes([fill]) * 8)) for fill in (0, 255))

    assert (zeros ^ ones).bit_count() == 62


def test_what_is_no_compact_id_is_none() -> None:
    """A cursor that somebody invented opens nothing."""
    for text in ("", "a", "a" * 21, "a" * 23, "ä" * 22, "a" * 21 + "\n", "a" * 21 + "="):
        assert identifier.expand(text) is None


@given(st.lists(st.integers(-900, 5), max_size=300))
def test_stamps_only_grow(steps: list[int]) -> None:
    """However a clock trembles, each stamp is later than the one before."""
    last, now = identifier.Stamp(10_000, 0), 10_000
    for step in steps:
        now = max(now + step, last.time - 900)
        stamp = identifier.following(last, now)
        assert stamp > last
        last = stamp


def test_a_full_millisecond_flows_into_the_next() -> None:
    """The 4,097th id of a millisecond borrows from the next."""
    assert identifier.following(identifier.Stamp(5, 4_095), 5) == (6, 0)


def test_a_clock_that_was_wrong_is_left() -> None:
    """Set back by more than a second, the new time is taken."""
    assert identifier.following(identifier.Stamp(10_000, 3), 9_000) == (10_000, 4)
    assert identifier.following(identifier.Stamp(10_000, 3), 8_999) == (8_999, 0)
