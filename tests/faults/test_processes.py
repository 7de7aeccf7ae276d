"""Processes that are killed, told to stop, or at work beside each other; a disk that is full; a clock that jumps."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import beside, full, kill
from tests.faults.replay import ROOT

SLOW = pytest.mark.slow


@pytest.mark.parametrize("rounds", [3, pytest.param(100, marks=SLOW)])
async def test_kill_minus_nine_under_load(tmp_path: Path, rounds: int) -> None:
    """Killed again and again on the same data: all that was acknowledged is there once, and it starts by itself."""
    figures = await kill.killed(tmp_path, rounds)

    assert (figures.lost, figures.corrupt) == ([], []), figures
    assert figures.acknowledged > rounds


@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=SLOW)])
async def test_a_stop_under_load(tmp_path: Path, rounds: int) -> None:
    """SIGTERM: what was begun is answered, what was answered is stored, the process ends in time."""
    figures = await kill.told_to_stop(tmp_path, rounds)

    assert (figures.lost, figures.corrupt) == ([], []), figures


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk (tmpfs)")
@pytest.mark.parametrize("levels", [(0, 64), pytest.param(full.LEVELS, marks=SLOW)])
async def test_a_full_disk(tmp_path: Path, levels: tuple[int, ...]) -> None:
    """At each level: refused with a reason, never stored though refused, and taken again within seconds of room."""
    figures = await full.filled(tmp_path, levels)

    assert (figures.lost, figures.corrupt) == ([], []), figures


@pytest.mark.parametrize("count", [30, pytest.param(1_000, marks=SLOW)])
async def test_processes_that_append_to_one_log(tmp_path: Path, count: int) -> None:
    """A second service is refused; others that append at the same time get one log, in which all their choices are."""
    figures = await beside.two(tmp_path, count)

    assert (figures.lost, figures.corrupt) == ([], []), figures


@pytest.mark.parametrize("posts", [5, pytest.param(200, marks=SLOW)])
async def test_a_clock_that_jumps(tmp_path: Path, posts: int) -> None:
    """By seconds, hours and years, forwards and back: no choice is lost, none has a negative time."""
    figures = await beside.jumps(tmp_path, posts)

    assert (figures.lost, figures.corrupt) == ([], []), figures


async def test_a_start_with_a_clock_years_ahead_deletes_nothing(tmp_path: Path) -> None:
    """A clock that is ten years wrong at a start must not be what ends the retention of all records."""
    figures = await beside.jumps(tmp_path, 5, offsets=(0, beside.YEARS), restarts=(beside.YEARS,))

    assert (figures.lost, figures.corrupt) == ([], []), figures


@pytest.mark.parametrize("every", [11, pytest.param(1, marks=SLOW)])
def test_migrations_cut_off_before_every_statement(tmp_path: Path, every: int) -> None:
    """Killed before any statement, of an empty store or one with records: the next start has schema and rows whole."""
    words = [sys.executable, "-m", "tests.faults.migrate", str(tmp_path), str(every)]
    made = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)

    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert told["faults"] == []
    assert told["points"] >= 10 * told["versions"] / every
