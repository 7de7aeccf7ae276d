"""Sessions: when they are over, what their cookie is, and where from they hold."""

import secrets
from pathlib import Path
from typing import cast

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from consent.accounts import access_queries, session, session_queries
from consent.accounts.account import Role
from consent.accounts.door import Door, keyring_in
from consent.accounts.jar import Jar
from consent.accounts.session import ABSOLUTE, IDLE, TOUCH, Session
from consent.app import App, create_app
from consent.config import Config
from consent.db import Database
from consent.errors import TooMany, Unauthorized
from consent.rights import queries as rights
from consent.web.gate import Signed
from tests.accounts import people
from tests.accounts.browser import Browser
from tests.accounts.conftest import first_link
from tests.records.shop import config_in

HOUR = 3_600_000
BEGUN = 1_000 * HOUR


class Clock:
    """A clock that stands where it is put."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class Visitor:
    """Somebody who signed in at `BEGUN`, and comes again and again."""

    def __init__(self, db: Database, door: Door, clock: Clock, cookie: str) -> None:
        self.db, self._door, self.clock, self.cookie = db, door, clock, cookie

    async def comes(self, at: int, *, polled: bool = False, **headers: str) -> Signed | None:
        """A request at that moment; `polled`: one that a page makes by itself."""
        self.clock.now = at
        lines = [(name.encode(), value.encode()) for name, value in ({"cookie": self.cookie} | headers).items()]
        scope = {"type": "http", "headers": lines, "path_params": {}, "state": {"polled": polled}}
        return await self._door.who(Request(scope), "192.0.2.7")


@pytest.fixture
async def visitor(db: Database, tmp_path: Path) -> Visitor:
    """Somebody who has just signed in."""
    clock = Clock(BEGUN)
    keys = keyring_in(tmp_path, 0)
    door = Door(db, keys, now=clock, steady=lambda: 0.0, secure=True, demands=False)
    made = Session(bytes.fromhex(await people.add(db, {0: Role.AUDITOR})), secrets.token_bytes(16), BEGUN)
    await session_queries.begin(db, made, "192.0.2.0/24", "tests", BEGUN)
    return Visitor(db, door, clock, f"__Host-consent-account={session.write(keys, made, secrets.token_bytes(12))}")


async def test_it_ends_after_half_an_hour_of_nothing(visitor: Visitor) -> None:
    """Who does nothing for thirty minutes, and the minute that requests are noted by, is out for good."""
    assert await visitor.comes(BEGUN + IDLE - 1)
    assert await visitor.comes(BEGUN + 2 * IDLE - 2)
    assert await visitor.comes(BEGUN + 3 * IDLE + TOUCH) is None
    assert await visitor.comes(BEGUN + 3 * IDLE + TOUCH + 1) is None


async def test_what_a_page_asks_by_itself_is_no_work(visitor: Visitor) -> None:
    """A page that is left open asks for the last hour again and again; that keeps nobody signed in."""
    found = [await visitor.comes(BEGUN + at * TOUCH, polled=True) is not None for at in range(2, 31, 4)]

    assert found == [True] * 8
    assert await visitor.comes(BEGUN + IDLE + TOUCH, polled=True) is None


async def test_it_ends_after_twelve_hours_of_work(visitor: Visitor) -> None:
    """However busy somebody is, after twelve hours they sign in anew."""
    found = [await visitor.comes(BEGUN + n * IDLE // 2) is not None for n in range(1, 2 * ABSOLUTE // IDLE + 3)]

    assert found == [True] * (2 * ABSOLUTE // IDLE - 1) + [False] * 3


async def test_a_clock_that_goes_back_opens_nothing(visitor: Visitor) -> None:
    """A cookie of the future is no cookie."""
    assert await visitor.comes(BEGUN - HOUR) is None


async def test_a_token_goes_before_a_cookie(visitor: Visitor) -> None:
    """A wrong token is refused, also beside a cookie that would do; guessing is slowed."""
    with pytest.raises(Unauthorized):
        await visitor.comes(BEGUN + 1, authorization="Bearer wrong")
    with pytest.raises(Unauthorized):
        await visitor.comes(BEGUN + 1, authorization="Basic eDp5")
    for _ in range(28):
        with pytest.raises(Unauthorized):
            await visitor.comes(BEGUN + 1, authorization="Bearer wrong")
    with pytest.raises(TooMany):
        await visitor.comes(BEGUN + 1, authorization="Bearer wrong")


async def test_the_cookie_is_the_accounts_and_the_rows(visitor: Visitor, db: Database) -> None:
    """The row in the store has to be this account's, begun at this moment; without it the cookie opens nothing."""
    assert await visitor.comes(BEGUN + 1)
    await db.execute("update account_session set began = began + 1")
    assert await visitor.comes(BEGUN + 1) is None
    await db.execute("update account_session set began = began - 1")
    assert await visitor.comes(BEGUN + 1)
    await db.execute("update account_session set account = :other", other=await people.add(db, {}))
    assert await visitor.comes(BEGUN + 1) is None


async def test_a_closed_account_opens_nothing(visitor: Visitor, db: Database) -> None:
    """An account that is not active any more has no sessions."""
    await db.execute("update account set state = 'closed'")

    assert await visitor.comes(BEGUN + 1) is None


async def test_over_https_no_other_cookie_counts(visitor: Visitor) -> None:
    """A name without `__Host-`, which a neighbouring host could plant, is not looked at."""
    visitor.cookie = visitor.cookie.replace("__Host-", "")

    assert await visitor.comes(BEGUN + 1) is None


def test_cookies_over_https(tmp_path: Path) -> None:
    """Each is `__Host-`, Secure, HttpOnly, Strict, for every path, and but for the address without an age."""
    jar = Jar(keyring_in(tmp_path, 0), secure=True)

    assert jar.session("x") == "__Host-consent-account=x; Path=/; SameSite=Strict; Secure; HttpOnly"
    name, _, rest = jar.email("a@shop.example").partition("=")
    assert name == "__Host-consent-email"
    assert rest.partition("; ")[2] == "Path=/; Max-Age=15552000; SameSite=Strict; Secure; HttpOnly"
    assert "SameSite=Lax" in jar.journey(b"x")


def test_keys_of_another_service(tmp_path: Path) -> None:
    """A cookie that another service sealed is no cookie here."""
    config, other = config_in(tmp_path / "one"), config_in(tmp_path / "other")
    headers = people.signed_in(other, Role.OWNER)
    with TestClient(create_app(config)) as client:
        assert client.get("/account.json", headers=headers).status_code == 401


def test_networks_behind_a_proxy(tmp_path: Path) -> None:
    """Where sign-in is limited to networks, our own proxy is believed about where somebody is, and nobody else."""
    config = config_in(tmp_path, console_networks=("10.0.0.0/8",), trusted_proxies=("192.0.2.1",))
    headers = people.signed_in(config, Role.OWNER)
    cases = {
        ("192.0.2.1", "10.1.2.3"): 200,
        ("192.0.2.1", "203.0.113.5"): 403,
        ("192.0.2.1", "10.1.2.3, 203.0.113.5"): 403,
        ("192.0.2.1", "rubbish"): 403,
        ("203.0.113.5", "10.1.2.3"): 403,
        ("10.1.2.3", ""): 200,
    }
    found = {}
    for peer, forwarded in cases:
        with TestClient(create_app(config), client=(peer, 1)) as client:
            more = {"X-Forwarded-For": forwarded} if forwarded else {}
            found[peer, forwarded] = client.get("/account.json", headers=headers | more).status_code

    assert found == cases


def test_from_elsewhere_nobody_sees_even_the_form(tmp_path: Path) -> None:
    """Outside of those networks neither the sign-in page nor a link is answered."""
    config = config_in(tmp_path, console_networks=("10.0.0.0/8",))
    link = first_link_in(config)
    with TestClient(create_app(config), client=("203.0.113.5", 1)) as client:
        assert client.get("/account/sign-in").status_code == 403
        assert client.get(link).status_code == 403
    with TestClient(create_app(config), client=("10.0.0.5", 1)) as client:
        assert client.get(link).status_code == 200


def first_link_in(config: Config) -> str:
    config.data.mkdir(parents=True)
    return first_link(config)


def test_the_access_log_is_kept_for_a_time(owner: Browser, served: TestClient) -> None:
    """Lines that are older than the setting says are deleted, younger ones stay."""
    accounts = cast(App, served.app).service.accounts  # type: ignore[union-attr]
    before = owner.get("/access.json").json()["entries"]
    real = accounts._now
    accounts._now = lambda: real() + 364 * 86_400_000
    portal = served.portal
    assert portal is not None
    portal.call(accounts.tidy)
    assert owner.get("/access.json").json()["entries"] == before
    accounts._now = lambda: real() + 366 * 86_400_000
    portal.call(accounts.tidy)

    assert owner.get("/access.json").json()["entries"] == []


async def test_whose_data_it_was_goes_with_the_data(db: Database) -> None:
    """After an erasure the access log still says that somebody looked, and no longer at whose records."""
    for number, about in enumerate(("receipt-1", "receipt-2")):
        entry = access_queries.Entry(1, str(number), number, "", "a", "session", "log", about, "", "")
        await access_queries.add(db, entry)
    await rights.delete(db, 1, ["receipt-1"], [])

    assert [one.about for one in await access_queries.page(db, 1)] == ["receipt-2", ""]
