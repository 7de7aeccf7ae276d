"""The whole application: every address is described, carries its headers, and reads as JSON when it fails."""

import asyncio
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from consent.app import App, create_app
from consent.config import Config
from consent.demo import demo
from consent.errors import StoreError
from consent.openapi.paths import PATHS
from tests.records.shop import ORIGIN, body, config_in, open_shop, shop_in


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Settings for a service with the demo in it."""
    found = config_in(tmp_path)
    asyncio.run(with_demo(found))
    return found


async def with_demo(config: Config) -> None:
    async with open_shop(config) as db:
        await demo.ensure(db, config)


@pytest.fixture
def client(config: Config) -> Iterator[TestClient]:
    """A client of that service."""
    with TestClient(create_app(config), base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as found:
        yield found


def routes(client: TestClient) -> list[Route]:
    return cast(list[Route], list(cast(App, client.app).routes))


def plain(path: str) -> str:
    """A route's path as OpenAPI writes it."""
    return re.sub(r":\w+}", "}", path)


def test_every_route_is_described(client: TestClient) -> None:
    """Each path and method of the application is in /openapi.json, and nothing else is."""
    answer = client.get("/openapi.json").json()
    described = {(path, method) for path, item in answer["paths"].items() for method in item if method != "parameters"}
    served = {
        (plain(route.path), method.lower())
        for route in routes(client)
        for method in (route.methods or set()) - {"HEAD"}
    }

    assert answer["openapi"] == "3.1.0"
    assert described == served
    assert PATHS.keys() == answer["paths"].keys()


def test_every_answer_carries_its_headers(client: TestClient) -> None:
    """No answer may be sniffed as another type, and none but scripts is to be framed or kept by caches unasked."""
    for route in routes(client):
        path = plain(route.path).replace("{site}", "demo").replace("{version}", "1").replace("{name}", "x")
        for method in route.methods or ():
            answer = client.request(method, path, follow_redirects=False)
            assert answer.status_code < 500, (method, path)
            assert answer.headers["x-content-type-options"] == "nosniff", (method, path)
            assert "server" not in answer.headers
            if "/c/" not in path and path not in ("/v1/demo/consent", "/v1/demo/events"):
                assert answer.headers["x-frame-options"] == "DENY", (method, path)
                assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], (method, path)
                assert answer.headers["referrer-policy"], (method, path)


@pytest.mark.parametrize("path", ["/nothing", "/v1/demo", "/c/", "/demo", "/livez/", "/%2e%2e/", "/v1/a/b/consent"])
def test_what_is_not_there_is_404_as_json(client: TestClient, path: str) -> None:
    """Error, message and remedy, whatever the address; no redirect that an altered Host could lead astray."""
    answer = client.get(path, follow_redirects=False)

    assert answer.status_code == 404
    assert answer.json()["error"] == "not_found"
    assert answer.json()["remedy"]


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "TRACE", "GET", "HEAD"])
def test_a_method_that_is_not_taken_is_405(client: TestClient, method: str) -> None:
    """The answer names the methods that are."""
    answer = client.request(method, "/v1/demo/consent")

    assert answer.status_code == 405
    assert answer.headers["allow"] == "OPTIONS, POST"
    if method != "HEAD":
        assert answer.json()["error"] == "method"


def test_health(client: TestClient) -> None:
    """It lives, and it is ready; when the store fails it lives and is not ready, and says why."""
    assert client.get("/livez").json() == {"live": True}
    assert client.get("/readyz").json() == {"ready": True, "refused": {}, "visits": ""}

    service = cast(App, client.app).service
    assert service is not None
    service.intake.committer._failure = "the disk is full"
    answer = client.get("/readyz")

    assert client.get("/livez").status_code == 200
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "the disk is full" in answer.json()["message"]


def test_the_front_page(tmp_path: Path, client: TestClient) -> None:
    """Who comes by hand is led to the demo; without one there is a page that says what this is."""
    assert client.get("/", follow_redirects=False).headers["location"] == "/demo/"
    with TestClient(create_app(config_in(tmp_path / "other"))) as empty:
        assert "consent manager" in empty.get("/").text


def test_what_is_published_beside_it_is_taken_up(client: TestClient, config: Config) -> None:
    """A policy that another program publishes is in force within seconds, without a restart."""
    version = asyncio.run(shop_in(config))
    ending = time.monotonic() + 5
    status = 404
    while status == 404 and time.monotonic() < ending:
        status = client.post("/v1/shop/consent", json=body(version), headers={"Origin": ORIGIN}).status_code
        time.sleep(0.05)

    assert status == 201
    assert client.get("/c/shop.js").status_code == 200


def test_a_folder_in_use_is_refused(client: TestClient, config: Config) -> None:
    """Two applications do not share a data folder."""
    with pytest.raises(StoreError, match="Another service"), TestClient(create_app(config)):
        pass
    assert client.get("/livez").status_code == 200


def test_a_start_that_fails_frees_the_folder(config: Config) -> None:
    """A store that cannot be opened is no lock left behind."""
    store = config.store.read_bytes()
    config.store.write_bytes(b"rubbish" * 1_000)
    for _ in range(2):
        with pytest.raises(StoreError, match="not a database"), TestClient(create_app(config)):
            pass
    config.store.write_bytes(store)
    with TestClient(create_app(config)) as client:
        assert client.get("/readyz").status_code == 200


def test_a_stop_frees_the_folder(config: Config) -> None:
    """Stopped, the folder is free, and everything is in the one file."""
    for _ in range(2):
        with TestClient(create_app(config)) as client:
            assert client.get("/readyz").status_code == 200
        assert not config.store.with_name("consent.sqlite-wal").exists()
