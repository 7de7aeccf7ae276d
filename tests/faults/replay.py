"""Power-loss replay: the real service is traced while visitors post, then the disk is rebuilt as a loss of power would
leave it after each write, sync, renaming and answer, and every such image is opened with the service's own code.
"""

import asyncio
import random
import re
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import tests
from consent.policy.queries import Version
from tests.faults import disk, judge, trace
from tests.faults.figures import Figures
from tests.faults.judge import Found
from tests.faults.load import Said, Visitors
from tests.faults.trace import Event
from tests.records.shop import body, config_in, shop_in
from tests.service.process import GENEROUS, Service, free_socket

_ID = re.compile(rb'HTTP/1\.1 20[01] .*?"id":"([0-9a-f-]{36})"', re.DOTALL)
ALIKE = 32
"""Images whose findings are kept."""

PATIENCE = 20
"""Seconds after which a service that neither starts nor ends is a fault."""

ROOT = str(Path(tests.__file__).parent.parent)
MEMORY = "/dev/shm"  # images are many, and syncing them is of no use


@cache
def port() -> int:
    """A free port, always the same: logs are named after it, and an image must be served under the same name."""
    with free_socket() as found:
        return int(found.getsockname()[1])


class Traced(Service):
    """A service that is traced from an empty folder to its end. `more` are further words for strace."""

    def __init__(self, folder: Path, traces: Path, *more: str, normal: bool = False) -> None:
        super().__init__(folder, **GENEROUS, PYTHONPATH=ROOT)
        self._traces = traces
        self._more = more
        self._normal = ["--normal"] * normal

    def command(self) -> list[str]:
        program = [sys.executable, "-m", "tests.faults.launch", str(self.config.data), str(port()), *self._normal]
        return [*trace.command(self._traces, *self._more), *program]

    async def start(self) -> None:
        """Raises RuntimeError with what it said when it does not start, or neither starts nor ends."""
        hung = asyncio.get_running_loop().call_later(PATIENCE, self._give_up)
        try:
            await super().start()
        finally:
            hung.cancel()

    def _give_up(self) -> None:
        assert self.process is not None
        with (self.folder / "messages").open("a") as messages:
            messages.write(f"neither started nor ended in {PATIENCE} seconds\n")
        self.process.kill()

    async def events(self) -> list[Event]:
        """What it did from its start to its end, which has come."""
        async with asyncio.timeout(20):
            while not all(_ended(path) for path in self._traces.glob("t.*")):  # noqa: ASYNC110  # strace tells nobody
                await asyncio.sleep(0.02)
        return trace.read(self._traces, self.folder)


def _ended(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 200))
        return b" +++ " in file.read()


class Point(NamedTuple):
    """A moment at which the power may go: what is on the disk, and whose choices were acknowledged by then."""

    disk: disk.Disk
    acknowledged: dict[str, Said]
    event: Event


async def recorded(folder: Path, commits: int, *, normal: bool = False) -> tuple[list[Event], Visitors]:
    """A life of the service with so many acknowledged choices of four visitors: its trace, and what they were told."""
    home, traces = folder / "home", folder / "traces"
    for made in (home, traces):
        made.mkdir()
    visitors = await visitors_of(folder)
    service = Traced(home, traces, normal=normal)
    await service.start()
    await visitors.say(service, commits)
    await service.stop(30)
    return await service.events(), visitors


async def visitors_of(folder: Path) -> Visitors:
    """Visitors of the shop as `launch` publishes it; nobody but the service writes its store."""
    (folder / "other").mkdir()
    return Visitors(await shop_in(config_in(folder / "other")))


def points(events: list[Event], root: str, said: dict[str, Said]) -> Iterator[Point]:
    """Every point of a trace. A choice counts from the moment its answer is handed to the network."""
    model = disk.Disk(root)
    acknowledged: dict[str, Said] = {}
    for event in events:
        if event.kind == "sent":
            told = [identity.decode() for identity in _ID.findall(event.data)]
            acknowledged |= {identity: said[identity] for identity in told if identity in said}
            if told:
                yield Point(model, acknowledged, event)
        elif model.happen(event):
            yield Point(model, acknowledged, event)


class Looked:
    """Opens images; an image that is like one of the last few is not opened again."""

    def __init__(self, version: Version) -> None:
        self._version = version
        self._known: OrderedDict[tuple[bytes, bool], Found] = OrderedDict()
        self.opened = 0

    async def at(self, image: dict[str, bytes | None], root: str, acknowledged: dict[str, Said]) -> Found:
        before = next(iter(acknowledged.values()), None)
        mark = (disk.fingerprint(image), before is not None)
        if mark not in self._known:
            self.opened += 1
            with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
                disk.lay(image, root, Path(folder))
                config = config_in(Path(folder), port=port())
                self._known[mark] = await judge.opened(config, body(self._version), before)
            if len(self._known) > ALIKE:
                self._known.popitem(last=False)
        return self._known[mark]


async def replayed(folder: Path, commits: int, *, every: int = 1, normal: bool = False, seed: int = 1) -> Figures:
    """Trace a life of the service, cut the power at every n-th point, and judge what is left."""
    with Figures("power loss" + ", synchronous=NORMAL" * normal) as figures:
        events, visitors = await recorded(folder, commits, normal=normal)
        images = await cut(figures, folder / "home", events, visitors, every=every, seed=seed)
        figures.notes = {"images": images, "commits": commits_in(events)}
    return figures


async def cut(
    figures: Figures, home: Path, events: list[Event], visitors: Visitors, *, every: int = 1, seed: int = 1
) -> int:
    """Cut the power at every n-th point of a trace and count what is lost; returns how many images were opened."""
    chance = random.Random(seed)
    looked = Looked(visitors.version)
    root = str(home)
    for number, point in enumerate(points(events, root, visitors.said)):
        if number % every:
            continue
        figures.points += 1
        for kind in disk.KINDS:
            found = await looked.at(point.disk.image(kind, chance), root, point.acknowledged)
            where = f"point {number}, {kind} (after {point.event.kind} {Path(point.event.path).name}):"
            lost = found.lost(point.acknowledged)
            figures.lost += [f"{where} {lost[0]}, {len(lost)} in all"] if lost else []
            figures.corrupt += [f"{where} {found.fault}"] if found.fault else []
    figures.acknowledged += len(visitors.said)
    return looked.opened


def commits_in(events: list[Event]) -> int:
    """How often the write-ahead log was synced."""
    return sum(event.kind == "sync-ends" and event.path.endswith("-wal") for event in events)
