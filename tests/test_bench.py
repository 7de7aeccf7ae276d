"""What is measured can be measured: every bench runs, small, to its end. Its figures are judged by nobody here."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[1] / "scripts" / "bench"
LOADED = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk sends the load, and is not installed")


@pytest.mark.parametrize(
    ("program", "asked", "told"),
    [
        ("ledger.py", "2000", "check by verify.py"),
        pytest.param("agents_table.py", "", "false alarms", marks=pytest.mark.slow),
        pytest.param("widget.py", "--loads 1", "visible_banner_gzip", marks=pytest.mark.slow),
        pytest.param("posts.py", "--rounds 1 --seconds 1", "times_one_commit", marks=[pytest.mark.slow, LOADED]),
        pytest.param(
            "events.py",
            "--rounds 1 --seconds 1 --many 20000 --kills 1",
            "ratio_by_20",
            marks=[pytest.mark.slow, LOADED],
        ),
        pytest.param(
            "reports.py",
            "--sizes 500 1000 --repeats 2 --raw 1 --seconds 1 --rounds 1",
            "posts_beside_analysts",
            marks=[pytest.mark.slow, LOADED],
        ),
    ],
)
def test_a_bench_runs(program: str, asked: str, told: str) -> None:
    done = subprocess.run(
        [sys.executable, BENCH / program, *asked.split()], capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert told in done.stdout
