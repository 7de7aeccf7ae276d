"""Spans of days: what is asked for, the steps of it, and the bounds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.errors import Problem
from consent.reports.span import LONGEST, Span, day, parse, step_of, steps

TODAY = 20_785  # 2026-11-28, a Saturday


@pytest.mark.parametrize(
    ("asked", "span"),
    [
        ({}, Span(TODAY - 29, TODAY, 30)),
        ({"days": "1"}, Span(TODAY, TODAY, 1)),
        ({"from": "2026-11-01", "to": "2026-11-10"}, Span(TODAY - 27, TODAY - 18)),
        ({"from": "2026-11-28"}, Span(TODAY, TODAY)),
        ({"to": "2026-11-27"}, Span(TODAY - 30, TODAY - 1)),
        ({"from": "2026-11-01", "days": "7"}, Span(TODAY - 27, TODAY)),
    ],
)
def test_what_is_asked_for(asked: dict[str, str], span: Span) -> None:
    """Days until today, or dates, both within."""
    assert parse(asked, TODAY) == span


@pytest.mark.parametrize("days", ["0", "-1", "1e3", "٣", "3661", "99999", " 7", "7.0"])
def test_days_are_bounded(days: str) -> None:
    """One to ten years, in plain digits."""
    with pytest.raises(Problem) as caught:
        parse({"days": days}, TODAY)
    assert caught.value.field == "days"


@settings(deadline=None)
@given(st.integers(0, LONGEST * 2), st.integers(0, LONGEST - 1))
def test_every_day_is_in_one_step(first: int, more: int) -> None:
    """Steps are in order, each bucket falls into one of them, and there are never too many to draw."""
    span = Span(first, first + more)
    found = [step.first for step in steps(span)]
    low, high = span.buckets

    assert found == sorted(set(found))
    assert {step_of(span, bucket) for bucket in range(low, high + 1)} == set(found)
    assert len(found) <= 125
    assert span.before.days == span.days and span.before.last == span.first - 1


def test_how_it_reads() -> None:
    """One day, days of a year, days of two years; weeks begin on Mondays, months on the first."""
    assert str(Span(TODAY, TODAY)) == "28 Nov 2026"
    assert str(Span(TODAY - 29, TODAY)) == "30 Oct to 28 Nov 2026"
    assert str(Span(TODAY - 364, TODAY)) == "29 Nov 2025 to 28 Nov 2026"
    assert {day(step.first).weekday() for step in steps(Span(TODAY - 364, TODAY))} == {0}
    assert {day(step.first).day for step in steps(Span(TODAY - 3_000, TODAY))} == {1}
