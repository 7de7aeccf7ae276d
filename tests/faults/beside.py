"""Several processes on one data folder, and a clock that somebody sets."""

import asyncio
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from tests.faults import judge
from tests.faults.figures import Figures
from tests.faults.judge import Found
from tests.faults.load import Visitors
from tests.faults.replay import ROOT
from tests.service.process import GENEROUS, PROGRAM, Service

YEARS = 10 * 365 * 86_400
JUMPS = (0, 1, -1, 3_600, -3_600, 30, -30, 86_400, 0, YEARS, -YEARS)
"""Seconds by which the clock is off, one after another."""


async def two(folder: Path, count: int) -> Figures:
    """A service under load, two processes that append to the same log, and commands beside them: one log, no fork."""
    with Figures("several processes on one store") as figures:
        service = Service(folder, **GENEROUS)
        visitors = Visitors(await service.publish())
        await service.start()
        assert await _refused(service), "a second service was let in"
        others = [await _other(service, count, first) for first in (1_000_000, 2_000_000)]
        commands = asyncio.create_task(_commands(service, 3))
        await visitors.say(service, count)
        told = [await other.communicate() for other in others]
        await commands
        assert [other.returncode for other in others] == [0, 0], [err.decode()[-2000:] for _, err in told]
        assert await service.stop() == 0
        found = judge.read(service.config.store)
        identities = {line for out, _ in told for line in out.decode().split()}
        figures.acknowledged = len(visitors.said) + len(identities)
        figures.points = len(others) + 1
        figures.lost += found.lost(visitors.said) + [f"{one} is not there" for one in identities - set(found.records)]
        figures.corrupt += [found.fault] if found.fault else []
        figures.notes = {"refused": len(visitors.refused), "logs": len(found.trees.roots)}
        assert len(identities) == 2 * count
    return figures


async def _refused(service: Service) -> bool:
    """Whether a second service on the same folder ends at once, and says what to do."""
    second = await asyncio.create_subprocess_exec(*service.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = await asyncio.wait_for(second.communicate(), 20)
    return second.returncode != 0 and b"--data DIR" in err and not out


async def _other(service: Service, count: int, first: int) -> asyncio.subprocess.Process:
    words = [sys.executable, "-m", "tests.faults.two", str(service.config.data), str(count), str(first)]
    return await asyncio.create_subprocess_exec(*words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


async def _commands(service: Service, count: int) -> None:
    """Commands that write while the service runs."""
    for number in range(count):
        words = [*PROGRAM, "site", "add", f"other{number}", "--data", str(service.config.data)]
        made = await asyncio.create_subprocess_exec(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        _, err = await made.communicate()
        assert made.returncode == 0, err


class Shifted(Service):
    """A service whose clock is set by the file `clock` in its folder."""

    def command(self) -> list[str]:
        clock = [sys.executable, "-m", "tests.faults.clock", str(self.folder / "clock")]
        return [*clock, *super().command()[len(PROGRAM) :]]


async def jumps(
    folder: Path, posts: int, offsets: tuple[int, ...] = JUMPS, restarts: tuple[int, ...] = (3_600, -30)
) -> Figures:
    """The clock jumps while visitors post, and while the service is down. No choice is lost, no time is negative."""
    with Figures("clock jumps") as figures:
        service = Shifted(folder, **GENEROUS, PYTHONPATH=ROOT)
        (folder / "clock").write_text("0")
        visitors = Visitors(await service.publish())
        await service.start()
        for offset in offsets:
            (folder / "clock").write_text(str(offset))
            if offset in restarts:
                assert await service.stop() == 0
                await service.start()
            await visitors.say(service, posts)
            figures.points += 1
        log = await service.log()
        assert await service.stop() == 0
        found = judge.read(service.config.store)
        figures.acknowledged = len(visitors.said)
        figures.lost += found.lost(visitors.said)
        figures.lost += [f"{one} is not in the log" for one in visitors.said.keys() - {row["id"] for row in log}]
        figures.corrupt += [found.fault] if found.fault else []
        figures.corrupt += _disordered(found)
        assert not visitors.refused
    return figures


def _disordered(found: Found) -> list[str]:
    """Steps back of up to a second keep ids in the order of the leaves; after longer ones only no time is negative."""
    by_leaf = sorted(found.records.values(), key=lambda row: row["leaf"])
    wrong = [f"{row['id']}: time {row['time']}" for row in by_leaf if row["time"] < 0]
    for before, after in pairwise(by_leaf):
        if after["id"] < before["id"] and before["time"] - after["time"] <= 1_000:
            wrong.append(f"{after['id']} comes after {before['id']}")
    return wrong
