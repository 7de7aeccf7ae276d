"""Codes of authenticators, and what stands for a lost one."""

import asyncio
import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from consent.accounts import totp, totp_queries
from consent.config import Config
from tests.accounts import people
from tests.accounts.browser import Browser
from tests.records.shop import open_shop

EMAIL, PASSWORD = "owner@shop.example", people.PASSWORD
SECRET = b"12345678901234567890"

# RFC 6238, appendix B (SHA-1): the last six of its eight digits.
VECTORS = [
    (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037"),
    (20000000000, "353130"),
]  # fmt: skip


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_vectors(seconds: int, code: str) -> None:
    """The codes of RFC 6238."""
    assert totp.code(SECRET, seconds // totp.STEP) == code
    assert totp.accepted(SECRET, code, seconds * 1_000, 0) == seconds // totp.STEP


def test_hotp_vectors() -> None:
    """The codes of RFC 4226, appendix D."""
    told = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]

    assert [totp.code(SECRET, n) for n in range(10)] == told


def test_a_clock_may_be_half_a_minute_off() -> None:
    """The code before and the code after count; two away they do not."""
    now = 1_000_000_000_000
    step = now // 1_000 // totp.STEP
    found = [totp.accepted(SECRET, totp.code(SECRET, step + off), now, 0) for off in range(-3, 4)]

    assert found == [None, None, step - 1, step, step + 1, None, None]


def test_a_code_counts_once() -> None:
    """Neither the last code that was taken nor one before it counts again."""
    now = 1_000_000_000_000
    step = now // 1_000 // totp.STEP

    assert totp.accepted(SECRET, totp.code(SECRET, step), now, step) is None
    assert totp.accepted(SECRET, totp.code(SECRET, step - 1), now, step) is None
    assert totp.accepted(SECRET, totp.code(SECRET, step + 1), now, step) == step + 1


@given(st.text(max_size=12))
def test_what_is_no_code_is_refused(text: str) -> None:
    """Whatever is typed, it counts only as six digits of ASCII, and never raises."""
    found = totp.accepted(SECRET, text, 59_000, 0)

    assert found is None or re.fullmatch("[0-9]{6}", text.replace(" ", ""))


def test_recovery_codes_are_typed_in_any_way() -> None:
    """With or without hyphens and capitals; ten different ones."""
    codes = totp.recovery(bytes(range(totp.CODES * totp.CODE_BYTES)))

    assert len(set(codes)) == 10
    assert {re.fullmatch("([a-z2-7]{4}-){5}[a-z2-7]{4}", one) is not None for one in codes} == {True}
    assert totp.recovery_digest(codes[0]) == totp.recovery_digest(codes[0].replace("-", " ").upper())


def set_up(browser: Browser) -> tuple[bytes, list[str]]:
    """Turn the authenticator on; its secret, and the recovery codes."""
    page = browser.get("/account/authenticator").text
    [sealed] = re.findall('name="sealed" value="([^"]+)"', page)
    [key] = re.findall('id="secret">([A-Z2-7]+)<', page)
    secret = base64.b32decode(key)
    assert "<svg width=" in page and 'class="qrline"' in page  # the code to scan
    wrong = browser.post("/account/authenticator", sealed=sealed, code="000000")
    assert wrong.status_code == 422
    shown = browser.post("/account/authenticator", sealed=sealed, code=code_of(secret))
    assert shown.status_code == 200
    return secret, re.findall("(?:[a-z2-7]{4}-){5}[a-z2-7]{4}", shown.text)


def code_of(secret: bytes, ahead: int = 0) -> str:
    return totp.code(secret, people.now() // 1_000 // totp.STEP + ahead)


def test_a_link_for_a_new_password_passes_no_authenticator_by(owner: Browser, served: TestClient) -> None:
    """It stands for the password alone: without a code, or with a wrong one, nothing changes, and the link holds."""
    secret, _ = set_up(owner)
    [known] = set(re.findall('name="account" value="([0-9a-f]{32})"', owner.get("/operators").text))
    [link] = re.findall("/account/link/[A-Za-z0-9_-]{43}", owner.post("/operators/link", account=known).text)
    stranger, fresh = Browser(served), "a new good sentence"
    assert 'name="code"' in stranger.get(link).text
    refused = [stranger.post(link, password=fresh, again=fresh, code=code) for code in ("", "000000", code_of(secret))]
    assert [(one.status_code, "not the code" in one.text) for one in refused] == [(422, True)] * 3
    assert stranger.cookies == {}
    assert owner.me()["email"] == EMAIL
    done = stranger.post(link, password=fresh, again=fresh, code=code_of(secret, 1))

    assert done.status_code == 303
    assert stranger.me()["email"] == EMAIL


def test_signing_in_with_an_authenticator(owner: Browser, served: TestClient) -> None:
    """Without a code, with a wrong one or a used one nobody gets in; with the next one, or a recovery code once."""
    secret, codes = set_up(owner)
    stranger = Browser(served)
    refused = [stranger.sign_in(EMAIL, PASSWORD, code=code).status_code for code in ("", "123456", code_of(secret))]
    right = code_of(secret, 1)
    assert refused == [403, 403, 403]  # the code that turned it on was used by that
    assert stranger.sign_in(EMAIL, PASSWORD, code=right).status_code == 303
    assert Browser(served).sign_in(EMAIL, PASSWORD, code=right).status_code == 403
    assert Browser(served).sign_in(EMAIL, PASSWORD, code=codes[0]).status_code == 303
    assert Browser(served).sign_in(EMAIL, PASSWORD, code=codes[0].upper()).status_code == 403
    assert Browser(served).sign_in(EMAIL, "wrong password 1", code=codes[1]).status_code == 403

    assert owner.me()["recovery_codes"] == 9
    assert owner.post("/account/authenticator/off").status_code == 303
    assert Browser(served).sign_in(EMAIL, PASSWORD).status_code == 303


def test_codes_for_a_link_are_not_guessed(owner: Browser, served: TestClient, config: Config) -> None:
    """Codes tried on a link are counted like those of the sign-in: after a few there is a wait."""
    set_up(owner)
    account = owner.get("/operators.json").json()["operators"][0]["id"]
    [link] = re.findall(r"/account/link/[\w-]{43}", owner.post("/operators/link", account=account).text)
    tries = [
        Browser(served).post(link, password="a new good sentence", again="a new good sentence", code=f"{n:06}")
        for n in range(7)
    ]

    assert [one.status_code for one in tries] == [422] * 6 + [429]


def test_a_secret_that_was_not_offered_is_none(owner: Browser) -> None:
    """What is sent back as the secret has to be what was offered to this account."""
    answer = owner.post("/account/authenticator", sealed="made up", code="123456")

    assert (answer.status_code, owner.me()["authenticator"]) == (200, False)


def test_of_two_at_once_one_gets_in(config: Config) -> None:
    """The same code, or recovery code, sent twice at the same moment is taken once."""

    async def race() -> tuple[list[bool], list[bool]]:
        async with open_shop(config) as db:
            account = await people.add(db, {})
            await totp_queries.turn_on(db, account, "sealed", 5, ["d"])
            steps = await asyncio.gather(*(totp_queries.take_step(db, account, 6) for _ in range(5)))
            codes = await asyncio.gather(*(totp_queries.take_recovery(db, account, "d") for _ in range(5)))
            return steps, codes

    steps, codes = asyncio.run(race())
    assert (sum(steps), sum(codes)) == (1, 1)
