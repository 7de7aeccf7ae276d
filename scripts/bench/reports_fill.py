"""A data folder with a year of consent records and page views, as the product itself would have stored and counted it.

One site has four fifths, twenty small ones the rest. Records have receipts, their places in valid logs, and the counts
that the product's own rules make of them. The same seed and end give the same rows; the keys that sign are new.
"""

from __future__ import annotations

import argparse
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import fill_consent
import fill_visits
from fill_world import HOUR


def fill(data: Path, records: int, views: int, *, seed: int = 1, end: int) -> None:
    """Fill a folder that is not there yet; the two stores at once, each by a process of its own."""
    spawn = get_context("spawn")
    work = [
        spawn.Process(target=fill_consent.fill, args=(data, records, seed, end)),
        spawn.Process(target=fill_visits.fill, args=(data, views, seed, end)),
    ]
    for process in work:
        process.start()
    for process in work:
        process.join()
    if any(process.exitcode for process in work):
        sys.exit("A store could not be filled.")


def now() -> int:
    """The hour that has begun, in ms since 1970."""
    return time.time_ns() // 1_000_000 // HOUR * HOUR


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, metavar="FOLDER", help="the data folder to make")
    parser.add_argument("--records", type=int, default=50_000, help="consent records")
    parser.add_argument("--views", type=int, default=50_000, help="page views")
    parser.add_argument("--full", action="store_true", help="10 million of both")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--end", type=int, default=now(), help="end of the year (ms since 1970)")
    options = parser.parse_args()
    if options.data.exists():
        sys.exit(f"{options.data} is there already.")
    records, views = (10_000_000, 10_000_000) if options.full else (options.records, options.views)
    fill(options.data, records, views, seed=options.seed, end=options.end)


if __name__ == "__main__":
    main()
