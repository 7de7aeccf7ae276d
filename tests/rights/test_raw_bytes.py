"""After an erasure no byte of the visitor's identifiers is in any file of the service."""

import asyncio
import base64
import hashlib
import json
import re
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from consent.rights.erased import NAME
from tests.records.shop import ORIGIN
from tests.service.process import GENEROUS, Answer, Line, Service

ERASE = "/v1/shop/erase"
SECONDS = 60


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """A running service with a shop."""
    made = Service(tmp_path, **GENEROUS)
    await made.publish()
    await made.start()
    yield made
    await made.stop()


async def say(service: Service, line: Line, **changes: Any) -> dict[str, Any]:
    """Post a choice; its answer, and its idempotency key."""
    said = json.loads(service.body(**{"key": secrets.token_urlsafe(16), **changes}))
    answer = await line.post(json.dumps(said).encode())
    assert answer.status == 201, answer
    return {**answer.json, "key": said["key"]}


async def erase(line: Line, receipt: str) -> Answer:
    return await line.post(json.dumps({"receipt": receipt}).encode(), ERASE)


def spellings(text: str) -> set[bytes]:
    """An identifier as text, as the bytes it stands for, and both in hex and base64, wherever they may begin."""
    raws = {text.encode()}
    if re.fullmatch(r"[0-9a-f-]{36}|[0-9a-f]{64}", text):
        raws.add(bytes.fromhex(text.replace("-", "")))
    if re.fullmatch(r"[A-Za-z0-9_-]{22}|[A-Za-z0-9_-]{43}", text):
        raws.add(base64.urlsafe_b64decode(text + "=="))
    found = set(raws)
    for raw in raws:
        found |= {raw.hex().encode(), raw.hex().upper().encode()}
        for shift in range(3):
            inner = base64.b64encode(bytes(shift) + raw)[shift and 4 : len(raw) * 4 // 3 - 4]
            found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return {piece for piece in found if len(piece) >= 14}


def identifiers(first: dict[str, Any], *later: dict[str, Any]) -> list[str]:
    """What could lead to a visitor: receipt, record ids, idempotency keys, write key and its hash."""
    write = hashlib.sha256(first["write_key"].encode()).hexdigest()
    every = (first, *later)
    return [first["receipt"], first["write_key"], write, *(one["id"] for one in every), *(one["key"] for one in every)]


def found(service: Service, names: list[str]) -> list[tuple[str, str]]:
    """Which identifiers are in which files: data folder, and what the service wrote for its operator."""
    hits = []
    for path in sorted(service.folder.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        hits += [(path.name, name) for name in names if any(piece in data for piece in spellings(name))]
    return hits


async def until_gone(service: Service, names: list[str], began: float) -> float:
    """How long it took until nothing was found; fails after a minute."""
    while hits := await asyncio.to_thread(found, service, names):
        assert time.monotonic() - began < SECONDS, hits
        await asyncio.sleep(0.2)  # nothing tells it: the files are looked at from outside
    return time.monotonic() - began


async def test_no_byte_is_left(service: Service) -> None:
    """Among 600 visitors 25 are erased, after changes and retries: nothing of them is in any file, the rest is."""
    async with await service.connect() as line:
        everyone = [await say(service, line) for _ in range(600)]
        gone = everyone[::24]
        names: list[str] = []
        for first in gone:
            opened = {"receipt": first["receipt"], "write_key": first["write_key"]}
            names += identifiers(first, *[await say(service, line, **opened) for _ in range(2)])
    assert len({name for _, name in await asyncio.to_thread(found, service, names)}) > 4 * len(gone)
    states = set()
    for first in gone:
        async with await service.connect() as line:  # looking takes longer than an idle connection is kept
            answer = await erase(line, first["receipt"])
        assert (answer.status, answer.json["erased"]) == (200, 3)
        states.add(answer.json["state"])
        assert answer.json["state"] == "pending" or not found(service, identifiers(first))
    assert "complete" in states
    assert await until_gone(service, names, time.monotonic()) < SECONDS
    async with await service.connect() as line:
        assert (await erase(line, gone[0]["receipt"])).status == 404
        kept = {record["receipt"] for record in await service.log()}
        assert kept == {one["receipt"] for one in everyone} - {one["receipt"] for one in gone}
        again = json.dumps(json.loads(service.body(receipt=gone[0]["receipt"], write_key=gone[0]["write_key"])))
        assert (await line.post(again.encode())).status == 403
    assert len((service.config.data / NAME).read_text().splitlines()) == 25
    assert service.messages == ""


async def test_a_reader_makes_it_wait(service: Service) -> None:
    """While someone reads an old state the answer is pending, and a restart forgets nothing; then it is complete."""
    async with await service.connect() as line:
        mine = await say(service, line)
        reader = sqlite3.connect(service.config.store, isolation_level=None)
        reader.execute("begin")
        assert reader.execute("select count(*) from consent_record").fetchone() == (1,)
        answer = await erase(line, mine["receipt"])
        assert answer.json == {"erased": 1, "state": "pending"}
        more = await say(service, line)
    names = identifiers(mine)
    assert found(service, names)
    assert requested(service) == ["listed"]
    await service.kill()
    await service.start()
    reader.execute("rollback")
    began = time.monotonic()
    reader.close()

    await until_gone(service, names, began)
    while requested(service) != ["complete"]:
        assert time.monotonic() - began < SECONDS
        await asyncio.sleep(0.1)  # nothing tells it: the store is looked at from outside
    assert [record["id"] for record in await service.log()] == [more["id"]]


def requested(service: Service) -> list[str]:
    with sqlite3.connect(service.config.store) as store:
        states = [row[0] for row in store.execute("select state from rights_request order by time")]
    store.close()
    return states


async def test_who_may_ask(service: Service) -> None:
    """Pages of the site alone, with a receipt; anything else is told what is wrong, and nothing is erased."""
    async with await service.connect() as line:
        mine = await say(service, line)
        body = json.dumps({"receipt": mine["receipt"]}).encode()
        kind = {"content-type": "application/json"}
        wrong = await line.ask("POST", ERASE, body, {**kind, "origin": "https://evil.example"})
        assert (wrong.status, wrong.json["error"]) == (403, "wrong_origin")
        assert (await line.ask("POST", ERASE, body, kind)).status == 403
        assert (await line.ask("POST", "/v1/none/erase", body, {**kind, "origin": ORIGIN})).status == 404
        assert (await line.ask("POST", ERASE, body, {"origin": ORIGIN, "content-type": "text/html"})).status == 415
        assert (await line.post(b"{}", ERASE)).json["field"] == "receipt"
        assert (await line.post(b"\xff", ERASE)).status == 422
        assert (await line.post(b'{"receipt":"%s"}' % (b"x" * 2_000), ERASE)).status == 413
        unknown = await erase(line, "A" * 22)
        assert (unknown.status, unknown.json["error"]) == (404, "unknown_receipt")
        assert unknown.headers["access-control-allow-origin"] == ORIGIN
        preflight = await line.ask("OPTIONS", ERASE, b"", {"origin": ORIGIN})
        assert (preflight.status, preflight.headers["access-control-allow-methods"]) == (204, "POST")
        answers = [(await erase(line, "B" * 22)).status for _ in range(40)]
        assert answers.count(429) >= 10
    assert [record["id"] for record in await service.log()] == [mine["id"]]
