"""Charts: every figure is drawn where it belongs, within the picture, and stands in the table behind."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.reports.chart import LABELS, Series, lines, part, stacked

COUNTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=150)
SHARES = st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=150)


@given(COUNTS, COUNTS)
def test_bars_stand_upon_each_other_within_the_picture(one: list[int], other: list[int]) -> None:
    """No bar leaves the picture, those of a band touch, and heights are in proportion."""
    names = [str(at) for at in range(min(len(one), len(other)))]
    chart = stacked(names, [Series("a", tuple(one[: len(names)])), Series("b", tuple(other[: len(names)]), "s2")])
    bands: dict[float, list[float]] = {}
    for bar in chart.bars:
        assert bar.x >= 0 and bar.x + bar.width <= 100.01
        assert bar.y >= -0.1 and bar.y + bar.height <= chart.height + 0.1
        bands.setdefault(bar.x, []).append(bar.height)

    assert len(chart.rows) == len(names)
    assert len(chart.bars) <= 2 * len(names)
    assert all(sum(heights) <= chart.height + 0.1 for heights in bands.values())


@given(SHARES)
def test_lines_break_where_there_is_no_figure(values: list[float | None]) -> None:
    """Every figure is on the line or is a mark of its own; a gap begins a new stretch; all within the picture."""
    chart = lines([str(at) for at in range(len(values))], [Series("rate", tuple(values))], shares=True)
    places = re.findall(r"[ML](\d+) ([\d.]+)", chart.lines[0].path) if chart.lines else []
    known = [value for value in values if value is not None]
    runs = "".join("x" if value is not None else " " for value in values).split()

    assert all(0 <= float(y) <= chart.height for _, y in places)
    assert len(places) == sum(len(run) for run in runs if len(run) > 1)
    assert bool(chart.lines) == bool(known)
    assert (chart.lines[0].path.count("M") if chart.lines else 0) == sum(len(run) > 1 for run in runs)


@pytest.mark.parametrize("most", [0, 1, 3, 4, 7, 99, 100, 12_345, 10**9])
def test_the_axis_has_whole_round_numbers(most: int) -> None:
    """From nothing to a thousand million: a handful of marks, the highest at or above the highest figure."""
    chart = stacked(["a"], [Series("n", (most,))])

    assert 1 <= len(chart.ticks) <= 6
    assert chart.ticks[0].text == "0"
    assert len({tick.text for tick in chart.ticks}) == len(chart.ticks)


@pytest.mark.parametrize("bands", [1, 2, 8, 9, 30, 60, 92, 130])
def test_labels_do_not_crowd(bands: int) -> None:
    """However many bands, a few labels stand along the axis, in order and within it."""
    chart = stacked([str(at) for at in range(bands)], [Series("n", tuple(range(bands)))])
    places = [label.at for label in chart.labels]

    assert 1 <= len(places) <= LABELS
    assert places == sorted(places) and places[0] >= 0 and places[-1] <= 100


def test_nothing_is_drawn_of_nothing() -> None:
    """Without bands there is no shape, and no fault."""
    assert stacked([], [Series("n", ())]).empty
    assert lines([], [Series("n", ())]).empty
    assert (part(5, 0), part(0, 5), part(5, 10)) == (0.0, 0.0, 50.0)
