"""A process that records choices in a store beside others: `python -m tests.faults.two DATA COUNT FIRST`.

Two services on one folder are refused, so this opens the store as a command does, and takes choices by its own intake.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from consent.app import Service, write_secret
from consent.errors import Unavailable
from consent.records import claim as claims
from consent.records.intake import Taken
from consent.reports.answers import open_answers
from tests.records.shop import config_in, open_shop, raw


async def again(take: Callable[[], Awaitable[Taken]], tries: int = 50) -> Taken:
    """Three processes that append without end may refuse each other: then the same is sent again, as a browser does."""
    for _ in range(tries):
        with suppress(Unavailable):
            return await take()
    return await take()


async def main(data: Path, count: int, first: int) -> None:
    config = config_in(data.parent, data=data)
    async with open_shop(config) as db:
        answers = await open_answers(config)
        service = Service(config, db, write_secret(config), answers)
        async with service.running():
            live = service.published.site("shop")
            assert live is not None
            for number in range(first, first + count):
                said = raw(live.version, key=f"two-{number:018d}", time=number)
                claim = claims.read(said)
                settled = await service.published.settle(live, claim.statement, service.intake.today())
                taken = await again(partial(service.intake.take, live.site, claim, settled, ""))
                print(taken.id, flush=True)
        await answers.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
