"""A disk that fills up: a small file system in memory of its own, filled to several levels while visitors post."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.faults import judge
from tests.faults.eio import recovered
from tests.faults.figures import Figures
from tests.faults.load import Visitors
from tests.service.process import GENEROUS, Service

LEVELS = (0, 4, 8, 12, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 256, 384, 512)
"""Kilobytes left free."""


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int = 24) -> Iterator[Path]:
    """A file system of this size; needs root."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def filled(folder: Path, levels: tuple[int, ...] = LEVELS) -> Figures:
    """Fill the disk to each level; the service refuses and says why, and goes on by itself once there is room."""
    with Figures("disk full") as figures, small_disk(folder / "disk") as disk:
        service = Service(disk, **GENEROUS)
        visitors = Visitors(await service.publish())
        await service.start()
        slowest, refused = 0.0, 0
        for level in levels:
            filler = disk / "filler"
            _fill(disk, filler, level * 1024)
            await visitors.say(service, 1_000)
            assert visitors.refused, f"{level} kB were enough"
            ready = await service.get("/readyz")
            assert (ready.status, "full" in ready.json["message"]) == (503, True), ready
            refused += len(visitors.refused)
            filler.unlink(missing_ok=True)
            slowest = max(slowest, await recovered(service))
            stored = {row["key"] for row in judge.read(service.config.store).records.values()}
            figures.corrupt += [f"{key}: refused, and there" for key in visitors.refused.keys() & stored]
            await visitors.again(service)
            figures.points += 1
        assert await service.stop() == 0
        found = judge.read(service.config.store)
        figures.acknowledged = len(visitors.said)
        figures.lost += found.lost(visitors.said)
        figures.corrupt += [found.fault] if found.fault else []
        figures.notes = {"refused": refused, "slowest recovery": f"{slowest:.1f} s"}
    return figures


def _fill(disk: Path, filler: Path, free: int) -> None:
    """Take all room but so many bytes; the service may be writing at the same time."""
    with filler.open("wb") as file:
        while (room := shutil.disk_usage(disk).free - free) > 0:
            with contextlib.suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, filler.stat().st_size + room)
