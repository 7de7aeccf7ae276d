"""Coroutines that begin without a task: one that never has to wait needs none, which costs more than a small answer."""

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any


def start(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None], tasks: set[asyncio.Task[None]]) -> None:
    """Run a coroutine as far as it goes without waiting; a task, which `tasks` holds meanwhile, does the rest.

    Up to there it is in no task: no timeout may begin before `asyncio.sleep(0)`. What it raises there is raised here.
    """
    try:
        waited = work.send(None)
    except StopIteration:
        return
    task = loop.create_task(_rest(work, waited))
    tasks.add(task)
    task.add_done_callback(tasks.discard)


@types.coroutine
def _rest(work: Coroutine[Any, Any, None], waited: Any) -> Generator[Any, Any, None]:
    """What is left of a coroutine that waits for that (PEP 380, without what asyncio never sends)."""
    try:
        while True:
            try:
                yield waited
            except BaseException as error:  # a cancellation among them: it is the coroutine's to take
                waited = work.throw(error)
            else:
                waited = work.send(None)
    except StopIteration:
        return
