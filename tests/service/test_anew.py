"""A disk that fails under the service, as a process."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.service.process import GENEROUS, Answer, Service


class Failing(Service):
    """A service whose disk fails when it is told to."""

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.service.failing", *super().command()[1:]]


async def test_a_service_begins_anew_when_the_disk_has_failed(tmp_path: Path) -> None:
    """Who posts is not answered; the same process goes on at the same address without hands, and nothing is lost."""
    order = tmp_path / "fail"
    root = str(Path(__file__).parents[2])
    service = Failing(tmp_path, FAIL=str(order), PYTHONPATH=root, **GENEROUS)
    await service.publish()
    await service.start()
    assert service.process is not None
    number = service.process.pid
    try:
        async with await service.connect() as line:
            said = [service.body() for _ in range(10)]
            kept = [(await line.post(one)).json["id"] for one in said]
            order.touch()
            last = service.body()
            with pytest.raises((OSError, EOFError)):
                await line.post(last)
        async with asyncio.timeout(20):
            answer = await again(service, last)
        assert answer.status == 201
        assert service.process.poll() is None
        assert service.process.pid == number
        assert {record["id"] for record in await service.log()} == {*kept, answer.json["id"]}
        assert "The disk failed" in service.messages
    finally:
        assert await service.stop() == 0


async def again(service: Service, said: bytes) -> Answer:
    """Post until somebody answers; who connects while the service begins anew waits for it."""
    while True:
        try:
            async with await service.connect() as line:
                return await line.post(said)
        except (OSError, EOFError):
            await asyncio.sleep(0.05)
