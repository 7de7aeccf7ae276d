"""What an experiment found, and the table of them."""

import time
from typing import Self


class Figures:
    """Counts of one experiment; a loss and a corruption are told with an example."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.points = 0
        self.acknowledged = 0
        self.lost: list[str] = []
        self.corrupt: list[str] = []
        self.notes: dict[str, object] = {}
        self._began = time.monotonic()
        self.seconds = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._began

    def __str__(self) -> str:
        notes = ", ".join(f"{name} {value}" for name, value in self.notes.items())
        examples = "".join(f"\n    {line}" for line in [*self.lost[:3], *self.corrupt[:3]])
        return (
            f"{self.name:<34} {self.points:>7,} {self.acknowledged:>9,} {len(self.lost):>6,} {len(self.corrupt):>8,}"
            f" {self.seconds:>7.1f}  {notes}{examples}"
        )


HEAD = f"{'experiment':<34} {'points':>7} {'acked':>9} {'lost':>6} {'corrupt':>8} {'seconds':>7}  notes"
