"""Evidence survives: every acknowledged choice is in the log exactly once, whatever happens to the process."""

import asyncio
import json
import random
import sqlite3
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.records.shop import OPTIONAL, new_key, refusal
from tests.service.process import GENEROUS, Line, Service

POSTS = 1_000
LINES = 32


class Ledger:
    """What a visitor's browser knows: what it sent, and what was acknowledged, by key."""

    def __init__(self, service: Service) -> None:
        assert service.version is not None
        self.service = service
        self.sent: dict[str, bytes] = {}
        self.acknowledged: dict[str, str] = {}
        for number in range(POSTS):
            key = new_key()
            say = service.body if number % 3 else self._refuse
            self.sent[key] = say(key=key, time=number)

    def _refuse(self, **changes: object) -> bytes:
        assert self.service.version is not None
        return json.dumps(refusal(self.service.version, **changes)).encode()

    async def post(self, line: Line, key: str) -> None:
        """Post once; only a whole answer counts, and it must be this key's answer whenever it comes again."""
        answer = await line.post(self.sent[key])
        assert answer.status in (200, 201), answer
        assert self.acknowledged.setdefault(key, answer.json["id"]) == answer.json["id"]


async def work(ledger: Ledger, keys: "asyncio.Queue[str]") -> int:
    """One browser after another on one connection, until all is sent or the service is gone."""
    done = 0
    try:
        async with await ledger.service.connect() as line:
            while not keys.empty():
                await ledger.post(line, keys.get_nowait())
                done += 1
    except (OSError, EOFError):
        return done
    return done


async def send(ledger: Ledger, keys: list[str], *, kill_after: int | None = None) -> None:
    """Post these keys over many connections at once; kill the service when that many are acknowledged."""
    queue: asyncio.Queue[str] = asyncio.Queue()
    for key in keys:
        queue.put_nowait(key)
    workers = [asyncio.create_task(work(ledger, queue)) for _ in range(LINES)]
    if kill_after is not None:
        await until(ledger, kill_after, workers)
        await ledger.service.kill()
    await asyncio.gather(*workers)


async def until(ledger: Ledger, count: int, workers: "list[asyncio.Task[int]]") -> None:
    """Until so many are acknowledged; what goes wrong with a worker meanwhile goes wrong here."""
    while len(ledger.acknowledged) < count:
        done, _ = await asyncio.wait(workers, timeout=0.002, return_when=asyncio.FIRST_COMPLETED)
        assert not [task for task in done if task.exception()], [task.exception() for task in done]


def check(ledger: Ledger, records: list[dict[str, object]]) -> None:
    """Every acknowledged id is there once; nothing is there twice; refusals read as refusals."""
    by_number = Counter(record["client_time"] for record in records)
    stored = {record["id"]: record for record in records}
    numbers = {key: number for number, key in enumerate(ledger.sent)}

    assert len(stored) == len(records)
    assert not [number for number, times in by_number.items() if times > 1]
    for key, identity in ledger.acknowledged.items():
        record = stored[identity]
        refused = numbers[key] % 3 == 0
        assert record["client_time"] == numbers[key]
        assert record["action"] == ("refused" if refused else "given")
        assert record["purposes"] == dict.fromkeys(OPTIONAL, "denied" if refused else "granted")


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_acknowledged_choice_is_in_the_log_exactly_once(service: Service, seed: int) -> None:
    """1,000 concurrent posts, half of them sent twice, with a kill -9 in the middle; then all are sent again."""
    ledger = Ledger(service)
    keys = list(ledger.sent)
    chance = random.Random(seed)
    mixed = keys + chance.sample(keys, POSTS // 2)
    chance.shuffle(mixed)

    await send(ledger, mixed, kill_after=POSTS // 2)
    before = dict(ledger.acknowledged)
    await service.start()
    check(ledger, await service.log())
    assert POSTS // 2 <= len(before) < POSTS

    await send(ledger, mixed)
    records = await service.log()
    check(ledger, records)
    assert len(ledger.acknowledged) == len(records) == POSTS
    assert before.items() <= ledger.acknowledged.items()
    integrity = sqlite3.connect(service.config.store)
    assert integrity.execute("pragma integrity_check").fetchone() == ("ok",)
    integrity.close()


async def test_a_clean_stop_under_load_loses_and_cuts_off_nothing(tmp_path: Path) -> None:
    """SIGTERM under load: each request that was answered is stored, none is cut off in its answer, exit 0 in time."""
    service = Service(tmp_path, **GENEROUS)
    await service.publish()
    for _ in range(3):
        await service.start()
        ledger = Ledger(service)
        queue: asyncio.Queue[str] = asyncio.Queue()
        for key in ledger.sent:
            queue.put_nowait(key)
        known = len(await service.log())
        workers = [asyncio.create_task(work(ledger, queue)) for _ in range(8)]
        await until(ledger, 200, workers)
        began = time.monotonic()
        assert await service.stop() == 0
        assert time.monotonic() - began < 12
        await asyncio.gather(*workers)

        assert not (tmp_path / "data/consent.sqlite-wal").exists()
        store = sqlite3.connect(service.config.store)
        identities = {row[0] for row in store.execute("select id from consent_record")}
        store.close()
        assert set(ledger.acknowledged.values()) <= identities
        # a request that was read is answered: what is stored beyond the acknowledged would be an answer cut off
        assert len(identities) == known + len(ledger.acknowledged)
    assert service.messages == ""


async def test_a_second_start_keeps_the_data(service: Service) -> None:
    """Stopped and started again, the log, its token and the write keys are the same."""
    said = service.body()
    async with await service.connect() as line:
        first = (await line.post(said)).json
    token = service.told["logs"]
    assert await service.stop() == 0
    await service.start()
    async with await service.connect() as line:
        again = await line.post(said)

    assert (again.status, again.json) == (200, first)
    assert [log["token"] for log in service.told["logs"]] == [log["token"] for log in token]
    assert [record["id"] for record in await service.log()] == [first["id"]]
