"""kill -9 amid events: at most what the buffer holds is lost, and what is stored is whole."""

import asyncio
import contextlib
import json
import sqlite3
import subprocess
import time
import uuid
from pathlib import Path

from consent.policy.resolved import read_resolved
from consent.records.cookie import Choice, encode
from consent.telemetry.buffer import MOST
from tests.service.process import PROGRAM, Service
from tests.telemetry.imported import publish

UNLIMITED = {"CONSENT_RATE_EVENTS_ADDRESS": "1000000", "CONSENT_RATE_EVENTS_SITE": "1000000"}
BATCH = 20
ENOUGH = 2_000


async def test_killed(tmp_path: Path) -> None:
    """Of events answered with 202 by a service that is killed at most 20,000 are missing; the rest adds up, twice."""
    service = Service(tmp_path, **UNLIMITED)
    service.config.data.mkdir(exist_ok=True)
    await asyncio.to_thread(publish, service.config.data)
    load = Load(service, agreed(service.config.data))
    before = 0  # what the first one lost is not asked of the second
    for _ in range(2):
        await service.start()
        answered = await load.until_killed()
        known = stored(service.config.data) - before
        assert 0 <= answered - known <= MOST
        before += known
    command = [*PROGRAM, "rollup", "rebuild", "--check", "--data", str(service.config.data)]
    checked = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout


def agreed(data: Path) -> str:
    """The choice of somebody who said yes to everything today."""
    with contextlib.closing(sqlite3.connect(data / "consent.sqlite")) as connection:
        [(scope, body)] = connection.execute("select scope, body from policy_version").fetchall()
    purposes = {one.key: "g" for one in read_resolved(body).purposes if not one.required}
    return encode(Choice(day=int(time.time()) // 86_400, scope=scope, purposes=purposes))  # type: ignore[arg-type]


class Load:
    """Posts batches over four connections until the service is gone, which it is after some."""

    def __init__(self, service: Service, choice: str) -> None:
        self._service = service
        self._choice = choice
        self._answered = 0
        self._enough = asyncio.Event()

    async def until_killed(self) -> int:
        """The number of events that were answered."""
        self._answered = 0
        self._enough.clear()
        sending = [asyncio.create_task(self._send()) for _ in range(4)]
        async with asyncio.timeout(60):
            await self._enough.wait()
        await self._service.kill()
        await asyncio.gather(*sending)
        return self._answered

    async def _send(self) -> None:
        headers = {"host": "shop.example", "origin": "https://shop.example", "content-type": "text/plain"}
        headers |= {"cookie": f"consent={self._choice}", "user-agent": "Chrome/131.0", "accept-language": "de"}
        with contextlib.suppress(OSError, EOFError):
            async with await self._service.connect() as line:
                while True:
                    answer = await line.ask("POST", "/v1/shop/events", batch(self._choice), headers)
                    assert answer.status == 202, answer.body
                    self._answered += BATCH
                    if self._answered >= ENOUGH:
                        self._enough.set()


def batch(choice: str) -> bytes:
    one = {"event": "view", "time": time.time_ns() // 1_000_000, "url": "https://shop.example/lamps/"}
    return json.dumps({"choice": choice, "events": [{"id": uuid.uuid4().hex, **one} for _ in range(BATCH)]}).encode()


def stored(data: Path) -> int:
    """Events that the store knows of: rows, and drops."""
    with contextlib.closing(sqlite3.connect(data / "telemetry.sqlite")) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        rows: int = connection.execute("select count(*) from event").fetchone()[0]
        return rows + int(connection.execute("select coalesce(sum(n), 0) from dropped").fetchone()[0])
