"""The whole slow programme in one table: `scripts/faults [WORD …]`; words choose experiments by their name."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.faults import beside, eio, full, kill, replay
from tests.faults.figures import HEAD, Figures
from tests.faults.replay import ROOT

Experiment = Callable[[Path], Awaitable[Figures]]


async def migrations(folder: Path) -> Figures:
    with Figures("migrations, kill -9 anywhere") as figures:
        words = [sys.executable, "-m", "tests.faults.migrate", str(folder)]
        made = await asyncio.to_thread(subprocess.run, words, capture_output=True, check=True, cwd=ROOT)
        told = json.loads(made.stdout)
        figures.points = told["points"]
        figures.corrupt = told["faults"]
        figures.notes = {"versions": told["versions"]}
    return figures


EXPERIMENTS: dict[str, Experiment] = {
    "power": lambda folder: replay.replayed(folder, 450),
    "normal": lambda folder: replay.replayed(folder, 450, every=10, normal=True),
    "eio": lambda folder: eio.failing(folder, eio.CASES),
    "full": full.filled,
    "kill": lambda folder: kill.killed(folder, 100),
    "sigterm": lambda folder: kill.told_to_stop(folder, 20),
    "two": lambda folder: beside.two(folder, 1_000),
    "clock": lambda folder: beside.jumps(folder, 200),
    "migrations": migrations,
}


async def main(chosen: list[str]) -> int:
    """Run them one after another; 1 when something was lost, or when the weakened store lost nothing."""
    print(HEAD, flush=True)
    failed = False
    for name, run in EXPERIMENTS.items():
        if chosen and name not in chosen:
            continue
        if name == "full" and os.geteuid() != 0:
            print("disk full: skipped, only root can make a small disk")
            continue
        with tempfile.TemporaryDirectory() as folder:
            figures = await run(Path(folder))
        print(figures, flush=True)
        failed |= bool(figures.lost or figures.corrupt) != (name == "normal")
    return int(failed)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
