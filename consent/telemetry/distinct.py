"""How many different pages, sources, hosts and names a site's log takes in a day: who makes them up fills no disk."""

from typing import Literal

import msgspec

Kind = Literal["page", "source", "target", "event", "campaign", "agent"]

MOST: dict[Kind, int] = {
    "page": 10_000,
    "source": 5_000,
    "target": 2_000,
    "event": 200,
    "campaign": 1_000,
    "agent": 5_000,
}
"""Of each kind in a day (UTC), since the service began. Sums are kept for each of them, and stay."""

OTHER = ":other"
"""What stands for all that came later."""


class Distinct:
    """What a site's log has seen today."""

    def __init__(self) -> None:
        self._day = -1
        self._seen: dict[Kind, set[str]] = {kind: set() for kind in MOST}

    def begin(self, day: int) -> None:
        """A request of this day (since 1970): of another one nothing was seen yet."""
        if day != self._day:
            self._day = day
            for seen in self._seen.values():
                seen.clear()

    def knows(self, kind: Kind, text: str) -> bool:
        """Whether it was seen before, or there is room for it yet."""
        seen = self._seen[kind]
        if text in seen:
            return True
        if len(seen) >= MOST[kind]:
            return False
        seen.add(text)
        return True

    def keep(self, kind: Kind, text: str) -> str:
        """The text, or `OTHER`; empty stays empty."""
        return text if not text or self.knows(kind, text) else OTHER

    def campaign(self, text: str) -> str:
        """A campaign, as JSON of utm_*, under a name that is known or `OTHER`."""
        told = msgspec.json.decode(text, type=dict[str, str]) if text else {}
        name = told.get("utm_campaign", "")
        kept = self.keep("campaign", name)
        return text if kept == name else msgspec.json.encode(told | {"utm_campaign": kept}).decode()
