"""What the page of health says."""

import pytest

from consent.reports import health


@pytest.mark.parametrize(
    ("waiting", "dropped", "says"),
    [
        (0, 0, "0 events wait; none was dropped in the last day."),
        (1, 1, "1 event waits; 1 was dropped in the last day."),
        (2, 3, "2 events wait; 3 were dropped in the last day."),
    ],
)
def test_one_is_one(waiting: int, dropped: int, says: str) -> None:
    """One thing is told as one, several as several."""
    assert health.buffer(waiting, 100, dropped, "").says == says


def test_one_choice_waits() -> None:
    """So with choices."""
    assert health.choices("", 1, 100).says == "They are recorded; 1 waits for the disk."
    assert health.choices("", 2, 100).says == "They are recorded; 2 wait for the disk."
