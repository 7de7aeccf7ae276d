"""Choices broken down by one dimension, and compared with those of before."""

import pytest

from consent.reports.breakdown import rows
from consent.reports.choices import Choices
from consent.reports.overview import Live, Overview


def test_the_order_is_that_of_the_first_column() -> None:
    """Lines stand by their first answers, however often visitors withdrew; equal ones by all that was said."""
    now = {
        "IE": Choices(given=58, changed=9, withdrawn=10),
        "CA": Choices(given=60, refused=3),
        "FI": Choices(refused=58),
    }

    assert [row.value for row in rows(now, None)] == ["CA", "IE", "FI"]


@pytest.mark.parametrize(("now", "before", "grew"), [(9, 10, -0.1), (99, 10, 8.9), (100, 10, None), (5, 0, None)])
def test_growth_from_next_to_nothing_is_none(now: int, before: int, grew: float | None) -> None:
    """Beyond tenfold the span before has but a few days, and no percentage says anything."""
    live = Live((), Choices())
    page = Overview((), (Choices(given=now),), (Choices(given=before),), None, None, (), live)

    assert page.grew == (None if grew is None else pytest.approx(grew))
