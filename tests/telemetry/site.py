"""A shop with a visitors' log that is served, as browsers, apps and its own server reach it."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, cast

from starlette.testclient import TestClient

from consent.app import App, Service, create_app
from consent.catalogue.service import load_catalogue
from consent.config import Config
from consent.db.sqlite import open_sqlite
from consent.delivery.notices import publish
from consent.policy.policy import parse
from consent.policy.queries import Version
from consent.policy.resolved import resolve
from consent.records.cookie import Choice, encode
from consent.records.published import Live
from consent.sites import tokens
from consent.sites.queries import add
from consent.telemetry.opened import Opened

ORIGIN = "https://www.shop.example"
ELSEWHERE = "https://consent.example"
EVENTS = "/v1/shop/events"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
HEADERS = {"Origin": ORIGIN, "Content-Type": "text/plain", "User-Agent": CHROME, "Accept-Language": "de-AT,en;q=0.5"}

PEER = "198.51.100.7"

POLICY = """
site = "SITE"
origins = ["ORIGIN", "http://www.shop.example"]
[controller]
name = "The shop"
privacy_url = "https://www.shop.example/privacy"
[services.youtube]
[telemetry]
"""

TERMS = 'query = ["ref"]\ncustomer = ["plan", "company"]\napps = ["Shop for iOS"]\n'

GENEROUS: dict[str, Any] = {"rate_address": 1_000_000, "rate_site": 1_000_000, "rate_events_address": 1_000_000,
            "rate_events_site": 1_000_000}  # fmt: skip

_numbers = count(1)


class Site:
    """The shop, served."""

    def __init__(self, client: TestClient, config: Config, token: str) -> None:
        self.client = client
        self.config = config
        self.token = token

    @property
    def service(self) -> Service:
        """The service that runs."""
        found = cast(App, self.client.app).service
        assert found is not None
        return found

    @property
    def live(self) -> Live:
        """What the shop publishes."""
        return self.service.published.live("shop")

    def choice(self, letter: Any = "g", *, services: Mapping[str, Any] | None = None, **more: Any) -> str:
        """A choice about every purpose, as the cookie has it."""
        made = self.live.version
        purposes = {p.key: letter for p in made.resolved.purposes if not p.required}
        usual: dict[str, Any] = {"day": today(), "scope": made.scope, "purposes": purposes}
        return encode(Choice(**usual | more, services=dict(services or {})))

    def decide(self, letter: Any = "g", **more: Any) -> str:
        """The same, and the browser has the cookie."""
        made = self.choice(letter, **more)
        self.client.cookies.set("consent", made, domain="www.shop.example", path="/")
        return made

    def post(
        self, *events: dict[str, Any], choice: str = "", headers: Any = None, path: str = EVENTS, **more: Any
    ) -> Any:
        """Post events, with what the answer says of them."""
        body = json.dumps({"choice": choice, "events": list(events), "debug": True, **more})
        return self.client.post(path, content=body, headers={**HEADERS, **(headers or {})})

    def told(self, *events: dict[str, Any], **more: Any) -> str:
        """What came of events, in the answer's own words."""
        answer = self.post(*events, **more)
        assert answer.status_code == 202, answer.text
        return cast(str, answer.headers["consent-events"])

    def flush(self) -> None:
        """Write what waits."""
        door = self.service.telemetry.door
        assert isinstance(door, Opened) and self.client.portal is not None
        self.client.portal.call(_written, door)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Rows of the visitors' log, with all that waited."""
        self.flush()
        store = self.service.telemetry.store
        assert store is not None and self.client.portal is not None
        return self.client.portal.call(store.fetch, sql)

    def change(self, sql: str) -> None:
        """Change rows of the visitors' log, past the service."""
        store = self.service.telemetry.store
        assert store is not None and self.client.portal is not None
        self.client.portal.call(store.execute, sql)

    def publish(self, terms: str) -> None:
        """Publish another policy of the shop, which the service knows at once."""
        text = POLICY.replace("SITE", "shop").replace("ORIGIN", ORIGIN) + terms
        assert self.client.portal is not None
        self.client.portal.call(publish, self.service.db, 1, resolve(parse(text), load_catalogue()), 2)
        self.client.portal.call(self.service.published.refresh)

    def dropped(self) -> dict[str, int]:
        """Events that were dropped, by reason."""
        return {row["reason"]: row["n"] for row in self.rows("select reason, sum(n) as n from dropped group by reason")}

    def settled(self, sql: str, wanted: int) -> list[dict[str, Any]]:
        """The rows once there are so many of them; what a withdrawal deletes, it deletes soon."""
        end = time.monotonic() + 10
        while len(rows := self.rows(sql)) != wanted and time.monotonic() < end:
            assert self.client.portal is not None
            self.client.portal.call(asyncio.sleep, 0.01)
        return rows


async def _written(door: Opened) -> None:
    """Return when all that was taken is stored, also what the service itself is about to store."""
    await door.buffer.flush()
    async with door.log.turn:
        pass


def today() -> int:
    """Days since 1970, UTC."""
    return int(time.time()) // 86_400


def event(name: str = "view", path: str = "/lamps/", **more: Any) -> dict[str, Any]:
    """An event as a page of the shop sends it, each with an id of its own."""
    usual = {"id": f"{next(_numbers):032x}", "event": name, "time": int(time.time() * 1000), "url": f"{ORIGIN}{path}"}
    return usual | more


@contextmanager
def served(
    folder: Path, terms: str = TERMS, *, base: str = ORIGIN, peer: str = PEER, more: str = "", **settings: Any
) -> Iterator[Site]:
    """Serve the shop, and another one, until the block ends. `base` is where the service answers."""
    config = Config(data=folder, public_url=base, **{**GENEROUS, **settings})
    token = asyncio.run(_prepare(config, terms + more))
    with TestClient(create_app(config), base_url=base, client=(peer, 50_000)) as client:
        yield Site(client, config, token)


async def _prepare(config: Config, terms: str) -> str:
    from consent.db.place import prepare

    prepare(config.data)
    db = await open_sqlite(config.store)
    token = ""
    for key, origin in (("shop", ORIGIN), ("other", "https://www.other.example")):
        site = await add(db, key, 1)
        text = POLICY.replace("SITE", key).replace("ORIGIN", origin) + terms
        await publish(db, site.site_id, resolve(parse(text), load_catalogue()), 1)
        token = token or await tokens.ensure(db, config.data, site, 1)
    await db.close()
    return token


def version(site: Site) -> Version:
    """The shop's policy."""
    return site.live.version
