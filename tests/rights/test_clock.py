"""A clock that jumped deletes nothing before it has been looked at for a day."""

from pathlib import Path

import pytest

from consent.rights.clock import TRIAL, Clock
from consent.rights.rule import DAY


class Time:
    """A clock and a stop-watch, set by hand."""

    def __init__(self) -> None:
        self.now = 1_760_000_000_000
        self.uptime = 0.0

    def clock(self, folder: Path) -> Clock:
        return Clock(folder, lambda: self.now, lambda: self.uptime)


def test_a_clock_that_goes_on_is_believed(tmp_path: Path) -> None:
    """At the first start, hour by hour, and after some days without the service."""
    time = Time()
    for hours in (0, 1, 1, 24, 6 * 24):
        time.now += hours * DAY // 24
        assert time.clock(tmp_path).believed()


@pytest.mark.parametrize("days", [3_650, 8, -2, -3_650])
def test_a_clock_that_jumped_is_on_trial(tmp_path: Path, days: int) -> None:
    """Nothing is done for a day, also across restarts; once it is set right again, everything at once."""
    time = Time()
    assert time.clock(tmp_path).believed()
    time.now += days * DAY
    for _ in range(3):
        clock = time.clock(tmp_path)
        for _ in range(4):
            assert not clock.believed()
            time.uptime += TRIAL / 5
    time.now -= days * DAY
    assert clock.believed()


def test_a_clock_that_stays_is_believed_after_a_day(tmp_path: Path) -> None:
    """A machine that was off for months goes on a day later, and then needs no trial any more."""
    time = Time()
    assert time.clock(tmp_path).believed()
    time.now += 90 * DAY
    clock = time.clock(tmp_path)
    assert not clock.believed()
    time.uptime += TRIAL
    assert clock.believed()
    assert time.clock(tmp_path).believed()


async def test_work_waits_for_it(tmp_path: Path) -> None:
    """What is to be done before a clock that is not believed is left out."""
    time, done = Time(), []
    clock = time.clock(tmp_path)

    async def work() -> None:
        done.append(time.now)

    await clock.before(work)()
    time.now += 3_650 * DAY
    await clock.before(work)()

    assert len(done) == 1
