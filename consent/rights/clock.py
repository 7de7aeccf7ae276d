"""Whether the clock may be believed: what is deleted by a clock that is wrong is gone."""

import logging
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from consent.records.intake import milliseconds
from consent.rights.rule import DAY

NAME = "clock"
"""File in the data folder: when the background work last ran, in milliseconds since 1970."""

JUMP = 7 * DAY
"""A service that seems not to have run for longer than this may have been started by a wrong clock."""

TRIAL = 86_400.0
"""Seconds for which a clock that jumped must go on before it is believed."""

_log = logging.getLogger(__name__)


class Clock:
    """Compares the time with when work was last done. `uptime` is in seconds, and does not jump."""

    def __init__(
        self,
        folder: Path,
        now: Callable[[], int] = milliseconds,
        uptime: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = folder / NAME
        self._now = now
        self._uptime = uptime
        self._since: float | None = None

    def believed(self) -> bool:
        """Whether nothing speaks against the time: it is near to when work was last done, or has gone on for a day."""
        now, last = self._now(), self._last()
        if last is None or -DAY <= now - last <= JUMP:
            self._since = None
        elif self._since is None:
            self._since = self._uptime()
            _log.warning(
                "The clock is %+d days from when this service last ran. If it is right, nothing needs to be done: what"
                " is due is deleted in a day. If it is wrong, set it.",
                (now - last) // DAY,
            )
        if self._since is not None and self._uptime() - self._since < TRIAL:
            return False
        self._since = None
        self._note(now)
        return True

    def _note(self, now: int) -> None:
        made = self._file.with_name(f".{NAME}.{os.getpid()}")
        made.write_text(f"{now}\n", "ascii")
        made.replace(self._file)  # whole or not at all: a torn one would be as good as none

    def before(self, work: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[object]]:
        """Work that is left out while the clock is not believed."""

        async def done() -> None:
            if self.believed():
                await work()

        return done

    def _last(self) -> int | None:
        try:
            return int(self._file.read_text("ascii"))
        except (OSError, ValueError):
            return None
