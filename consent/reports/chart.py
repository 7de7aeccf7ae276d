"""From figures to shapes: where bars, lines and labels of a chart stand. Pure; templates write the SVG, by classes.

Across, places are per cent of the width, so that a chart is as wide as its page and its letters stay as they are; down,
they are pixels.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from consent.web import figures

HEIGHT = 180
LABELS = 8
"""Labels along the time axis at most; on a phone every other one."""
_GAP = 0.22
"""Part of a band that stays free between bars, while there are few."""
_MARKS = 14
"""Bands up to which points of a line are marked."""


class Series(msgspec.Struct, frozen=True):
    """Figures of one kind, one for each band; None where there is none. `style` is s1 to s6."""

    name: str
    values: tuple[float | None, ...]
    style: str = "s1"
    dashed: bool = False


class Bar(msgspec.Struct, frozen=True):
    """A rectangle: x and width in per cent, y and height in pixels."""

    x: float
    y: float
    width: float
    height: float
    style: str


class Line(msgspec.Struct, frozen=True):
    """A path in a box of `100 × bands` by `height`, stretched to the width, with the marks of its points."""

    path: str
    area: str
    style: str
    dashed: bool
    marks: tuple[tuple[float, float], ...]


class Label(msgspec.Struct, frozen=True):
    """A text at a place; `minor` ones are left out where it is narrow."""

    at: float
    text: str
    anchor: str = ""
    minor: bool = False


class Band(msgspec.Struct, frozen=True):
    """One step of the axis: where it stands, and what it says when pointed at."""

    x: float
    width: float
    says: str


class Chart(msgspec.Struct, frozen=True):
    """What a template draws. `rows` is the table behind it: a head, and a row of texts for each band."""

    height: int
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    ticks: tuple[Label, ...]
    labels: tuple[Label, ...]
    bands: tuple[Band, ...]
    legend: tuple[tuple[str, str], ...]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    box: str

    @property
    def empty(self) -> bool:
        """Whether there is nothing to see."""
        return not self.bars and not self.lines


def stacked(
    names: Sequence[str],
    series: Sequence[Series],
    *,
    height: int = HEIGHT,
    full: Sequence[str] | None = None,
    labels: int = LABELS,
    marks: int = 0,
) -> Chart:
    """Bars upon each other, one band for each name; `full` are the names as the table and the pointer have them.

    `labels` stand along the axis at most; `marks` above its beginning beside it, 0: as many as it takes.
    """
    sums = [sum(one.values[band] or 0 for one in series) for band in range(len(names))]
    top, ticks = _scale(max(sums, default=0), height, marks)
    gap = _GAP if len(names) <= 120 else 0.0
    bars: list[Bar] = []
    for band in range(len(names)):
        y = float(height)
        for one in series:
            tall = (one.values[band] or 0) / top * height
            if tall:
                y -= tall
                x, width = across(band, len(names), gap)
                bars.append(Bar(x, round(y, 2), width, round(tall, 2), one.style))
    drawn = _Drawn(tuple(bars), (), ticks, height, figures.number)
    return _chart(_labels(names, labels), full or names, series, drawn)


def lines(
    names: Sequence[str],
    series: Sequence[Series],
    *,
    height: int = HEIGHT,
    full: Sequence[str] | None = None,
    shares: bool = False,
) -> Chart:
    """Lines over the bands; where there is no figure, a line is broken. `shares`: from 0 to 100 per cent."""
    most = max((value for one in series for value in one.values if value is not None), default=0)
    top, ticks = _shares(height) if shares else _scale(most, height)
    filled = sum(not one.dashed for one in series) <= 2
    drawn = tuple(found for one in series if (found := _line(one, top, height, filled=filled and not one.dashed)))
    write = figures.share if shares else figures.number
    return _chart(_labels(names, LABELS), full or names, series, _Drawn((), drawn, ticks, height, write))


def part(value: float, most: float) -> float:
    """Length of a bar within a table, in per cent of the longest."""
    return round(100 * value / most, 2) if most > 0 and value > 0 else 0.0


class _Drawn(NamedTuple):
    """The shapes, the axis beside them, and how a figure is written."""

    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    ticks: tuple[Label, ...]
    height: int
    write: Callable[[float | None], str]


def _chart(labels: tuple[Label, ...], full: Sequence[str], series: Sequence[Series], drawn: _Drawn) -> Chart:
    rows = tuple((name, *(drawn.write(one.values[band]) for one in series)) for band, name in enumerate(full))
    bands = []
    for band, row in enumerate(rows):
        x, width = across(band, len(full), 0.0)
        told = "\n".join(f"{one.name}: {text}" for one, text in zip(series, row[1:], strict=True))
        bands.append(Band(x, width, f"{row[0]}\n{told}"))
    return Chart(
        height=drawn.height,
        bars=drawn.bars,
        lines=drawn.lines,
        ticks=drawn.ticks,
        labels=labels,
        bands=tuple(bands),
        legend=tuple((one.name, one.style) for one in series),
        head=("", *(one.name for one in series)),
        rows=rows,
        box=f"0 0 {100 * len(full)} {drawn.height}",
    )


def across(band: int, bands: int, gap: float = _GAP) -> tuple[float, float]:
    """Left edge and width of a bar in per cent."""
    width = 100 / bands
    return round((band + gap / 2) * width, 3), round(width * (1 - gap), 3)


def _line(one: Series, top: float, height: int, *, filled: bool) -> Line | None:
    """Stretches of figures as sub-paths; a figure that stands alone is a mark."""
    runs: list[list[tuple[int, float]]] = [[]]
    for band, value in enumerate(one.values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((band, round(height - min(value, top) / top * height, 2)))
    runs = [run for run in runs if run]
    if not runs:
        return None
    path = "".join("M" + "L".join(f"{100 * band + 50} {y}" for band, y in run) for run in runs if len(run) > 1)
    area = "".join(
        f"M{100 * run[0][0] + 50} {height}L"
        + "L".join(f"{100 * band + 50} {y}" for band, y in run)
        + f"L{100 * run[-1][0] + 50} {height}Z"
        for run in runs
        if len(run) > 1
    )
    bands = len(one.values)
    marked = [spot for run in runs for spot in run if bands <= _MARKS or len(run) == 1]
    marks = tuple((round((band + 0.5) * 100 / bands, 3), y) for band, y in marked)
    return Line(path, area if filled else "", one.style, one.dashed, marks)


def _scale(most: float, height: int, marks: int = 0) -> tuple[float, tuple[Label, ...]]:
    """The top of the axis and its labels: steps of 1, 2 or 5 times a power of ten, and whole numbers."""
    if most <= 0 and not marks:
        return 1.0, (Label(float(height), "0"),)
    raw = max(most, 1) / (marks or 4)
    power = 10 ** math.floor(math.log10(raw))
    step = max(1, next(power * base for base in (1, 2, 5, 10) if power * base >= raw))
    count = marks or math.ceil(most / step)
    top = step * count
    marked = [(height - at * step / top * height, figures.short(at * step)) for at in range(count + 1)]
    return float(top), tuple(Label(round(at, 2), text) for at, text in marked)


def _shares(height: int) -> tuple[float, tuple[Label, ...]]:
    at = (0.0, 0.25, 0.5, 0.75, 1.0)
    return 1.0, tuple(Label(round(height - one * height, 2), f"{one:.0%}".replace("%", "\u202f%")) for one in at)


def _labels(names: Sequence[str], most: int) -> tuple[Label, ...]:
    """Some of the names, evenly, each in the middle of its band; the first begins at the edge."""
    if not names:
        return ()
    every = max(1, math.ceil(len(names) / most))
    found = []
    for order, band in enumerate(range(0, len(names), every)):
        at = round((band + 0.5) * 100 / len(names), 3)
        anchor = "end" if at > 97 else "mid"
        found.append(Label(at, names[band], anchor, minor=order % 2 == 1))
    if len(names) > most:
        found[0] = Label(0.0, names[0], "", minor=False)
    return tuple(found)
