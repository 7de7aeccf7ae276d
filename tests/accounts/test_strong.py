"""Where an authenticator is demanded: a password alone leads to setting one up, and nowhere else."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient

from consent.accounts import queries
from consent.accounts.account import Role
from consent.accounts.door import is_strong
from consent.app import create_app
from consent.config import Config
from consent.demo import demo
from consent.web.gate import Need
from tests.accounts import people
from tests.accounts.browser import Browser
from tests.accounts.test_totp import set_up
from tests.records.shop import config_in, open_shop

EMAIL = "ann@shop.example"
SEEN = (
    "/sites/demo/overview", "/v1/demo/log", "/operators", "/account/tokens", "/access", "/account/letters",
)  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Settings of a service that demands an authenticator."""
    return config_in(tmp_path, console_authenticator=True)


@pytest.fixture
def ann(config: Config) -> dict[str, str]:
    """Headers of an owner who signed in with a password, and has no authenticator."""

    async def make() -> dict[str, str]:
        async with open_shop(config) as db:
            await demo.ensure(db, config)
            account = await people.add(db, {0: Role.OWNER}, EMAIL)
            return await people.cookie(db, config, account)

    return asyncio.run(make())


@pytest.fixture
def served(config: Config, ann: dict[str, str]) -> Iterator[TestClient]:
    """The service."""
    with TestClient(create_app(config), base_url="http://127.0.0.1:8000", client=("192.0.2.7", 1)) as client:
        yield client


def test_who_has_none_sets_one_up(served: TestClient, ann: dict[str, str]) -> None:
    """Every page leads to setting one up, programs are told; once there is one, everything opens."""
    browser = Browser(served)
    name, _, value = ann["Cookie"].partition("=")
    browser.cookies = {name: value}
    led = {path: browser.get(path).headers.get("location") for path in SEEN}
    told = served.get("/v1/demo/log", headers=ann)
    assert led == dict.fromkeys(SEEN, "/account/authenticator")
    assert (told.status_code, told.json()["error"]) == (403, "authenticator")
    assert browser.get("/account").status_code == 200
    set_up(browser)

    assert {path: browser.get(path).status_code for path in SEEN} == dict.fromkeys(SEEN, 200)


def test_every_way_in_is_as_strong(config: Config, served: TestClient, ann: dict[str, str]) -> None:
    """Tokens hold, for they are no passwords; who comes by a provider needs none, but where a password works, too."""

    async def ways() -> tuple[dict[str, str], list[bool]]:
        async with open_shop(config) as db:
            account = await queries.by_email(db, EMAIL)
            assert account is not None
            bearer = await people.bearer(db, account.id, 0, frozenset({Need.LOG}))
            by_provider = replace(account, issuer="https://idp.example", subject="1", password="")
            both = replace(by_provider, password="x")
            return bearer, [is_strong(one) for one in (account, by_provider, both, replace(both, totp="x"))]

    bearer, strong = asyncio.run(ways())

    assert served.get("/v1/demo/log", headers=bearer).status_code == 200
    assert strong == [False, True, False, True]


def test_it_is_not_demanded_unasked(tmp_path: Path) -> None:
    """Without the setting a password alone opens what it opened."""
    config = config_in(tmp_path)
    headers = people.signed_in(config, Role.OWNER)
    with TestClient(create_app(config), base_url="http://127.0.0.1:8000") as client:
        assert client.get("/sites/", headers=headers).status_code == 200
