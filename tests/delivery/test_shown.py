"""How often a notice was shown: counted where the law allows it, by day and kind of device, and never by visitor."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from consent.db import Database
from consent.delivery.shown import MAX_BODY, MOST, Counts, Shown, device
from consent.policy import notice_queries as queries
from consent.policy.notice_queries import Count
from consent.records.intake import DAY, milliseconds
from tests.records.failing import Failing
from tests.records.served import HEADERS, Shop, opened
from tests.records.shop import config_in, open_shop, shop_in, shown

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
ONE = Shown(notice="a" * 64, layer=1, regime="us", language="en")


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A service with a shop."""
    config = config_in(tmp_path, rate_address=30)
    yield from opened(config, asyncio.run(shop_in(config)))


def tell(shop: Shop, headers: dict[str, str] | None = None, **changes: Any) -> httpx.Response:
    """What the widget posts when a layer came up in the United States."""
    said = {"notice": shown(shop.version), "layer": 1, "regime": "us", "language": "en"} | changes
    every = {**HEADERS, "Content-Type": "text/plain", "User-Agent": IPHONE, **(headers or {})}
    answer: httpx.Response = shop.client.post("/v1/shop/shown", content=json.dumps(said), headers=every)
    return answer


def counts(shop: Shop) -> list[Count]:
    """What is in the store, once all that was counted is written."""

    async def read() -> list[Count]:
        async with open_shop(shop.config) as db:
            return await queries.shown(db, 1, shown(shop.version))

    assert shop.client.portal is not None
    shop.client.portal.call(shop.service().counts.write)
    return asyncio.run(read())


def test_what_the_law_allows_is_counted(shop: Shop) -> None:
    """Under an opt-out law each post adds one to a count; the answer has no body, no cookie, and is never kept."""
    answers = [tell(shop), tell(shop), tell(shop, layer=2), tell(shop, {"User-Agent": "curl/8"})]
    today = milliseconds() // DAY
    row = Count(today, shown(shop.version), 1, "us", "en", "phone", 2)

    assert {answer.status_code for answer in answers} == {204}
    assert answers[0].content == b""
    assert "set-cookie" not in answers[0].headers
    assert answers[0].headers["cache-control"] == "no-store"
    assert answers[0].headers["access-control-allow-origin"] == HEADERS["Origin"]
    assert counts(shop) == [
        Count(today, row.notice, 1, "us", "en", "other", 1), row, Count(today, row.notice, 2, "us", "en", "phone", 1),
    ]  # fmt: skip
    tell(shop)
    assert counts(shop)[1].shown == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"regime": "eu"},
        {"regime": "uk"},
        {"regime": "ch"},
        {"regime": "xx"},
        {"notice": "a" * 64},
        {"language": "de"},
    ],
)
def test_the_rest_is_not(shop: Shop, changes: dict[str, Any]) -> None:
    """Where the law forbids it, is not known, or the notice is not shown now: 204, and nothing is counted (SC-02)."""
    assert tell(shop, **changes).status_code == 204
    assert counts(shop) == []


@pytest.mark.parametrize(
    ("headers", "changes", "status"),
    [
        ({"Origin": "https://evil.example"}, {}, 403),
        ({"Origin": "null"}, {}, 403),
        ({"Content-Type": "text/html"}, {}, 415),
        ({}, {"layer": 0}, 422),
        ({}, {"layer": True}, 422),
        ({}, {"notice": "short"}, 422),
        ({}, {"regime": "../us"}, 422),
        ({}, {"visitor": "17"}, 422),
        ({}, {"language": "x" * MAX_BODY}, 413),
    ],
)
def test_mistakes(shop: Shop, headers: dict[str, str], changes: dict[str, Any], status: int) -> None:
    """Another site's page, another kind of body and any member that could name a visitor are refused."""
    answer = tell(shop, headers, **changes)

    assert answer.status_code == status
    assert set(answer.json()) >= {"error", "message", "remedy"}
    assert counts(shop) == []


def test_places_of_the_protocol(shop: Shop) -> None:
    """The preflight is answered, no JSON is 422, another site is 404, and 31 posts in a burst are too many."""
    assert shop.client.options("/v1/shop/shown", headers=HEADERS).headers["access-control-allow-methods"] == "POST"
    assert shop.client.post("/v1/shop/shown", content=b"{", headers=HEADERS).status_code == 422
    assert shop.client.post("/v1/nobody/shown", content=b"{}", headers=HEADERS).status_code == 404
    statuses = [tell(shop).status_code for _ in range(31)]
    assert statuses[-1] == 429
    assert statuses.count(204) == sum(count.shown for count in counts(shop))


def test_what_was_counted_is_written_at_the_end(tmp_path: Path) -> None:
    """A service that stops writes what it had counted."""
    config = config_in(tmp_path)
    for shop in opened(config, asyncio.run(shop_in(config))):
        tell(shop)

    async def read() -> list[Count]:
        async with open_shop(config) as db:
            return await queries.shown(db, 1, shown(shop.version))

    assert [count.shown for count in asyncio.run(read())] == [1]


async def test_memory_is_bounded(db: Database) -> None:
    """Beyond so many different counts no more are begun, while those there are go on."""
    made = Counts(db)
    for site in range(MOST + 5):
        made.add(site, 1, ONE, "phone")
    made.add(0, 1, ONE, "phone")
    await made.write()
    [row] = await db.fetch("select count(*) as rows, sum(shown) as shown from shown_day")

    assert row == {"rows": MOST, "shown": MOST + 1}


async def test_a_store_that_fails(db: Database, caplog: pytest.LogCaptureFixture) -> None:
    """Counts that cannot be written are lost, which is said; counting goes on."""
    failing = Failing(db)
    made = Counts(failing)
    failing.broken = True
    made.add(1, 1, ONE, "phone")
    running = asyncio.create_task(made.run())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait({running})
    failing.broken = False
    made.add(1, 2, ONE, "phone")
    await made.write()

    assert "could not be written" in caplog.text
    assert [count.day for count in await queries.shown(db, 1, ONE.notice)] == [2]


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (IPHONE, "phone"),
        ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36", "phone"),
        ("Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "phone"),
        ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36", "tablet"),
        ("Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1", "tablet"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36", "desktop"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15",
            "desktop",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "desktop"),
        ("", "other"),
        ("x" * 100_000, "other"),
    ],
)
def test_kinds_of_devices(agent: str, expected: str) -> None:
    """Four kinds, by words that every browser still sends."""
    assert device(agent) == expected
