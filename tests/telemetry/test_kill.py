"""The log of a real service that is killed under load, and of one whose log fails: choices are untouched."""

import asyncio
import contextlib
import json
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from consent.app import App, create_app
from consent.config import Config
from consent.records.intake import milliseconds
from consent.telemetry import buffer, rebuild
from consent.telemetry.buffer import MOST
from consent.telemetry.store import open_telemetry
from tests.records.shop import OPTIONAL, ORIGIN, body, config_in, shop_in
from tests.service.process import GENEROUS, Line, Service
from tests.telemetry.made import from_rows, less, stored
from tests.telemetry.spoken import ask
from tests.telemetry.test_privacy import POLICY

EVENTS = "/v1/shop/events"
SECONDS = 20.0


class Browser:
    """A visitor of the running service, who agreed. `acknowledged`: ids of events that were answered."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.jar: dict[str, str] = {}
        self.acknowledged: list[str] = []
        self.sent: list[bytes] = []
        self.receipt: dict[str, str] = {}

    async def ask(self, path: str, posted: bytes) -> tuple[int, bytes]:
        """Post, keep every cookie that is set; status and body."""
        cookies = "; ".join(f"{key}={text}" for key, text in self.jar.items())
        head = (
            f"POST {path} HTTP/1.1\r\nhost: www.shop.example\r\norigin: {ORIGIN}\r\ncontent-type: application/json\r\n"
            "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0\r\n"
            f"accept-language: de\r\ncontent-length: {len(posted)}\r\ncookie: {cookies}\r\n\r\n"
        )
        await self.line.send(head.encode() + posted)
        lines = (await self.line.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = [line.split(": ", 1) for line in lines[1:] if line]
        for name, value in headers:
            if name.lower() == "set-cookie":
                key, _, text = value.partition(";")[0].partition("=")
                self.jar[key] = text
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        return int(lines[0].split(" ")[1]), await self.line.reader.readexactly(length)

    async def say(self, service: Service, control: str, letter: str) -> None:
        """Post a choice, and keep what comes back."""
        assert service.version is not None
        said = body(service.version, control=control, purposes=dict.fromkeys(OPTIONAL, letter), **self.receipt)
        status, answer = await self.ask("/v1/shop/consent", json.dumps(said).encode())
        assert status in (200, 201), answer
        told = json.loads(answer)
        self.receipt = {"receipt": told["receipt"], "write_key": told.get("write_key") or self.receipt["write_key"]}

    async def visit(self, now: int) -> None:
        """Post five events."""
        ids = [uuid.uuid4() for _ in range(5)]
        made = [
            {"id": str(one), "event": "view", "time": now, "url": f"{ORIGIN}/p/{number}", "load": 100}
            for number, one in enumerate(ids)
        ]
        posted = json.dumps({"choice": self.jar["consent"], "events": made, "screen": "large"}).encode()
        status, answer = await self.ask(EVENTS, posted)
        assert status == 202, answer
        self.sent.append(posted)
        self.acknowledged += [one.hex for one in ids]


def held(config: Config) -> set[str]:
    """Ids of the events in the store."""
    with contextlib.closing(sqlite3.connect(config.telemetry_store)) as store:
        return {identity for (identity,) in store.execute("select id from event")}


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that only looking tells."""
    async with asyncio.timeout(SECONDS):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """A service whose shop keeps a log of visits."""
    rates = {"CONSENT_RATE_EVENTS_ADDRESS": "1000000", "CONSENT_RATE_EVENTS_SITE": "1000000"}
    made = Service(tmp_path, **GENEROUS, **rates)
    made.version = await shop_in(made.config, POLICY)
    await made.start()
    yield made
    await made.stop()


async def load(browsers: list[Browser], enough: int) -> None:
    """Visit from all of them at once until so many events are acknowledged, or the service is gone."""

    async def one(browser: Browser) -> None:
        with contextlib.suppress(OSError, EOFError):
            while sum(len(each.acknowledged) for each in browsers) < enough:
                await browser.visit(milliseconds())

    await asyncio.gather(*map(one, browsers))


async def compared(service: Service) -> None:
    """What is added up is what the rows say, and no event is there twice."""
    store = await open_telemetry(service.config)
    try:
        assert await rebuild.differences(store, 1) == []
        assert less(await stored(store), await stored(store, "gone")) == await from_rows(store)
        assert await store.fetch("select id from event group by id having count(*) > 1") == []
        assert await store.fetch("pragma integrity_check") == [{"integrity_check": "ok"}]
    finally:
        await store.close()


async def test_rollups_are_the_rows_after_a_kill(service: Service) -> None:
    """Killed under load, the log loses what waits and no more; repeated, events count once; then some withdraw."""
    async with contextlib.AsyncExitStack() as lines:

        async def connected() -> Line:
            return await lines.enter_async_context(await service.connect())

        browsers = [Browser(await connected()) for _ in range(6)]
        for browser in browsers:
            await browser.say(service, "accept", "g")
            await browser.visit(milliseconds())
        settled = [one for browser in browsers for one in browser.acknowledged]
        await until(lambda: held(service.config) >= set(settled))
        going = asyncio.create_task(load(browsers, 100_000))
        await until(lambda: sum(len(browser.acknowledged) for browser in browsers) >= 1_500)
        await service.kill()
        await going
        acknowledged = {one for browser in browsers for one in browser.acknowledged}
        assert held(service.config) >= set(settled)
        assert len(acknowledged - held(service.config)) <= MOST
        await compared(service)

        await service.start()
        for browser in browsers:
            browser.line = await connected()
            for posted in browser.sent:
                assert (await browser.ask(EVENTS, posted))[0] == 202
        await until(lambda: held(service.config) >= acknowledged)
        for browser in browsers[:3]:
            await browser.say(service, "withdraw", "w")
        await service.kill()
        await service.start()
        left = {one for browser in browsers[:3] for one in browser.acknowledged}
        await until(lambda: not held(service.config) & left)
        for browser in browsers:
            browser.line = await connected()
            await browser.ask(EVENTS, browser.sent[0])
        await service.stop()
        await compared(service)
        assert held(service.config) == {one for browser in browsers[3:] for one in browser.acknowledged}


async def post(app: App, version: Any, number: int) -> tuple[int, int]:
    """A choice, and a visit of who made it: the two statuses."""
    said = json.dumps(body(version)).encode()
    chosen = await ask(app, "POST", "/v1/shop/consent", said)
    event = {"id": f"{number:08x}-0000-4000-8000-000000000000", "event": "view", "time": milliseconds()}
    told = {"choice": json.loads(chosen.body).get("cookie", ""), "events": [event | {"url": f"{ORIGIN}/"}]}
    cookie = {"cookie": f"consent={told['choice']}"}
    visited = await ask(app, "POST", EVENTS, json.dumps(told).encode(), cookie)
    return chosen.status, visited.status


async def test_a_log_that_is_full_holds_no_choice_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the log's disk is full choices are recorded; visits wait, and are stored once there is room."""
    config = config_in(tmp_path)
    version = await shop_in(config, POLICY)
    monkeypatch.setattr(buffer, "RETRY", 0.05)
    app = create_app(config)
    async with app.router.lifespan_context(app):
        assert app.service is not None
        door: Any = app.service.telemetry.door
        [now] = await door.db.fetch("pragma page_count")
        writer = door.db._writer
        await writer.execute(f"pragma max_page_count = {now['page_count']}")
        for number in range(60):
            assert await post(app, version, number) == (201, 202)
        with contextlib.suppress(Exception):
            await door.buffer.flush()
        assert len(held(config)) < 60
        await door.db._writer.execute("pragma max_page_count = 100000")
        await until(lambda: len(held(config)) == 60)
        assert await rebuild.differences(door.db, 1) == []


async def test_a_log_that_is_removed_holds_no_choice_up(tmp_path: Path) -> None:
    """The log's files are removed under the service: choices go on, events are answered, a restart makes it anew."""
    config = config_in(tmp_path)
    version = await shop_in(config, POLICY)
    app = create_app(config)
    async with app.router.lifespan_context(app):
        assert app.service is not None
        door: Any = app.service.telemetry.door
        assert await post(app, version, 1) == (201, 202)
        for file in await asyncio.to_thread(lambda: list(config.data.glob("telemetry.sqlite*"))):
            file.unlink()
        for number in range(2, 40):
            assert await post(app, version, number) == (201, 202)
        with contextlib.suppress(Exception):
            await door.buffer.flush()
    app = create_app(config)
    async with app.router.lifespan_context(app):
        assert await post(app, version, 99) == (201, 202)
        assert app.service is not None
        door = app.service.telemetry.door
        await door.buffer.flush()
        assert (await door.db.fetch("select count(*) as n from event"))[0]["n"] == 1


async def test_a_log_of_another_program_holds_no_choice_up(tmp_path: Path) -> None:
    """Where the file is no log of ours the service starts all the same, records choices, and keeps no visits."""
    config = config_in(tmp_path)
    version = await shop_in(config, POLICY)
    config.telemetry_store.write_bytes(b"something else " * 100)
    app = create_app(config)
    async with app.router.lifespan_context(app):
        assert await post(app, version, 1) == (201, 202)
    assert config.telemetry_store.read_bytes() == b"something else " * 100
