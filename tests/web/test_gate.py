"""The gate: every route of the app, for everybody who might come."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from consent.accounts import access_queries
from consent.accounts.account import NEEDS, READS, Role
from consent.app import App, create_app
from consent.config import Config
from consent.demo import demo
from consent.errors import Problem
from consent.sites import tokens
from consent.sites.queries import add, by_key
from consent.web.errors import on_problem
from consent.web.gate import SAFE, Declared, Gate, Look, Need, Open, Signed, route
from tests.accounts import people
from tests.records.shop import config_in, open_shop

Headers = dict[str, str]
Crowd = dict[str, tuple[Headers, dict[str, frozenset[Need]]]]
SHUT = ("unauthorized", "not_allowed", "too_many")
HERE, THERE = "demo", "other"
"""The site that everybody belongs to, and a foreign one."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Settings of a service with two sites."""
    return config_in(tmp_path_factory.mktemp("gate"))


@pytest.fixture(scope="module")
def crowd(config: Config) -> Crowd:
    """Everybody who might come: the headers of each, and what each may, by site ('' for every site)."""
    return asyncio.run(_gather(config))


async def _gather(config: Config) -> Crowd:
    nothing: frozenset[Need] = frozenset()
    found: Crowd = {"nobody": ({}, {})}
    async with open_shop(config) as db:
        await demo.ensure(db, config)
        here, there = await by_key(db, HERE), await add(db, THERE, 1)
        assert here is not None
        for role in Role:
            one = await people.add(db, {here.site_id: role})
            everywhere = await people.add(db, {0: role})
            needs = NEEDS[role]
            found[f"{role} here"] = (await people.cookie(db, config, one), {"": nothing, HERE: needs, THERE: nothing})
            found[f"{role} everywhere"] = (
                await people.cookie(db, config, everywhere), {"": needs, HERE: needs, THERE: needs},
            )  # fmt: skip
            reads = frozenset(READS) & needs
            found[f"token of {role}"] = (
                await people.bearer(db, everywhere, here.site_id, frozenset(READS)),
                {"": nothing, HERE: reads, THERE: nothing},
            )
        site = {Need.LOG, Need.TELL}
        found["site's token"] = (
            {"Authorization": f"Bearer {await tokens.ensure(db, config.data, here, 1)}"},
            {"": nothing, HERE: frozenset(site), THERE: nothing},
        )
        await tokens.ensure(db, config.data, there, 1)
        found["without a role"] = (await people.cookie(db, config, await people.add(db, {})), {})
        old = await people.add(db, {0: Role.OWNER})
        found["signed in yesterday"] = (await people.cookie(db, config, old, ago=24 * 3_600_000), {})
        over = await people.bearer(db, old, 0, frozenset(READS), lasts=-1)
        found["token that is over"] = (over, {})
    return found


@pytest.fixture(scope="module")
def client(config: Config, crowd: object) -> Iterator[TestClient]:
    """A client of that service."""
    with TestClient(create_app(config), base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as found:
        yield found


def declared(client: TestClient) -> list[Declared]:
    routes = cast(App, client.app).router.routes
    assert [one for one in routes if not isinstance(one, Declared)] == [], "declare it with consent.web.gate.route"
    return cast(list[Declared], list(routes))


def path_of(one: Declared, site: str) -> str:
    return re.sub(r"{\w+(:\w+)?}", "x", one.path.replace("{site}", site))


def test_every_route_says_who_may_use_it(client: TestClient) -> None:
    """No route is undeclared; none that everybody may use changes anything, none that changes something is a GET."""
    for one in declared(client):
        assert one.needs in set(Need) | set(Open), one.path
        assert one.needs is not Open.PUBLIC or (one.methods or set()) <= SAFE, one.path
        assert not one.personal or isinstance(one.needs, Need), one.path


def let_in(client: TestClient, one: Declared, method: str, site: str, headers: Headers) -> bool:
    """Whether the gate let a request through: what the route says of it afterwards is another matter."""
    answer = client.request(method, path_of(one, site), headers=headers, follow_redirects=False)
    assert answer.status_code < 500, (method, one.path, answer.text)
    refused = answer.status_code in (401, 403, 429) and answer.json()["error"] in SHUT
    return not refused


@pytest.mark.parametrize("site", [HERE, THERE])
def test_who_may_use_what(client: TestClient, crowd: Crowd, site: str) -> None:
    """Every route for every role, token and stranger, at their own site and at a foreign one: nobody gets too much."""
    wrong, asked = [], 0
    for one in declared(client):
        if isinstance(one.needs, Open):
            continue
        where = site if "{site}" in one.path else ""
        for method in sorted((one.methods or set()) - {"HEAD"}):
            for who, (headers, may) in crowd.items():
                if method not in SAFE and "Cookie" in headers and where != THERE and one.needs in may.get(where, ()):
                    continue  # what it would do is tested where it is done
                session = "Cookie" in headers and "yesterday" not in who
                right = one.needs in may.get(where, ()) or (one.needs is Need.OWN and session)
                asked += 1
                if let_in(client, one, method, site, headers) != right:
                    wrong.append((who, method, one.path, site))

    assert wrong == []
    assert asked > 20


def test_cookies_change_nothing_from_elsewhere(client: TestClient, crowd: Crowd) -> None:
    """Every route that changes something refuses a signed-in owner's browser that was led there by a foreign page."""
    cookie = {"Cookie": crowd["owner everywhere"][0]["Cookie"]}
    foreign: list[Headers] = [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8000"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000.evil.example"},
        {"Origin": "http://127.0.0.1"},
        {},
    ]
    for one in declared(client):
        if one.needs in (Open.PUBLIC, Open.VISITOR, Need.TELL):
            continue
        for method in (one.methods or set()) - SAFE:
            for headers in foreign:
                answer = client.request(method, path_of(one, HERE), headers=cookie | headers, follow_redirects=False)
                assert (answer.status_code, answer.json()["error"]) == (403, "foreign_page"), (
                    method,
                    one.path,
                    headers,
                )


def test_a_look_is_written_down_before_it_is_answered(client: TestClient, config: Config, crowd: Crowd) -> None:
    """Who, when, what, where and from which network."""
    before = asyncio.run(_looks(config))
    assert client.get("/v1/demo/log", headers=crowd["auditor here"][0]).status_code == 200
    newest, *rest = asyncio.run(_looks(config))

    assert rest[:1] == before[:1]
    assert (newest.what, newest.how, newest.path) == ("log", "session", "/v1/demo/log")
    assert newest.name.endswith("@shop.example") and newest.account


def test_what_is_refused_is_written_down(client: TestClient, config: Config) -> None:
    """Who is signed in and asks for what they may not leaves a line; who is nobody leaves none."""
    elsewhere = people.signed_in(config, Role.ANALYST, 99)  # nobody who was refused within this minute
    before = asyncio.run(_looks(config))
    assert client.get("/v1/demo/log", headers=elsewhere).status_code == 403
    assert client.get("/v1/demo/log").status_code == 401
    newest, *rest = asyncio.run(_looks(config))

    assert rest[:1] == before[:1]
    assert (newest.what, newest.path, newest.about) == ("refused: log", "/v1/{site}/log", "")
    assert newest.account


async def _looks(config: Config) -> list[access_queries.Entry]:
    async with open_shop(config) as db:
        site = await by_key(db, HERE)
        assert site is not None
        return await access_queries.page(db, site.site_id)


def test_people_who_read_pages_are_led_to_sign_in(client: TestClient) -> None:
    """A browser is sent to the sign-in page and remembers where to; a program gets 401 as JSON."""
    page = client.get("/v1/demo/log?limit=3", headers={"Accept": "text/html"}, follow_redirects=False)
    program = client.get("/v1/demo/log?limit=3", follow_redirects=False)

    assert (page.status_code, page.headers["location"]) == (303, "/account/sign-in?to=%2Fv1%2Fdemo%2Flog%3Flimit%3D3")
    assert (program.status_code, program.headers["www-authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(("network", "status"), [("192.0.2.0/24", 403), ("127.0.0.0/8", 200), ("::1/128", 403)])
def test_networks(tmp_path: Path, network: str, status: int) -> None:
    """Where sign-in is limited to networks, a cookie opens nothing from elsewhere; visitors are not concerned."""
    config = config_in(tmp_path, console_networks=(network,), trusted_proxies=("testclient", "127.0.0.1"))
    headers = people.signed_in(config, Role.OWNER)

    async def publish() -> None:
        async with open_shop(config) as db:
            await demo.ensure(db, config)

    asyncio.run(publish())
    config = config_in(tmp_path, console_networks=(network,))
    with TestClient(create_app(config), client=("127.0.0.1", 1)) as client:
        assert client.get("/v1/demo/log", headers=headers).status_code == status
        assert client.get("/c/demo.js").status_code == 200


def test_a_sites_server_is_nobody_who_signs_in(tmp_path: Path) -> None:
    """Where people sign in from one network alone, a site's server tells from where it stands, and reads nothing."""
    config = config_in(tmp_path, console_networks=("192.0.2.0/24",))

    async def published() -> dict[str, str]:
        async with open_shop(config) as db:
            await demo.ensure(db, config)
            site = await by_key(db, "demo")
            assert site is not None
            return {"Authorization": f"Bearer {await tokens.ensure(db, config.data, site, 1)}"}

    headers = asyncio.run(published())
    with TestClient(create_app(config), client=("198.51.100.9", 1)) as client:
        told = [client.post(f"/v1/demo/{path}", json={}, headers=headers).json() for path in ("requests", "customer")]
        forged = client.post("/v1/demo/requests", json={}, headers={"Authorization": "Bearer x"})

        assert [one["error"] for one in told] == ["invalid", "invalid"]
        assert forged.status_code == 401
        assert client.get("/v1/demo/log", headers=headers).json()["error"] == "network"


class Nobody:
    """A keeper who knows one person."""

    def __init__(self, signed: Signed | None, fails: bool = False) -> None:
        self.signed = signed
        self.looks: list[Look] = []
        self.fails = fails

    async def who(self, request: Request, address: str) -> Signed | None:
        return self.signed

    async def site(self, key: str) -> int | None:
        return 7 if key == "shop" else None

    async def note(self, look: Look) -> None:
        if self.fails:
            raise Problem("store", "The disk is full.", "Make room.", status=503)
        self.looks.append(look)

    def now(self) -> int:
        return 1_000_000_000


async def _answer(request: Request) -> Response:
    request.state.about = "receipt-1"
    return JSONResponse({"personal": "data"})


def served(keeper: Nobody, one: Route) -> TestClient:
    gate = Gate(keeper, (), ())
    return TestClient(Starlette(routes=gate.guard([one]), exception_handlers={Problem: on_problem}))


PERSON = Signed(account="a", name="a@shop.example", how="session", grants={7: frozenset({Need.LOG})}, confirmed=1)


def test_what_is_not_declared_is_closed() -> None:
    """A route made without the gate answers nobody."""
    answer = served(Nobody(PERSON), Route("/x", _answer)).get("/x")

    assert (answer.status_code, answer.json()["error"]) == (403, "undeclared")


def test_a_look_that_cannot_be_written_down_is_not_answered() -> None:
    """Without its line in the access log, personal data does not leave; nor does anybody keep the answer."""
    one = route("/{site}/x", _answer, methods=["GET"], needs=Need.LOG, personal="log")
    failing = served(Nobody(PERSON, fails=True), one).get("/shop/x")
    keeper = Nobody(PERSON)
    working = served(keeper, route("/{site}/x", _answer, methods=["GET"], needs=Need.LOG, personal="log")).get(
        "/shop/x"
    )

    assert (failing.status_code, "personal" in failing.text) == (503, False)
    assert working.json() == {"personal": "data"}
    assert working.headers["cache-control"] == "no-store"
    assert [(look.site_id, look.what, look.about) for look in keeper.looks] == [(7, "log", "receipt-1")]


def test_dangerous_things_ask_for_the_password_again() -> None:
    """Who gave it long ago is asked again: a person is led there, a program is told."""
    client = served(Nobody(PERSON), route("/{site}/x", _answer, methods=["GET"], needs=Need.LOG, fresh=True))
    page = client.get("/shop/x", headers={"Accept": "text/html"}, follow_redirects=False)

    assert page.headers["location"] == "/account/confirm?to=%2Fshop%2Fx"
    assert client.get("/shop/x").json()["error"] == "confirm"
