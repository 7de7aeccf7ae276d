"""A disk that fails: the k-th write or sync of each thread is answered with EIO; what it was to save is gone.

The service must not promise what it could not save, must say so, and must go on by itself. It is traced meanwhile, and
the power is cut as well: the model of the disk knows that a sync which failed will never save those pages, however
often it is tried again (fsyncgate). Then it is killed and started again, with the failed pages still in the kernel's
memory, where programs read what the disk does not have.
"""

import asyncio
import re
import shutil
from pathlib import Path

from tests.faults import judge
from tests.faults.figures import Figures
from tests.faults.load import Visitors
from tests.faults.replay import Traced, cut, visitors_of
from tests.service.process import Service

CASES = [
    (call, k)
    for call, most in (("fdatasync", 40), ("pwrite64", 40), ("write", 12), ("fsync", 8))
    for k in range(1, most + 1)
]
"""Which call fails, and which of each thread's calls of that name."""


async def failing(folder: Path, cases: list[tuple[str, int]], commits: int = 30, every: int = 40) -> Figures:
    """Run the service once for each (call, k) and count what is lost, at the end and at every n-th point."""
    with Figures("EIO on " + "/".join(dict.fromkeys(call for call, _ in cases))) as figures:
        told = {"refusing": 0, "said so": 0, "began anew": 0, "did not start": 0, "refused, then there": 0}
        for call, k in cases:
            home = folder / f"{call}{k}"
            home.mkdir()
            await _case(figures, told, home, ["-e", f"inject={call}:error=EIO:when={k}"], commits=commits, every=every)
            shutil.rmtree(home)
        figures.notes = {"cases": len(cases), **told}
    return figures


async def _case(
    figures: Figures, told: dict[str, int], folder: Path, words: list[str], *, commits: int, every: int
) -> None:
    home = folder / "home"
    home.mkdir()
    visitors = await visitors_of(folder)
    events = []
    for number, fault in enumerate([[], words, []]):
        traces = folder / f"traces{number}"
        traces.mkdir()
        service = Traced(home, traces, *fault)
        if not await _started(service, told):
            events += await service.events()
            continue
        before = sum(visitors.reasons.values())
        await visitors.say(service, commits // 3)
        await _asked(service, visitors, told, before)
        await service.kill() if fault else await service.stop(30)
        events += await service.events()
    refused = {*visitors.refused, *visitors.unanswered}
    found = judge.read(home / "data/consent.sqlite")
    told["refused, then there"] += sum(row["key"] in refused for row in found.records.values())
    figures.lost += found.lost(visitors.said)
    figures.corrupt += [found.fault] if found.fault else []
    await cut(figures, home, events, visitors, every=every)


async def _started(service: Service, told: dict[str, int]) -> bool:
    """A service that cannot start says why in a sentence, and leaves what the next start needs."""
    try:
        await service.start()
    except RuntimeError:
        assert not re.search("Traceback|neither started", service.messages), service.messages
        told["did not start"] += 1
        await service.kill()
        return False
    return True


async def _asked(service: Service, visitors: Visitors, told: dict[str, int], before: int) -> None:
    """Where choices were refused, the service says that it is not ready, and is again without hands."""
    if "The disk failed" in service.messages:
        told["began anew"] += 1  # which fails again as long as it is traced: the next start shows what it comes to
        return
    if sum(visitors.reasons.values()) > before:
        told["refusing"] += 1
        ready = await service.get("/readyz")
        told["said so"] += ready.status == 503 and "cannot be recorded" in ready.json["message"]
    await recovered(service)
    await visitors.say(service, 10)
    await visitors.again(service)


async def recovered(service: Service, seconds: float = 70) -> float:
    """Wait until the service takes choices again; the seconds that it took."""
    began = asyncio.get_running_loop().time()
    async with asyncio.timeout(seconds):
        while not await _ready(service):  # noqa: ASYNC110  # as a load balancer asks
            await asyncio.sleep(0.05)
    return asyncio.get_running_loop().time() - began


async def _ready(service: Service) -> bool:
    """Whether it takes choices; one that begins anew cuts its connections off."""
    try:
        return (await service.get("/readyz")).status == 200
    except (OSError, EOFError):
        return False
