"""The published vectors (tests/vectors/ledger/README.md)."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "vectors" / "ledger"


def vectors(name: str) -> Any:
    """One file of vectors."""
    return json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
