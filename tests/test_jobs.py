"""The background work goes on, whatever one of its jobs runs into."""

import asyncio
import logging

import pytest

from consent import jobs
from consent.jobs import Job


class Clock:
    """A sleep that ends when the test says so; `slept` is what was asked for."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.ticks: asyncio.Queue[None] = asyncio.Queue()
        self.waits = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.waits.release()
        await self.ticks.get()


async def test_a_failure_is_said_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """A job that fails twice, works, and fails again: two lines, and it is never given up; the period is kept."""
    clock = Clock()
    outcomes = iter([OSError("one"), OSError("two"), None, OSError("three"), None])
    done: list[int] = []

    async def work() -> None:
        outcome = next(outcomes)
        if outcome:
            raise outcome
        done.append(1)

    with caplog.at_level(logging.ERROR):
        running = asyncio.create_task(jobs.run([Job("sweeping", 7, work)], clock.sleep))
        for _ in range(4):
            await clock.waits.acquire()
            clock.ticks.put_nowait(None)
        await clock.waits.acquire()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    assert len(done) == 2
    assert set(clock.slept) == {7}
    assert [record.getMessage() for record in caplog.records] == [
        "sweeping could not be done, and will be tried again: one",
        "sweeping could not be done, and will be tried again: three",
    ]


async def test_jobs_do_not_wait_for_each_other() -> None:
    """One that hangs holds up no other; stopping ends both."""
    clock = Clock()
    hung = asyncio.Event()
    done = asyncio.Event()

    async def hang() -> None:
        await hung.wait()

    async def work() -> None:
        done.set()

    running = asyncio.create_task(jobs.run([Job("hanging", 1, hang), Job("working", 1, work)], clock.sleep))
    async with asyncio.timeout(5):
        await done.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
