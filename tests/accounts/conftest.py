"""A service with the demo in it, whose owner can sign in; passwords are hashed with little work."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import argon2
import pytest
from starlette.testclient import TestClient

from consent.accounts import password
from consent.accounts.account import Role
from consent.accounts.signing import make_link
from consent.app import create_app
from consent.config import Config
from consent.demo import demo
from tests.accounts import people
from tests.accounts.browser import Browser
from tests.records.shop import config_in, open_shop


@pytest.fixture(autouse=True)
def little_work(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Argon2 with as little work as it takes; a test that measures asks for the real one with `real_work`."""
    if "real_work" not in request.fixturenames:
        monkeypatch.setattr(password, "_hasher", argon2.PasswordHasher(1, 8, 1))


@pytest.fixture
def real_work() -> None:
    """Passwords are hashed as in earnest."""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Settings of a service with the demo in it."""
    found = config_in(tmp_path)

    async def publish() -> None:
        async with open_shop(found) as db:
            await demo.ensure(db, found)

    asyncio.run(publish())
    return found


@pytest.fixture
def served(config: Config) -> Iterator[TestClient]:
    """The service."""
    with TestClient(create_app(config), base_url="http://127.0.0.1:8000", client=("192.0.2.7", 1)) as client:
        yield client


@pytest.fixture
def owner(served: TestClient, config: Config) -> Browser:
    """The owner's browser: signed in, by the link of the first start."""
    browser = Browser(served)
    browser.post(first_link(config), email="owner@shop.example", password=people.PASSWORD, again=people.PASSWORD)
    assert browser.me()["roles"] == {"*": str(Role.OWNER)}
    return browser


def first_link(config: Config) -> str:
    """The path of a link for the first account."""

    async def make() -> str:
        async with open_shop(config) as db:
            return await make_link(db, "first", "", people.now())

    token = asyncio.run(make())
    assert re.fullmatch("[A-Za-z0-9_-]{43}", token)
    return f"/account/link/{token}"
