"""The pages of visits against the rows themselves, whatever days they are about."""

import asyncio
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from consent.accounts.account import Role
from consent.app import create_app
from consent.config import Config
from consent.policy.queries import Version
from consent.records.recount import add_up
from consent.reports.span import day
from consent.telemetry.hit import Anonymous
from consent.telemetry.log import Log
from consent.telemetry.rollup import Sums
from consent.telemetry.store import open_telemetry
from tests.accounts import people
from tests.records.shop import ORIGIN, body, config_in, open_shop, publish_shop, refusal
from tests.reports.test_visits import DAYS, START, _hits
from tests.telemetry.made import DAY, HOUR


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A shop with two hundred logged visits of five days, and thirty views of two that were only counted."""
    found = config_in(tmp_path_factory.mktemp("visits"))

    async def fill() -> None:
        async with open_shop(found) as db:
            await publish_shop(db, key="shop")
        store = await open_telemetry(found)
        log, counted = Log(store), Sums()
        for number in range(30):
            seen: dict[str, Any] = {"time": START + number * HOUR, "event": "view", "host": "shop.example", "path": "/"}
            counted.anonymous(Anonymous(site_id=1, country="AT", entered=1, load_time=50, **seen))
        for one in _hits(random.Random(3)):
            await log.write([one], {})
        await log.write([], {1: counted})
        while await log.fold():
            pass
        await store.close()

    asyncio.run(fill())
    return found


class Rows:
    """The rows as they were stored, before any grew too old."""

    def __init__(self, config: Config) -> None:
        with sqlite3.connect(config.telemetry_store) as db:
            self._sessions = db.execute("select began, opens_day, visit, views from session").fetchall()
            self._events = db.execute("select time, event, engaged from event").fetchall()

    def sessions(self, first: int, last: int) -> list[int]:
        """Sessions of these days, their visitors, newcomers and bounces."""
        found = [row for row in self._sessions if first <= (row[0] - START) // DAY <= last]
        _, opening, visits, views = zip(*found, strict=True)
        return [len(found), sum(opening), visits.count(1), sum(number <= 1 for number in views)]

    def events(self, first: int, last: int) -> tuple[int, int, int]:
        """Views of these days, seconds, and requests that were refused."""
        found = [row for row in self._events if first <= (row[0] - START) // DAY <= last]
        named = [row[1] for row in found]
        return named.count("view"), sum(row[2] for row in found), named.count("blocked")


@pytest.fixture(scope="module")
def rows(config: Config) -> Rows:
    return Rows(config)


@pytest.fixture(scope="module")
def client(config: Config, rows: object) -> Iterator[TestClient]:
    with TestClient(create_app(config), base_url="http://127.0.0.1:8000") as found:
        found.headers.update(people.signed_in(config, Role.OWNER) | {"Accept": "text/html"})
        yield found


SPANS = [(0, DAYS - 1), (1, 3), (1, 2), (0, 0), (2, 2), (4, 4)]


@pytest.mark.parametrize(("first", "last"), SPANS)
def test_figures_are_those_of_the_days_asked_for(client: TestClient, rows: Rows, first: int, last: int) -> None:
    """Of one day as of many, tiles and their JSON tell what happened on these days; charts may draw those before."""
    asked = f"from={day(START // DAY + first)}&to={day(START // DAY + last)}"
    face = client.get(f"/sites/shop/visits.json?{asked}").json()
    page = client.get(f"/sites/shop/visits?{asked}").text
    views, engaged, _ = rows.events(first, last)
    counted = sum(first * DAY <= number * HOUR < (last + 1) * DAY for number in range(30))
    told = {name: face["agreed"][name] for name in ("sessions", "visitors", "newcomers", "bounces", "views", "engaged")}

    assert list(told.values()) == [*rows.sessions(first, last), views, engaged]
    assert face["counted"]["views"] == counted
    assert f'Page views</dt><dd class="figure">{views + counted}</dd>' in page
    assert f'Visits</dt><dd class="figure">{rows.sessions(first, last)[0]}</dd>' in page
    assert "by hour" not in page
    assert len(face["full"]) == len(face["count"]) == len(face["steps"])


@pytest.mark.parametrize(("first", "last"), SPANS)
def test_what_was_refused_is_of_the_days_asked_for(client: TestClient, rows: Rows, first: int, last: int) -> None:
    """The hosts of the services' page add up to the requests that were refused on these days."""
    asked = f"from={day(START // DAY + first)}&to={day(START // DAY + last)}"
    face = client.get(f"/sites/shop/services.json?{asked}").json()

    assert sum(host["times"] for host in face["hosts"]) == rows.events(first, last)[2]
    assert "by hour" not in client.get(f"/sites/shop/services?{asked}").text


def test_one_decision_alone_is_not_everybodys(tmp_path: Path) -> None:
    """What somebody decided about one service stands beside what all answered for its purpose, and not in its place."""
    config = config_in(tmp_path)

    async def publish() -> Version:
        async with open_shop(config) as db:
            return (await publish_shop(db, key="shop"))[1]

    async def count() -> None:
        async with open_shop(config) as db:
            await add_up(db)

    version = asyncio.run(publish())
    alone = body(version, control="save", layer=2, services={"youtube": "d"})
    with TestClient(create_app(config), base_url="http://127.0.0.1:8000") as found:
        for said in (body(version), body(version), refusal(version), alone):
            assert found.post("/v1/shop/consent", json=said, headers={"Origin": ORIGIN}).status_code == 201
        asyncio.run(count())
        who = people.signed_in(config, Role.OWNER)
        services = {one["key"]: one for one in found.get("/sites/shop/services.json", headers=who).json()["services"]}
        page = found.get("/sites/shop/services", headers=who).text

    told = {key: (one["granted"], one["denied"], one["alone"]) for key, one in services.items()}
    assert told["youtube"] == (3, 1, [0, 1])
    assert told["google-analytics"] == (3, 1, [0, 0])
    assert page.count("75.0\u202f%") == 3 and page.count("one by one: 0 of 1") == 1


def test_measures_have_names(client: TestClient) -> None:
    """The JSON faces name each number, by the step, by the value and of all."""
    face = client.get(f"/sites/shop/visits.json?from={day(START // DAY)}&to={day(START // DAY + 4)}").json()
    by = client.get(f"/sites/shop/visits.json?by=browser&from={day(START // DAY)}&to={day(START // DAY + 4)}").json()

    assert {"views", "sessions", "visitors"} <= face["full"][0].keys() & face["count"][0].keys()
    assert sum(row["full"]["sessions"] for row in by["rows"]) == face["agreed"]["sessions"]
