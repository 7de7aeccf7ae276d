"""Who withdrew, in memory: asked at every request. Bounded: a prefix of each digest, 8 bytes of memory."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable

MOST = 1_000_000
"""Digests of one site in memory. Beyond them the first by value are known: which ones is chance."""

Digest = bytes


class Forgotten:
    """Digests (`visitors.cookies.digest`) by site. Another visitor's has the prefix of one with a chance of 2^-44."""

    def __init__(self) -> None:
        self._old: dict[int, array[int]] = {}
        self._new: dict[int, set[int]] = {}

    def load(self, site_id: int, digests: Iterable[Digest]) -> None:
        """Take what is stored of a site, in place of what was known."""
        prefixes = sorted(_prefix(one) for one in digests)
        self._old[site_id] = array("Q", prefixes[:MOST])
        self._new.pop(site_id, None)

    def add(self, site_id: int, digest: Digest) -> None:
        """Know one more."""
        new = self._new.setdefault(site_id, set())
        new.add(_prefix(digest))
        if len(new) >= 4_096:
            self._old[site_id] = array("Q", sorted({*new, *self._old.get(site_id, ())})[:MOST])
            new.clear()

    def has_any(self, site_id: int) -> bool:
        """Whether anybody is known to have withdrawn there."""
        return bool(self._old.get(site_id) or self._new.get(site_id))

    def has(self, site_id: int, digest: Digest) -> bool:
        """Whether a visitor of this digest withdrew."""
        new, old = self._new.get(site_id, ()), self._old.get(site_id, ())
        if not new and not old:
            return False
        wanted = _prefix(digest)
        if wanted in new:
            return True
        at = bisect_left(old, wanted)
        return at < len(old) and old[at] == wanted


def _prefix(digest: Digest) -> int:
    return int.from_bytes(digest[:8], "big")
