"""Counts survive as the records do: after kill -9 under load they say the same."""

import asyncio
import random
import subprocess
from pathlib import Path

from consent.db.sqlite import open_sqlite
from tests.records import tally
from tests.service.process import PROGRAM, Service
from tests.service.test_durability import POSTS, Ledger, send


async def test_counts_equal_records_after_kill_9(service: Service) -> None:
    """Killed in the middle of 1,000 posts, started, finished, killed again: counts are those of the records."""
    ledger = Ledger(service)
    keys = list(ledger.sent)
    random.Random(11).shuffle(keys)

    await send(ledger, keys, kill_after=POSTS // 3)
    await compare(service)
    await service.start()
    await send(ledger, keys, kill_after=POSTS - 50)
    await service.start()
    await send(ledger, keys)
    await service.kill()
    command = [*PROGRAM, "rollup", "rebuild", "--check", "--data", str(service.config.data)]
    checked = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout
    assert await compare(service) == POSTS


async def compare(service: Service) -> int:
    """Counts and records of the store that is left; the number of records."""
    db = await open_sqlite(Path(service.config.store))
    try:
        right = await tally.of_records(db)
        assert await tally.of_counts(db) == right
    finally:
        await db.close()
    return sum(number for key, number in right.items() if key[:2] == ("total", "day"))
