"""What a visitor sees, corrects and deletes of the log, and what the site's server tells of its customer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consent.accounts.account import Role
from consent.telemetry import mine
from tests.accounts import people
from tests.telemetry.site import ELSEWHERE, HEADERS, ORIGIN, Site, event, served

DESK = "/v1/shop/visitor"
TOLD = "/v1/shop/customer"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The shop, with a visitor who is signed in."""
    with served(tmp_path) as made:
        made.post(event(), choice=made.decide(), customer={"id": "c-1", "fields": {"plan": "pro", "company": "ACME"}})
        made.flush()
        yield made


def wish(site: Site, said: Any, **headers: str) -> Any:
    """Post what the visitor wants."""
    return site.client.post(DESK, content=json.dumps(said), headers={**HEADERS, **headers})


def tell(site: Site, said: Any, token: str | None = None) -> Any:
    """Post who is signed in, as the site's server."""
    bearer = {"Authorization": f"Bearer {site.token if token is None else token}"}
    return site.client.post(TOLD, content=json.dumps(said), headers={"Content-Type": "application/json"} | bearer)


def test_what_is_stored(site: Site) -> None:
    """All rows of who holds the cookies, from a page of the site or by hand; of nobody else anything."""
    held = site.client.get(DESK, headers={"Origin": ORIGIN})
    by_hand = site.client.get(DESK)

    assert held.json()["customer"] == {"id": "c-1", "fields": {"company": "ACME", "plan": "pro"}}
    assert [one["path"] for one in held.json()["sessions"][0]["log"]] == ["/lamps/"]
    assert held.json() == by_hand.json()
    assert held.headers["cache-control"] == "no-store"
    assert held.headers["access-control-allow-origin"] == ORIGIN
    assert held.headers["access-control-allow-credentials"] == "true"
    site.client.cookies.clear()
    assert site.client.get(DESK).json() == {
        "visitor": None,
        "customer": None,
        "sessions": [],
        "complete": True,
        "next": "",
    }


def test_all_of_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is stored, one answer after another has all of it, each row once."""
    monkeypatch.setattr(mine, "SESSIONS", 3)
    monkeypatch.setattr(mine, "EVENTS", 4)
    choice = site.choice()
    for _ in range(7):
        site.client.cookies.delete("__Host-consent-session")
        site.post(event(), event(), choice=choice)
    site.flush()
    found: list[str] = []
    after, answers = "", 0
    while answers == 0 or after:
        told = site.client.get(DESK, params={"after": after} if after else {}).json()
        found += [one["id"] for session in told["sessions"] for one in session["log"]]
        after, answers = told["next"], answers + 1

    assert told["complete"] and answers == 4
    assert sorted(found) == [row["id"] for row in site.rows("select id from event order by id")]
    assert len(found) == 15
    for wrong in ("x", "0" * 33, "' or 1"):
        assert site.client.get(DESK, params={"after": wrong}).status_code == 422


def test_a_long_visit_is_told_in_parts(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session with more events than an answer tells goes on in the next, and what comes after it is not forgotten."""
    monkeypatch.setattr(mine, "EVENTS", 4)
    choice = site.choice()
    for _ in range(5):
        site.post(event(), event(), choice=choice)
    site.client.cookies.delete("__Host-consent-session")
    site.post(event(), choice=choice)
    site.flush()
    parts: list[tuple[str, list[str]]] = []
    after, answers = "", 0
    while answers == 0 or after:
        told = site.client.get(DESK, params={"after": after} if after else {}).json()
        parts += [(session["id"], [one["id"] for one in session["log"]]) for session in told["sessions"]]
        after, answers = told["next"], answers + 1

    assert sorted(one for _, log in parts for one in log) == [
        row["id"] for row in site.rows("select id from event order by id")
    ]
    assert len({session for session, _ in parts}) == 2
    assert max(len(log) for _, log in parts) == 4
    assert told["complete"]
    other = f"{'0' * 32}.{'0' * 32}"
    assert [len(one["log"]) for one in site.client.get(DESK, params={"after": other}).json()["sessions"]] == [4]


def test_it_does_not_take_a_choice(site: Site) -> None:
    """A visitor whose choice ran out still sees what is stored."""
    site.client.cookies.delete("consent")

    assert site.client.get(DESK).json()["visitor"]["visits"] == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_pages_see_nothing(site: Site, headers: dict[str, str]) -> None:
    """Neither reading nor deleting works from another site's page."""
    assert site.client.get(DESK, headers=headers).status_code == 403
    if "Origin" in headers:
        assert wish(site, {"forget": True}, **headers).status_code == 403
    bare = {"Content-Type": "text/plain"} | headers
    assert site.client.post(DESK, content='{"forget":true}', headers=bare).status_code == 403
    assert len(site.rows("select * from visitor")) == 1


def test_preflight(site: Site) -> None:
    """A page on another host may ask, with credentials."""
    answer = site.client.options(DESK, headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"})

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert answer.headers["access-control-allow-credentials"] == "true"


def test_correct(site: Site) -> None:
    """A visitor's word replaces the site's, in the rows and in the cookie; other fields are not made up."""
    answer = wish(site, {"fields": {"plan": "free", "company": "", "iban": "DE12"}})
    site.post(event(), choice=site.choice())

    assert answer.json() == {"corrected": True}
    assert [line.partition("=")[0] for line in answer.headers.get_list("set-cookie")] == ["__Host-consent-customer"]
    [row] = site.rows("select customer, customer_fields from visitor")
    assert (row["customer"], json.loads(row["customer_fields"])) == ("c-1", {"plan": "free"})
    site.client.cookies.clear()
    assert wish(site, {"fields": {"plan": "x"}}).json()["error"] == "unknown_visitor"


def test_correct_no_more_than_was_told(tmp_path: Path) -> None:
    """Words for what the site never told go nowhere, and more than a cookie holds is refused, not a fault."""
    long = "\U0001f600" * 100
    with served(tmp_path, f"customer = {json.dumps([*'abcdefgh'])}\n") as site:
        fields = dict.fromkeys("abcd", long) | dict.fromkeys("efg", "x")
        site.post(event(), choice=site.decide(), customer={"id": "c-1", "fields": fields})
        site.flush()
        assert wish(site, {"fields": {"h": "made up"}}).json() == {"corrected": True}
        site.post(event(), choice=site.choice())
        assert "made up" not in site.rows("select customer_fields from visitor")[0]["customer_fields"]
        answer = wish(site, {"fields": dict.fromkeys("efg", long)})
        assert (answer.status_code, answer.json()["field"]) == (422, "fields")
        assert wish(site, {"fields": {"a": "", "e": long}}).json() == {"corrected": True}
        assert json.loads(site.rows("select customer_fields from visitor")[0]["customer_fields"])["e"] == long


def test_forget(site: Site) -> None:
    """Everything is deleted, the cookies go, and who agreed begins anew."""
    before = site.rows("select id from visitor")
    answer = wish(site, {"forget": True})

    assert answer.json() == {"forgotten": True}
    assert len(answer.headers.get_list("set-cookie")) == 3
    assert site.settled("select * from event", 0) == []
    assert [name for name in site.client.cookies if name.startswith("__Host-")] == []
    site.post(event(), choice=site.choice())
    assert site.rows("select id from visitor") != before


def test_an_operator_forgets(site: Site) -> None:
    """Whoever asked by letter is deleted by an owner, to the last row, and written down; an analyst cannot."""
    [visitor] = site.rows("select id from visitor")
    path = f"/sites/shop/visitors/{visitor['id']}"
    owner, analyst = (people.signed_in(site.config, role) for role in (Role.OWNER, Role.ANALYST))
    secure = {"Cookie": owner["Cookie"].replace("consent-account", "__Host-consent-account")} | people.OURS
    other = {"Cookie": analyst["Cookie"].replace("consent-account", "__Host-consent-account")} | people.OURS
    assert "Delete this visitor" not in site.client.get(path, headers=other).text
    assert site.client.post(f"{path}/delete", headers=other).status_code == 403
    assert len(site.rows("select * from event")) == 1
    assert "Delete this visitor" in site.client.get(path, headers=secure).text
    done = site.client.post(f"{path}/delete", headers=secure, follow_redirects=False)

    assert (done.status_code, done.headers["location"]) == (303, "/sites/shop/visitors?deleted=yes")
    assert [site.settled(f"select * from {table}", 0) for table in ("event", "session", "visitor")] == [[], [], []]
    assert site.client.post(f"{path}/delete", headers=secure).status_code == 404
    site.post(event(), choice=site.choice())
    assert [row["id"] for row in site.rows("select id from visitor")] != [visitor["id"]]
    log = site.client.get("/access/shop.json", headers=secure).json()["entries"]
    assert ("visitor deleted", visitor["id"][:12]) in {(one["what"], one["about"]) for one in log}


def test_forget_whatever_the_policy_says(tmp_path: Path) -> None:
    """Where a withdrawal leaves rows, a visitor who asks for their deletion has it."""
    with served(tmp_path, "forget = false\n", base=ELSEWHERE) as site:
        lines = site.post(event(), choice=site.choice()).headers.get_list("set-cookie")
        site.flush()
        cookie = "; ".join(line.partition(";")[0] for line in lines)
        answer = wish(site, {"forget": True}, Cookie=cookie)

        assert all(line.endswith("Partitioned") for line in answer.headers.get_list("set-cookie"))
        assert site.settled("select * from event", 0) == []


@pytest.mark.parametrize("said", [[], {"fields": 1}, {"fields": {"plan": 1}}, {"more": 1}, {"forget": "yes"}])
def test_wishes_that_do_not_fit(site: Site, said: Any) -> None:
    """They change nothing."""
    assert wish(site, said).status_code == 422
    assert wish(site, said, **{"Content-Type": "text/html"}).status_code == 415
    assert len(site.rows("select * from visitor")) == 1


def test_the_sites_server_tells(site: Site) -> None:
    """By its token, of the visitor whose cookie it has, or of all browsers of a customer; declared fields alone."""
    cookie = site.client.cookies["__Host-consent-visitor"]
    named = tell(site, {"id": "c-2", "fields": {"plan": "max", "iban": "DE12"}, "visitor": cookie})
    known = tell(site, {"id": "c-2", "fields": {"plan": "mini"}})
    nobody = tell(site, {"id": "c-9", "fields": {}})

    assert named.json() == {"browsers": 1, "kept": ["plan"], "dropped": ["customer-field-undeclared"]}
    assert (known.json()["browsers"], nobody.json()["browsers"]) == (1, 0)
    [row] = site.rows("select customer, customer_fields from visitor")
    assert (row["customer"], json.loads(row["customer_fields"])) == ("c-2", {"plan": "mini"})


def test_nobody_else_tells(site: Site) -> None:
    """Without the site's own token nothing is taken, nor of a visitor who is none."""
    assert tell(site, {"id": "c-2"}, token="x").status_code == 401
    assert site.client.post(TOLD, content="{}", headers=HEADERS).status_code == 401
    assert tell(site, {"id": "c-2", "visitor": "x"}).json()["error"] == "unknown_visitor"
    assert tell(site, {"id": "\u0000"}).json()["error"] == "customer"
    assert tell(site, {"name": "me"}).status_code == 422
    assert site.rows("select customer from visitor") == [{"customer": "c-1"}]


def test_asking_often(site: Site) -> None:
    """Whoever reads row after row waits after a minute's worth."""
    answers = [site.client.get(DESK).status_code for _ in range(70)]

    assert answers[:50] == [200] * 50 and answers[-1] == 429
