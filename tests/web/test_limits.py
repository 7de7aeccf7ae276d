"""Rate limits: a burst, a steady rate, and a bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from consent.web.limits import Buckets


def test_a_minutes_worth_at_once_then_the_steady_rate() -> None:
    """A full bucket gives a minute's worth; after that one token each interval, and the wait is told."""
    buckets = Buckets(60)

    assert [buckets.take("a", 0.0) for _ in range(60)] == [0] * 60
    assert buckets.take("a", 0.0) == 1
    assert buckets.take("b", 0.0) == 0
    assert buckets.take("a", 1.0) == 0
    assert buckets.take("a", 1.0) == 1


def test_refused_tokens_cost_nothing() -> None:
    """Who goes on asking while refused does not wait longer for it."""
    buckets = Buckets(1)
    buckets.take("a", 0.0)

    assert [buckets.take("a", 10.0) for _ in range(5)] == [50] * 5
    assert buckets.take("a", 60.0) == 0


def test_the_quietest_is_forgotten_first() -> None:
    """Memory is bounded: the place that asked least recently is dropped, the busy one is kept."""
    buckets = Buckets(1, size=2)
    for key in ("old", "busy", "busy", "new"):
        buckets.take(key, 0.0)

    assert len(buckets) == 2
    assert buckets.take("busy", 0.0) > 0
    assert buckets.take("old", 0.0) == 0


@given(st.lists(st.floats(0, 300), min_size=1, max_size=300).map(sorted), st.integers(1, 600))
def test_no_minute_gives_more_than_two_minutes_worth(times: list[float], rate: int) -> None:
    """However requests are spread, any window of a minute passes at most the burst and the refill."""
    buckets = Buckets(rate)
    passed = [time for time in times if buckets.take("a", time) == 0]

    for start in passed:
        assert sum(start <= time < start + 60 for time in passed) <= 2 * rate
