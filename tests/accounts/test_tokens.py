"""Tokens of programs: what they open, for how long, and that nobody gets more than they have."""

import re
from urllib.parse import urlencode

import pytest
from markupsafe import escape
from starlette.testclient import TestClient

from consent.accounts.account import Role
from consent.accounts.door import narrowed
from consent.config import Config
from consent.web.gate import Need
from tests.accounts.browser import Browser
from tests.accounts.test_operators import LINK, PASSWORD, the

TOKEN = re.compile(r"consent_[A-Za-z0-9_-]{43}")


def made(browser: Browser, **form: str) -> str:
    answer = browser.post("/account/tokens", **{"name": "export", "days": "30", "site": "", "read-log": "yes", **form})
    assert answer.status_code == 200, answer.text
    [token] = set(TOKEN.findall(answer.text))
    return str(token)


def read(client: TestClient, path: str, token: str) -> int:
    client.cookies.clear()
    return client.get(path, headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_token_reads_what_it_was_made_for(owner: Browser, served: TestClient) -> None:
    """The log it was made for, and nothing else: no other kind, no page, nothing that changes something."""
    token = made(owner, site="demo")

    assert read(served, "/v1/demo/log", token) == 200
    assert read(served, "/access/demo", token) == 403
    assert read(served, "/account.json", token) == 403
    assert read(served, "/operators.json", token) == 403
    changed = served.post("/account/sessions/end", headers={"Authorization": f"Bearer {token}"})
    assert (changed.status_code, changed.json()["error"]) == (403, "not_allowed")
    assert TOKEN.search(owner.get("/account").text) is None


def test_a_token_is_removed(owner: Browser, served: TestClient) -> None:
    """From then on it opens nothing; nobody removes that of another."""
    token = made(owner)
    [one] = owner.me()["tokens"]
    [link] = LINK.findall(owner.post("/operators/invite", email="ann@shop.example", role="owner").text)
    ann = Browser(served)
    ann.post(link, password=PASSWORD, again=PASSWORD)
    ann.post(f"/account/tokens/{one['id']}/remove")
    assert read(served, "/v1/demo/log", token) == 200
    owner.post(f"/account/tokens/{one['id']}/remove")

    assert read(served, "/v1/demo/log", token) == 401


def test_a_token_is_never_more_than_its_account(owner: Browser, served: TestClient, config: Config) -> None:
    """Made by an analyst it reads no access log; when the analyst loses the role, the token loses it."""
    [link] = LINK.findall(owner.post("/operators/demo/invite", email="ann@shop.example", role="analyst").text)
    ann = Browser(served)
    ann.post(link, password=PASSWORD, again=PASSWORD)
    over = ann.post("/account/tokens", name="x", days="30", site="demo", **{"read-access": "yes"})
    assert over.status_code == 422
    token = made(ann, site="demo")
    assert read(served, "/v1/demo/log", token) == 200
    owner.post("/operators/demo/role", account=the(config, "ann@shop.example").id, role="")
    assert read(served, "/v1/demo/log", token) == 403
    owner.post("/operators/remove", account=the(config, "ann@shop.example").id)

    assert read(served, "/v1/demo/log", token) == 401


WRONG = [
    {"days": "3650"}, {"days": "-1"}, {"days": "x"}, {"name": ""}, {"name": "a\x1b[2J"}, {"site": "none"},
    {"read-log": ""}, {"read-log": "", "read-manage": "yes"}, {"read-log": "", "read-tell": "yes"},
]  # fmt: skip


@pytest.mark.parametrize("form", WRONG)
def test_wrong_wishes(owner: Browser, form: dict[str, str]) -> None:
    """A token without a kind, a name, or an end, or for managing, is not made."""
    answer = owner.post("/account/tokens", **{"name": "x", "days": "30", "site": "", "read-log": "yes", **form})

    assert answer.status_code == 422
    assert owner.me()["tokens"] == []


LOG, FIGURES = Need.LOG, Need.FIGURES
NARROW = [
    ({0: Role.OWNER}, 0, {LOG}, {0: {LOG}}),
    ({0: Role.OWNER}, 5, {LOG}, {5: {LOG}}),
    ({5: Role.ANALYST}, 0, {LOG, Need.ACCESS}, {5: {LOG}}),
    ({5: Role.ANALYST}, 6, {LOG}, {6: set()}),
    ({0: Role.AUDITOR, 5: Role.ANALYST}, 5, {LOG, FIGURES}, {5: {LOG, FIGURES}}),
    ({0: Role.AUDITOR}, 5, {LOG, FIGURES}, {5: {LOG}}),
    ({}, 0, {LOG}, {}),
]


@pytest.mark.parametrize(("roles", "scope", "needs", "held"), NARROW)
def test_narrowing(roles: dict[int, Role], scope: int, needs: set[Need], held: dict[int, set[Need]]) -> None:
    """What a token may is what its account may, at the token's site, of what it was made for."""
    assert narrowed(roles, scope, frozenset(needs)) == held


HOSTILE = [
    '"><script>alert(1)</script>', "<img src=x onerror=alert(1)>", "'-alert(1)-'", "{{ 7*7 }}",
    "</title><svg onload=a()>", "javascript:alert(1)", "=cmd|' /c calc'!A1", "&lt;b&gt;", "%3Cscript%3E",
]  # fmt: skip


def test_names_are_text(owner: Browser) -> None:
    """Whatever a token is called, its name is text in every page that shows it, and in the access log."""
    for name in HOSTILE:
        shown = owner.post("/account/tokens", **{"name": name, "days": "30", "site": "", "read-log": "yes"}).text
        for text in (shown, owner.get("/account").text, owner.get("/access").text):
            assert not any(mark in text for mark in ("<script>alert", "<img src=x", "<svg onload", ">49<")), name
            assert str(escape(name)) in text

    assert [one["name"] for one in owner.me()["tokens"]] == HOSTILE[::-1]


def test_filters_are_text(owner: Browser) -> None:
    """What was asked of the access log comes back as text."""
    for name in HOSTILE:
        assert str(escape(name)) in owner.get("/access?" + urlencode({"what": name, "about": name})).text
