"""The background work: each job is a name, a period and a function; what one of them cannot do now it tries again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

_log = logging.getLogger(__name__)


class Job(NamedTuple):
    """Work that is done again `period` seconds after it ended; the first time at once."""

    name: str
    period: float
    work: Callable[[], Awaitable[object]]


async def run(table: Sequence[Job], sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
    """Do all of this, each job on its own, until cancelled."""
    async with asyncio.TaskGroup() as group:
        for job in table:
            group.create_task(_repeat(job, sleep))


async def _repeat(job: Job, sleep: Callable[[float], Awaitable[object]]) -> None:
    """A failure is said once, and again only after the job has worked in between."""
    said = False
    while True:
        try:
            await job.work()
            said = False
        except Exception as error:
            if not said:
                _log.error("%s could not be done, and will be tried again: %s", job.name, error)
            said = True
        await sleep(job.period)
