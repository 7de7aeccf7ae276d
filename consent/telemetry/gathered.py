"""What an import gathers for its next transaction: the `Door` through which lines go."""

from collections import Counter
from collections.abc import Callable

from consent.db import Row
from consent.telemetry.hit import GRAINS, Anonymous, Hit
from consent.telemetry.rollup import Sums


class Gathered:
    """What waits for the next transaction."""

    def __init__(self, is_forgotten: Callable[[int, bytes], bool]) -> None:
        self.is_forgotten = is_forgotten
        self.hits: list[Hit] = []
        self.sums: dict[int, Sums] = {}
        self.dropped: Counter[tuple[int, int, str]] = Counter()

    def has_room(self, size: int) -> bool:
        """Always: the import itself waits for what is written."""
        return True

    def is_swamped(self) -> bool:
        """Never, for the same reason."""
        return False

    def put(self, hit: Hit) -> bool:
        self.hits.append(hit)
        return True

    def count(self, counted: Anonymous) -> bool:
        self.sums.setdefault(counted.site_id, Sums()).anonymous(counted)
        return True

    def drop(self, site_id: int, time: int, reason: str, number: int = 1) -> None:
        self.dropped[site_id, time // GRAINS["hour"], reason] += number

    def forget(self, site_id: int, visitor: str, until: int, *, rows: bool) -> None:
        raise AssertionError("what is over makes nobody withdraw")

    def taken(self) -> tuple[list[Hit], dict[int, Sums], list[Row]]:
        """All of it, which waits no longer."""
        dropped: list[Row] = [
            {"site_id": site_id, "hour": hour, "reason": reason, "n": number}
            for (site_id, hour, reason), number in sorted(self.dropped.items())
        ]
        taken = (self.hits, self.sums, dropped)
        self.hits, self.sums, self.dropped = [], {}, Counter()
        return taken
