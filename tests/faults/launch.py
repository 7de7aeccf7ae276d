"""`consent serve` from an empty folder, with a shop published in the same process: its whole life is one trace.

`python -m tests.faults.launch DATA PORT [--normal]`. With `--normal` the store is opened with synchronous=NORMAL, which
loses what was acknowledged when the power goes: a harness that finds nothing then would find nothing ever.
"""

import asyncio
import sys
from pathlib import Path

from consent.cli import main
from consent.db import sqlite
from consent.errors import Problem
from tests.records.shop import config_in, shop_in


def weaken() -> None:
    """Open stores with synchronous=NORMAL. No setting of the product does this."""
    sqlite.PRAGMAS = tuple((name, 1 if name == "synchronous" else value) for name, value in sqlite.PRAGMAS)


if __name__ == "__main__":
    if "--normal" in sys.argv:
        weaken()
    data = Path(sys.argv[1])
    try:
        asyncio.run(shop_in(config_in(data.parent, data=data)))
    except Problem as problem:
        sys.exit(str(problem))
    main(["serve", "--port", sys.argv[2], "--data", str(data), "--json"])
