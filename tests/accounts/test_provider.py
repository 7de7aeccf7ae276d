"""Signing in through an OpenID provider: a real one, and one that lies."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from consent.accounts import jose, provider_queries, queries
from consent.accounts.account import Role
from consent.app import create_app
from consent.config import Config
from consent.db import Database
from tests.accounts import people
from tests.accounts.browser import Browser
from tests.accounts.idp import CLIENT, CURVE, RSA, SECRET, SHORT, Idp, b64, jwk, sign
from tests.records.shop import config_in, open_shop

EMAIL = "ann@shop.example"


@pytest.fixture
def idp() -> Iterator[Idp]:
    """A provider that does as the test wants."""
    found = Idp()
    yield found
    found.close()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """The file of our secret."""
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    return path


def service(folder: Path, issuer: str, secret: Path | None) -> tuple[Config, TestClient]:
    config = config_in(folder, oidc_issuer=issuer, oidc_client=CLIENT, oidc_secret_file=secret, oidc_name="Shop SSO")

    async def invite() -> None:
        async with open_shop(config) as db:
            await people.add(db, {0: Role.ANALYST}, EMAIL, password="")

    asyncio.run(invite())
    return config, TestClient(create_app(config), base_url="http://127.0.0.1:8000", client=("192.0.2.7", 1))


@pytest.fixture
def served(tmp_path: Path, idp: Idp, secret: Path) -> Iterator[TestClient]:
    """A service that knows that provider, and Ann, who was invited."""
    with service(tmp_path, idp.issuer, secret)[1] as client:
        yield client


def there_and_back(browser: Browser, idp: Idp, **asked: str) -> Any:
    """What the browser sees at last."""
    away = browser.get("/account/provider?" + urllib.parse.urlencode({"to": "/account", **asked}))
    assert away.status_code == 303, away.text
    return browser.get(idp.authorize(away.headers["location"]))


def test_signing_in(served: TestClient, idp: Idp) -> None:
    """Whom the provider vouches for is signed in, led on by a page of ours, and stays who they are."""
    ann = Browser(served)
    assert "Sign in with Shop SSO" in ann.get("/account/sign-in").text
    back = there_and_back(ann, idp)
    assert (back.status_code, 'content="0; url=/account"' in back.text) == (200, True)
    assert ann.me()["roles"] == {"*": "analyst"}
    assert ann.cookies.keys() == {"consent-account"}

    idp.lie = {"email": "ann-married@shop.example"}
    again = Browser(served)
    there_and_back(again, idp)
    assert again.me()["email"] == EMAIL


def test_who_has_no_account(served: TestClient, idp: Idp) -> None:
    """Nobody gets an account by having one at the provider; an address that it has not verified counts for nothing."""
    for lie in (
        {"email": "bob@shop.example"},
        {"email_verified": False},
        {"email": None},
        {"email": ["x"]},
        {"email": ""},
    ):
        idp.lie = lie
        browser = Browser(served)
        back = there_and_back(browser, idp)
        assert (back.status_code, "no account" in back.text, browser.me()) == (403, True, {})


def test_an_account_is_one_persons(served: TestClient, idp: Idp) -> None:
    """Who gets hold of the address later, under another subject, does not get the account."""
    there_and_back(Browser(served), idp)
    idp.lie = {"sub": "person-2"}
    other = Browser(served)
    there_and_back(other, idp)

    assert other.me() == {}


NOW = people.now() // 1_000
LIES: list[dict[str, Any]] = [
    {"aud": "another-client"}, {"aud": [CLIENT, "another"]}, {"aud": None}, {"aud": []}, {"azp": "another-client"},
    {"iss": "https://evil.example"}, {"iss": None}, {"nonce": "another"}, {"nonce": None}, {"exp": NOW - 3_600},
    {"exp": None}, {"exp": "soon"}, {"iat": NOW + 3_600}, {"iat": None}, {"sub": ""}, {"sub": None}, {"sub": 5},
]  # fmt: skip


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: f"{next(iter(lie))}{LIES.index(lie)}")
def test_lies(served: TestClient, idp: Idp, lie: dict[str, Any]) -> None:
    """A token for somebody else, of somebody else, of another sign-in, or of another time signs nobody in."""
    idp.lie = lie
    browser = Browser(served)
    back = there_and_back(browser, idp)

    assert (back.status_code, "cannot be trusted" in back.text, browser.me()) == (403, True, {})


FORGED: dict[str, dict[str, Any]] = {
    "no signature": {"alg": "none"},
    "a shared secret": {"alg": "HS256"},
    "another key": {"key": SHORT},
    "another kind of key": {"alg": "ES256", "head": {"kid": "rsa"}},
    "an unknown key": {"head": {"kid": "nobody's"}},
    "something critical": {"head": {"crit": ["exp"]}},
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_tokens(served: TestClient, idp: Idp, name: str) -> None:
    """A token that the provider's own keys did not sign, in a way that is taken, signs nobody in."""
    for member, value in FORGED[name].items():
        setattr(idp, member, value)
    browser = Browser(served)
    back = there_and_back(browser, idp)

    assert (back.status_code, browser.me()) == (403, {})


@pytest.mark.parametrize(("alg", "kid"), [("RS256", "rsa"), ("PS256", "rsa"), ("ES256", "curve"), ("RS256", "")])
def test_kinds_of_signatures(alg: str, kid: str) -> None:
    """What the three kinds of signatures vouch for is read, with or without the name of the key."""
    keys = [jose.Jwk(**one) for one in (jwk(RSA, "rsa"), jwk(CURVE, "curve"))]
    token = sign(alg, {"sub": "x"}, kid=kid)

    assert jose.claims(token, keys) == {"sub": "x"}
    for at in range(0, len(token), 7):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        if changed[:-2] != token[:-2]:
            with pytest.raises(jose.Untrue):
                jose.claims(changed, keys)


def test_short_keys() -> None:
    """A key of less than 2,048 bits vouches for nothing."""
    with pytest.raises(jose.Untrue):
        jose.claims(sign("RS256", {}, SHORT), [jose.Jwk(**jwk(SHORT, "rsa"))])


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "é.é.é", "x" * 20_000, f"{b64(b'{}')}.{b64(b'{}')}.{b64(b'')}"]
)
def test_what_is_no_token(token: str) -> None:
    """Whatever came, it is refused and no fault."""
    with pytest.raises(jose.Untrue):
        jose.claims(token, [jose.Jwk(**jwk(RSA, "rsa"))])


def test_the_way_back_fits_the_way_there(served: TestClient, idp: Idp) -> None:
    """Without the cookie of the way there, with another state, a used code, or another issuer nobody is signed in."""
    ann, other = Browser(served), Browser(served)
    back = idp.authorize(ann.get("/account/provider").headers["location"])
    assert other.get(back).status_code == 403
    assert ann.get(back.replace("state=", "state=x")).status_code == 403
    assert ann.get(back + "&iss=https://evil.example").status_code == 403
    assert ann.get("/account/provider/back?error=access_denied").status_code == 403
    assert ann.get(back).status_code == 200
    kept = idp.authorize(ann.get("/account/provider").headers["location"])
    assert ann.get(kept.replace("code=code1", "code=code0")).status_code == 403

    assert other.me() == {}


def test_asking_for_the_password_again(served: TestClient, idp: Idp) -> None:
    """Before dangerous things the provider has to ask anew; one that did not is not enough."""
    ann = Browser(served)
    idp.lie = {"auth_time": NOW - 3_600}
    assert there_and_back(ann, idp, again="yes").status_code == 403
    assert idp.asked["prompt"] == "login"
    idp.lie = {}

    assert there_and_back(ann, idp, again="yes").status_code == 200
    assert ann.get("/account/tokens").status_code == 200


def test_signing_in_is_not_being_asked_again(served: TestClient, idp: Idp) -> None:
    """Who comes back from a provider that asked for nothing has not given a password for dangerous things."""
    ann = Browser(served)
    there_and_back(ann, idp)
    first = ann.get("/account/tokens")
    there_and_back(ann, idp, again="yes")

    assert (first.status_code, first.headers["location"]) == (303, "/account/confirm?to=%2Faccount%2Ftokens")
    assert ann.get("/account/tokens").status_code == 200


async def test_a_closed_account_stays_closed(db: Database) -> None:
    """That a provider vouches for an address opens no account that was closed."""
    account = await people.add(db, {0: Role.OWNER}, EMAIL)
    await db.execute("update account set state = 'closed'")
    found = await provider_queries.bind(db, account, "https://idp.example", "person-1")

    known = await queries.by_id(db, account)
    assert (found, known and known.state) == (False, "closed")


def test_new_keys_are_fetched(served: TestClient, idp: Idp) -> None:
    """A provider that turned its keys is believed, as soon as the former answer is a minute old."""
    keys, idp.keys = idp.keys, [jwk(CURVE, "curve")]
    assert there_and_back(Browser(served), idp).status_code == 403
    idp.keys = keys
    provider = served.app.service.accounts.provider  # type: ignore[attr-defined]
    provider._keys = (provider._keys[0] - 61_000, provider._keys[1])

    assert there_and_back(Browser(served), idp).status_code == 200


DESCRIBED = [
    ({"issuer": "https://evil.example"}, 403),
    ({"token_endpoint": "http://evil.example/token"}, 403),
    ({"jwks_uri": "file:///etc/passwd"}, 403),
    ({"authorization_endpoint": None}, 403),
]


@pytest.mark.parametrize(("lie", "status"), DESCRIBED)
def test_what_a_provider_says_of_itself(served: TestClient, idp: Idp, lie: dict[str, Any], status: int) -> None:
    """Another issuer's description, and addresses that are not safe, are not taken."""
    idp.described = lie

    assert Browser(served).get("/account/provider").status_code == status


def test_a_provider_that_is_down(tmp_path: Path, secret: Path) -> None:
    """Nobody hears of our insides; passwords go on working."""
    with service(tmp_path, "http://127.0.0.1:1", secret)[1] as client:
        assert Browser(client).get("/account/provider").status_code == 503
        assert Browser(client).get("/account/sign-in").status_code == 200


def test_without_a_provider(tmp_path: Path) -> None:
    """There is nothing at its addresses, and no button."""
    with TestClient(create_app(config_in(tmp_path))) as client:
        assert Browser(client).get("/account/provider").status_code == 404
        assert Browser(client).get("/account/provider/back").status_code == 404
        assert "Sign in with" not in Browser(client).get("/account/sign-in").text


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


@pytest.fixture
def real() -> Iterator[str]:
    """A provider that others wrote (oidc-provider-mock, over Authlib), as a process of its own; its issuer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    person = json.dumps({"sub": "ann", "email": EMAIL, "email_verified": True})
    process = subprocess.Popen(
        [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--user-claims", person],
        stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if "running on" in line:
            break
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)
    process.stderr.close()


def test_a_real_provider(tmp_path: Path, secret: Path, real: str) -> None:
    """Discovery, the form there, the code, the keys and the token of another program sign Ann in."""
    config, made = service(tmp_path, real, secret)
    with made as client:
        ann = Browser(client)
        there = ann.get("/account/provider?to=/account").headers["location"]
        form = urllib.parse.urlencode({"sub": "ann"}).encode()
        with pytest.raises(urllib.error.HTTPError) as led:
            urllib.request.build_opener(_Stay).open(there, data=form, timeout=10)
        back = urllib.parse.urlsplit(led.value.headers["Location"])
        led.value.close()
        answer = ann.get(f"{back.path}?{back.query}")

        assert (answer.status_code, ann.me()["email"]) == (200, EMAIL)

    async def bound() -> tuple[str, str]:
        async with open_shop(config) as db:
            found = await queries.by_email(db, EMAIL)
            assert found is not None
            return found.issuer, found.subject

    assert asyncio.run(bound()) == (real, "ann")
