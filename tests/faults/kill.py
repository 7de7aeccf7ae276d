"""The process dies under load, by SIGKILL or SIGTERM, again and again on the same data."""

import asyncio
import random
import time
from pathlib import Path

from tests.faults import judge
from tests.faults.figures import Figures
from tests.faults.load import Visitors
from tests.service.process import GENEROUS, Service


async def killed(folder: Path, rounds: int, *, seed: int = 1) -> Figures:
    """SIGKILL at a random moment; start again: nothing acknowledged is missing, what was cut off can be sent again."""
    with Figures("kill -9 under load") as figures:
        chance = random.Random(seed)
        service, visitors = await _shop(folder)
        for _ in range(rounds):
            await service.start()
            await visitors.again(service)
            working = asyncio.create_task(visitors.say(service, 1_000_000, lines=16))
            await asyncio.sleep(chance.uniform(0.05, 0.4))
            await service.kill()
            await working
            _count(figures, service, visitors)
        await service.start()
        await visitors.again(service)
        assert await service.stop() == 0
        _count(figures, service, visitors)
        assert not visitors.unanswered
        figures.notes = {"messages": len(service.messages.splitlines())}
    return figures


async def told_to_stop(folder: Path, rounds: int, *, seed: int = 1) -> Figures:
    """SIGTERM under load: no answer is cut off, what was answered is stored, and the process ends in time."""
    with Figures("SIGTERM under load") as figures:
        chance = random.Random(seed)
        service, visitors = await _shop(folder)
        slowest = 0.0
        for _ in range(rounds):
            await service.start()
            working = asyncio.create_task(visitors.say(service, 1_000_000, lines=16))
            await asyncio.sleep(chance.uniform(0.05, 0.3))
            began = time.monotonic()
            assert await service.stop() == 0
            slowest = max(slowest, time.monotonic() - began)
            await working
            _count(figures, service, visitors)
            assert not (service.config.data / "consent.sqlite-wal").exists()
        stored = judge.read(service.config.store).records
        unheard = {key for key in visitors.unanswered if any(row["key"] == key for row in stored.values())}
        figures.lost += [f"{key}: stored, its answer cut off" for key in unheard]
        figures.notes = {"slowest stop": f"{slowest:.1f} s"}
        assert slowest < 12
    return figures


async def _shop(folder: Path) -> tuple[Service, Visitors]:
    service = Service(folder, **GENEROUS)
    return service, Visitors(await service.publish())


def _count(figures: Figures, service: Service, visitors: Visitors) -> None:
    """What is on the disk while nobody runs, against all that was ever acknowledged."""
    found = judge.read(service.config.store)
    figures.points += 1
    figures.acknowledged = len(visitors.said)
    figures.lost += found.lost(visitors.said)
    figures.corrupt += [found.fault] if found.fault else []
    keys = [row["key"] for row in found.records.values()]
    figures.corrupt += [f"{len(keys) - len(set(keys))} choices stored twice"] if len(keys) != len(set(keys)) else []
