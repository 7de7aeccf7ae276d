"""A shop that has published a policy, and the bodies that its visitors' browsers send."""

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from consent.config import Config
from consent.db import Database
from consent.db.place import prepare
from consent.db.sqlite import open_sqlite
from consent.delivery.notices import notices_of, publish
from consent.ledger.heads import Heads
from consent.ledger.keys import Keys
from consent.ledger.sequencer import Sequencer
from consent.policy.queries import Version
from consent.sites.queries import add, by_key
from consent.sites.site import Site
from tests.policy.site import resolved

ORIGIN = "https://www.shop.example"
SERVICES = """
[services.google-analytics]
[services.youtube]
[services.matomo-own]
name = "Our Matomo"
provider = "The shop"
country = "DE"
purposes = ["statistics"]
kind = "analytics"
hosts = ["stats.shop.example/m/"]
privacy_url = "https://www.shop.example/privacy"
"""
OPTIONAL = ("preferences", "statistics", "marketing", "social")
_numbers = itertools.count(1)


async def publish_shop(db: Database, more: str = SERVICES, key: str = "shop", **replaced: str) -> tuple[Site, Version]:
    """Publish the shop's policy; the next version of it when there is one already."""
    site = await by_key(db, key) or await add(db, key, 1)
    return site, await publish(db, site.site_id, resolved(more, site=f'site = "{key}"', **replaced), 1)


@asynccontextmanager
async def open_shop(config: Config) -> AsyncIterator[Database]:
    """The store of a service that is not running, or running elsewhere."""
    prepare(config.data)
    db = await open_sqlite(config.store)
    try:
        yield db
    finally:
        await db.close()


async def shop_in(config: Config, more: str = SERVICES, key: str = "shop", **replaced: str) -> Version:
    """Publish the shop's policy in that store."""
    async with open_shop(config) as db:
        return (await publish_shop(db, more, key, **replaced))[1]


def config_in(folder: Path, **settings: Any) -> Config:
    """Settings for a service with its data in that folder."""
    return Config(**{"data": folder / "data", **settings})


def logs(db: Database, folder: Path) -> Sequencer:
    """The logs of a store, with keys and heads in that folder."""
    return Sequencer(db, Keys(folder / "keys"), Heads(folder / "ledger.heads"), "consent.example")


_shown: dict[tuple[str, str], str] = {}


def shown(version: Version, language: str = "en") -> str:
    """The notice that a version shows."""
    if (version.hash, language) not in _shown:
        for one in notices_of(version):
            if one.kind == "layers":
                _shown[version.hash, one.language] = one.hash
    return _shown[version.hash, language]


def new_key() -> str:
    """An idempotency key that no other test uses."""
    return f"key-{next(_numbers):018d}"


def body(version: Version, **changes: Any) -> dict[str, Any]:
    """What a browser sends when the visitor accepts everything, with changes; a change to None leaves a member out."""
    fields = {
        "key": new_key(),
        "version": version.version,
        "hash": version.hash,
        "scope": version.scope,
        "control": "accept",
        "layer": 1,
        "language": "en",
        "notice": shown(version),
        "purposes": dict.fromkeys(OPTIONAL, "g"),
        "services": {},
        "regime": "eu",
        "gpc": False,
        "time": 1_760_000_000_000,
        "widget": "0.1.0",
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def refusal(version: Version, **changes: Any) -> dict[str, Any]:
    """What a browser sends when the visitor rejects everything."""
    return body(version, **{"control": "reject", "purposes": dict.fromkeys(OPTIONAL, "d"), **changes})


def raw(version: Version, **changes: Any) -> bytes:
    """A body as bytes."""
    return json.dumps(body(version, **changes)).encode()
