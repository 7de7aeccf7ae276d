"""How far an access log was imported: known by what is in it, so that each line counts once. Pure."""

import hmac

from consent.db import Row
from consent.telemetry.logfile import Line


class Mark:
    """How far a file is done. All that is kept of its lines is under a key. `known`: bytes that are stored as done."""

    known = -1

    def __init__(self, secret: bytes, first: Line) -> None:
        self.head = hmac.digest(secret, b"head " + first.raw, "sha256").hex()
        self.lines = self.bytes = 0
        self._sum = hmac.new(secret, b"lines ", "sha256")

    @property
    def digest(self) -> str:
        """Of all lines so far."""
        return self._sum.hexdigest()

    def add(self, line: Line) -> None:
        """A line is done."""
        self._sum.update(line.raw)
        self.lines += 1
        self.bytes += line.size

    def row(self, site_id: int, now: int) -> Row:
        """As it is stored."""
        told = {"digest": self.digest, "bytes": self.bytes, "lines": self.lines, "time": now, "known": self.known}
        return {"site_id": site_id, "head": self.head, **told}
