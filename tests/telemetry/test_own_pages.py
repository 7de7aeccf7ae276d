"""The service's own pages for visitors in their log: behind a real server, as far as each choice lets it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import msgspec
import pytest
import uvicorn

from consent.app import App, create_app
from consent.config import Config
from consent.policy.queries import Version
from consent.telemetry.door import Shut
from tests.records.shop import OPTIONAL, body, config_in, shop_in, shown
from tests.reports.served import owner
from tests.telemetry.site import CHROME, event
from tests.telemetry.spoken import REGION

HOST = "www.shop.example"
PEER = "93.184.216.34"
CHOICES = "/choices/shop"
LOG = '[telemetry]\nquery = ["ref"]\nown_pages = true\n'
GRANTED, DENIED = ("g" * 4, "d" * 4)


class Shop:
    """The service as a visitor's browser and a test reach it."""

    def __init__(self, app: App, server: uvicorn.Server, client: httpx.AsyncClient, version: Version) -> None:
        self.app = app
        self.server = server
        self.client = client
        self.version = version
        self.jar: dict[str, str] = {}
        self.headers = {"Host": HOST, "User-Agent": CHROME, "X-Forwarded-For": PEER, "Accept-Language": "de"}

    @property
    def telemetry(self) -> Any:
        assert self.app.service is not None
        return self.app.service.telemetry

    async def ask(self, path: str, method: str = "GET", **more: Any) -> httpx.Response:
        """Ask as the browser does, with its cookies, and keep those of the answer."""
        cookies = {"Cookie": "; ".join(f"{key}={text}" for key, text in self.jar.items())} if self.jar else {}
        headers = self.headers | cookies | more.pop("headers", {})
        answer = await self.client.request(method, path, headers=headers, **more)
        for line in answer.headers.get_list("set-cookie"):
            key, _, rest = line.partition("=")
            if "Max-Age=0" in rest:
                self.jar.pop(key, None)
            else:
                self.jar[key] = rest.partition(";")[0]
        return answer

    async def choose(self, letters: str, **more: Any) -> None:
        """Make a choice, as the widget tells it."""
        told = body(self.version, purposes=dict(zip(OPTIONAL, letters, strict=True)), **more)
        headers = {"Origin": f"https://{HOST}"}
        answer = await self.ask("/v1/shop/consent", "POST", json=told, headers=headers)
        assert answer.status_code == 201, answer.text

    async def come(self) -> None:
        """See a page of the site's with the widget on it."""
        told = {"choice": self.jar.get("consent", ""), "events": [event()]}
        headers = {"Origin": f"https://{HOST}"}
        answer = await self.ask("/v1/shop/events", "POST", json=told, headers=headers)
        assert answer.status_code == 202, answer.text

    async def rows(self, sql: str) -> list[dict[str, Any]]:
        """Rows of the visitors' log, with all that waited, and with what is done after an answer."""
        await asyncio.gather(*self.server.server_state.tasks)
        await self.telemetry.door.buffer.flush()
        found: list[dict[str, Any]] = await self.telemetry.store.fetch(sql)
        return found

    async def own(self) -> list[dict[str, Any]]:
        """Rows of the service's own pages: nothing else tells of a method."""
        return await self.rows("select * from event where method <> '' order by id")

    async def stored(self) -> list[list[dict[str, Any]]]:
        """All rows, and all numbers."""
        return [
            await self.rows(f"select * from {name}") for name in ("event", "session", "visitor", "rollup", "dropped")
        ]


@contextlib.asynccontextmanager
async def running(config: Config, version: Version) -> AsyncIterator[Shop]:
    """The service on a free port until the block ends."""
    app = create_app(config)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", proxy_headers=False))
    async with app.router.lifespan_context(app):
        going = asyncio.create_task(server.serve([listener]))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            async with httpx.AsyncClient(base_url=address) as client:
                yield Shop(app, server, client, version)
        finally:
            server.should_exit = True
            await going


async def prepared(folder: Path, log: str = LOG, **settings: Any) -> tuple[Config, Version]:
    """A shop that published its policy."""
    config = config_in(folder, trusted_proxies=("127.0.0.1/32",), region_header=REGION, **settings)
    return config, await shop_in(config, log)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """The shop, which has its own pages logged."""
    async with running(*await prepared(tmp_path)) as made:
        yield made


async def test_granted(shop: Shop) -> None:
    """Who agreed and came has a row of each page with method, status, duration and referrer, in the same visit."""
    await shop.choose(GRANTED)
    await shop.come()
    kept = dict(shop.jar)
    notice = f"/n/shop/{shown(shop.version)}"
    for path, referrer in (
        (f"{CHOICES}?ref=foot&done=x", "https://search.example/found?q=1"),
        ("/c/shop/declaration", f"https://{HOST}{CHOICES}"),
        (notice, ""),
    ):
        answer = await shop.ask(path, headers={"Referer": referrer, "Accept": "text/html"})
        assert "set-cookie" not in answer.headers
    assert shop.jar == kept
    rows = await shop.own()
    assert {row["host"] for row in rows} == {HOST}
    assert {row["address"] for row in rows} == {"93.184.216.0"}
    assert {row["cookies"] for row in rows} == {"visitor,session"}
    assert all(msgspec.json.decode(row["props"])["took"] >= 0 for row in rows)
    told = ("event", "method", "path", "query", "status", "referrer")
    assert sorted(tuple(row[name] for name in told) for row in rows) == [
        ("view", "GET", "/c/shop/declaration", "", 200, ""),
        ("view", "GET", CHOICES, "ref=foot", 200, "search.example/found"),
        ("view", "GET", "/n/shop/:id", "", 200, ""),
    ]  # fmt: skip
    [session] = await shop.rows("select * from session")
    assert (session["views"], session["language"]) == (4, "de")


@pytest.mark.parametrize("letters", ["", DENIED])
async def test_denied(shop: Shop, letters: str) -> None:
    """Who refused, or was not asked where that is needed, leaves nothing: no row, no number, no cookie."""
    shop.headers[REGION] = "DE"
    if letters:
        await shop.choose(letters, control="reject")
    kept = dict(shop.jar)
    for path in (CHOICES, "/c/shop/declaration"):
        assert (await shop.ask(path)).status_code == 200
    assert shop.jar == kept
    assert await shop.stored() == [[], [], [], [], []]


async def test_anonymous(shop: Shop) -> None:
    """Where the law exempts it the page is counted once, and nothing says by whom."""
    shop.headers[REGION] = "FR"
    assert "set-cookie" not in (await shop.ask(CHOICES)).headers
    [row] = await shop.rows("select * from rollup where dim = 'page' and grain = 'day'")
    assert (row["kind"], row["val"], row["views"]) == ("count", HOST + CHOICES, 1)
    events, sessions, visitors, rollups, _ = await shop.stored()
    assert (events, sessions, visitors) == ([], [], [])
    assert PEER not in str(rollups) and "93.184.216" not in str(rollups) and "Windows NT" not in str(rollups)


async def test_withdrawal(shop: Shop) -> None:
    """After a withdrawal the pages are answered without cookies of ours, and the next three add nothing."""
    await shop.choose(GRANTED)
    await shop.come()
    await shop.ask(CHOICES)
    assert len(await shop.own()) == 1
    old = "; ".join(f"{key}={text}" for key, text in shop.jar.items() if key != "consent")
    await shop.choose(DENIED, control="reject")
    before = await shop.rows("select id from event where method <> ''")
    sent = {"Cookie": f"{old}; consent={shop.jar['consent']}"}
    for headers in ({}, {}, sent):
        assert "set-cookie" not in (await shop.ask(CHOICES, headers=headers)).headers
    assert list(shop.jar) == ["consent"]
    assert len(await shop.rows("select id from event where method <> ''")) <= len(
        before
    )  # and those are on their way out


async def test_what_is_no_page(shop: Shop) -> None:
    """Scripts, data, posts, what was fetched ahead and what others' hosts show are not told of, whoever asks."""
    await shop.choose(GRANTED)
    await shop.come()
    for path in (
        "/c/shop.js",
        "/n/shop",
        f"/n/shop/{shown(shop.version)}.json",
        "/.well-known/gpc.json",
        "/openapi.json",
    ):
        assert (await shop.ask(path)).status_code == 200
    assert (await shop.ask(CHOICES, "HEAD")).status_code == 200
    assert (await shop.ask(CHOICES, headers={"Sec-Purpose": "prefetch"})).status_code == 200
    assert (await shop.ask(CHOICES, headers={"Host": "consent.other.example"})).status_code == 200
    assert (await shop.ask("/choices/nobody")).status_code == 404
    tag = (await shop.ask("/c/shop/declaration")).headers["etag"]
    assert (await shop.ask("/c/shop/declaration", headers={"If-None-Match": tag})).status_code == 304
    assert sorted((row["path"], row["status"]) for row in await shop.own()) == [
        ("/c/shop/declaration", 200),
        ("/c/shop/declaration", 304),
    ]


async def test_operators(tmp_path: Path) -> None:
    """Pages of operators are never told of, though the operator agreed to be a visitor of the site."""
    config, version = await prepared(tmp_path)
    async with running(config, version) as shop:
        await shop.choose(GRANTED)
        await shop.come()
        name, value = await owner(config)
        shop.jar[name] = value
        for path in ("/sites/", "/sites/shop/visits", "/account", "/account/sign-in"):
            assert (await shop.ask(path, headers={"Accept": "text/html"})).status_code < 400
        assert await shop.own() == []
        await shop.ask(CHOICES)
        assert [row["path"] for row in await shop.own()] == [CHOICES]


async def test_asked_for(tmp_path: Path) -> None:
    """Without the policy's word nothing of these pages is logged."""
    async with running(*await prepared(tmp_path, "[telemetry]\n")) as shop:
        await shop.choose(GRANTED)
        await shop.come()
        await shop.ask(CHOICES)
        assert await shop.own() == []


async def test_rate(tmp_path: Path) -> None:
    """A flood of them is answered, and taken no faster than events are."""
    async with running(*await prepared(tmp_path, rate_events_address=3)) as shop:
        shop.headers[REGION] = "FR"
        for _ in range(5):
            assert (await shop.ask(CHOICES)).status_code == 200
        [row] = await shop.rows("select * from rollup where dim = 'page' and grain = 'day'")
        [dropped] = await shop.rows("select reason, n from dropped")
        assert (row["views"], dropped) == (3, {"reason": "rate", "n": 2})


async def test_closed(tmp_path: Path) -> None:
    """While the visitors' log cannot be opened the pages are there."""
    config, version = await prepared(tmp_path)
    config.telemetry_store.parent.mkdir(parents=True, exist_ok=True)
    config.telemetry_store.write_bytes(b"this is no store" * 512)
    async with running(config, version) as shop:
        await shop.choose(GRANTED)
        assert isinstance(shop.telemetry.door, Shut)
        shop.headers[REGION] = "FR"
        for path in (CHOICES, "/c/shop/declaration"):
            assert (await shop.ask(path)).status_code == 200


async def test_never_late(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is there before it is looked at what may be kept, and its row comes all the same."""
    await shop.choose(GRANTED)
    await shop.come()
    going = asyncio.Event()
    same = shop.telemetry.intake.same

    async def slow(version: Version) -> Any:
        await going.wait()
        return await same(version)

    with monkeypatch.context() as patched:
        patched.setattr(shop.telemetry.intake, "same", slow)
        assert (await asyncio.wait_for(shop.ask(CHOICES), 10)).status_code == 200
        assert await shop.telemetry.store.fetch("select * from event where method <> ''") == []
        going.set()
        assert [row["path"] for row in await shop.own()] == [CHOICES]


async def test_faults(shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """What goes wrong with the log is said once, and reaches no visitor."""

    def fails(*_: Any) -> str:
        raise RuntimeError("no room")

    monkeypatch.setattr(shop.telemetry.pages._past, "take", fails)
    for _ in range(2):
        assert (await shop.ask(CHOICES)).status_code == 200
    assert await shop.own() == []
    assert caplog.text.count("could not be logged") == 1
