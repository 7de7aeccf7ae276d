"""What arrived: the only evidence these tests accept."""

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["dns", "tcp", "tls", "http", "ws", "udp"]

# A connection or a look-up by itself carries no request; the residue of `preconnect` and `dns-prefetch`.
REQUESTS: frozenset[Kind] = frozenset({"http", "ws"})


@dataclass(frozen=True)
class Arrival:
    """One thing that reached us. `time` is `time.monotonic()` in seconds; `path` has no query, `target` has."""

    kind: Kind
    host: str
    time: float
    method: str = ""
    target: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def place(self) -> str:
        """`host/path`: what is compared between two loads of a page."""
        return self.host + self.path

    def __str__(self) -> str:
        return f"{self.kind} {self.method} {self.host}{self.target}".replace("  ", " ")


class Log:
    """Everything that arrived in this run, in order. Written by the recorder's thread, read by the tests."""

    def __init__(self) -> None:
        self._entries: list[Arrival] = []
        self._changed = threading.Condition()

    def add(self, arrival: Arrival) -> None:
        with self._changed:
            self._entries.append(arrival)
            self._changed.notify_all()

    def mark(self) -> int:
        """A place in the log, to be given to `since`."""
        with self._changed:
            return len(self._entries)

    def since(self, mark: int = 0, *, kinds: Iterable[Kind] | None = None) -> list[Arrival]:
        """What arrived after `mark`; of these `kinds` only, when given."""
        wanted = None if kinds is None else frozenset(kinds)
        with self._changed:
            entries = self._entries[mark:]
        return [entry for entry in entries if wanted is None or entry.kind in wanted]

    def last(self) -> float:
        """When something last arrived; 0 if nothing ever did."""
        with self._changed:
            return self._entries[-1].time if self._entries else 0.0


# What the browsers ask by themselves, whatever page is open: updates and settings. Seen with no page open at all.
NOISE: tuple[str, ...] = ("update.googleapis.com", "clients2.google.com", "accounts.google.com")
NOISE += ("content-autofill.googleapis.com", "optimizationguide-pa.googleapis.com")
NOISE += ("firefox.settings.services.mozilla.com",)
NOISE += ("firefox-settings-attachments.cdn.mozilla.net", "content-signature-2.cdn.mozilla.net")


def under(host: str, domains: Iterable[str]) -> bool:
    """Whether `host` is one of the `domains` or below one of them."""
    return any(host == domain or host.endswith("." + domain) for domain in domains)


def foreign(arrivals: Iterable[Arrival], own: Iterable[str]) -> Iterator[Arrival]:
    """Those at hosts outside `own`, without the browsers' own noise."""
    domains = (*own, *NOISE)
    return (arrival for arrival in arrivals if not under(arrival.host, domains))


def now() -> float:
    return time.monotonic()
