"""A shop that is served, as its visitors and its owner reach it."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from starlette.testclient import TestClient

from consent.app import App, Service, create_app
from consent.config import Config
from consent.policy.queries import Version
from consent.records.published import Live
from consent.sites import tokens
from consent.sites.queries import by_key
from tests.records.shop import ORIGIN, body, open_shop

HEADERS = {"Origin": ORIGIN, "Content-Type": "application/json"}
POST = "/v1/shop/consent"
LOG = "/v1/shop/log"


class Shop:
    """A service with a shop in it, as its visitors and its owner reach it."""

    def __init__(self, client: TestClient, config: Config, version: Version, token: str) -> None:
        self.client = client
        self.config = config
        self.version = version
        self.owner = {"Authorization": f"Bearer {token}"}

    def say(
        self, said: dict[str, Any] | None = None, status: int = 201, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Post what a visitor said, expect a status, return the answer."""
        every = {**HEADERS, **(headers or {})}
        answer = self.client.post(POST, content=json.dumps(said or body(self.version)), headers=every)
        assert answer.status_code == status, answer.text
        return answer.json()

    def service(self) -> Service:
        found = cast(App, self.client.app).service
        assert found is not None
        return found

    def live(self) -> Live:
        found = self.service().published.site("shop")
        assert found is not None
        return found

    def records(self, **asked: Any) -> list[dict[str, Any]]:
        answer = self.client.get(LOG, params=asked, headers=self.owner)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["records"]
        return found


def opened(config: Config, version: Version) -> Iterator[Shop]:
    token = asyncio.run(token_of(config))
    with TestClient(create_app(config), base_url="http://consent.example", raise_server_exceptions=False) as client:
        yield Shop(client, config, version, token)


async def token_of(config: Config) -> str:
    async with open_shop(config) as db:
        site = await by_key(db, "shop")
        assert site is not None
        return await tokens.ensure(db, config.data, site, 1)
