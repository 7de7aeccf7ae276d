"""`consent serve` whose wall clock is set by a file: seconds to add. `python -m tests.faults.clock FILE serve …`."""

import sys
import time
from pathlib import Path

from consent.cli import main

_NOW = time.time_ns
_FILE = Path(sys.argv[1])


def shifted() -> int:
    """Nanoseconds since 1970, by a clock that somebody sets."""
    return _NOW() + int(_FILE.read_text() or "0") * 1_000_000_000


if __name__ == "__main__":
    time.time_ns = shifted
    time.time = lambda: shifted() / 1e9
    main(sys.argv[2:])
