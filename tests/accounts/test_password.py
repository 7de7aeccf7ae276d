"""Passwords: which may be one, and that nobody learns anything by the time that checking takes."""

import asyncio
import math
import time

import pytest
from starlette.testclient import TestClient

from consent.accounts import password
from consent.accounts.lockout import Lockout
from consent.accounts.password import Passwords, check, common
from consent.config import Config
from consent.errors import Problem, Unavailable
from tests.accounts import people
from tests.accounts.browser import Browser

EMAIL = "owner@shop.example"

REFUSED = [
    "short", "elevenchars", "", " " * 12, "a" * 40, "abcabcabcabc", "123456789012", "password1234", "Password!2026",
    "qwertyuiop12", "owner@shop.example", "owner1234567", "baseball2026!", "abcdefghijklm", "zyxwvutsrqponm",
    "x" * 1_025, "111111111111", "iloveyou2025!!",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_tried_first_is_refused(text: str) -> None:
    """Short, common, repeated, a row of characters, one's own address: none of them may be a password."""
    with pytest.raises(Problem) as refused:
        check(text, EMAIL)
    assert refused.value.code == "password"


@pytest.mark.parametrize(
    "text",
    [
        "correct horse battery staple",
        "tr0ub4dor&3-xkcd",
        "Übergrößenträger 7",
        "дом на горе 12",
        "a sentence that somebody remembers, with a comma or two, and which goes on for a hundred characters",
    ],
)
def test_what_may_be_a_password(text: str) -> None:
    """Twelve characters and many more, of any script, with spaces, without demands on kinds of characters."""
    assert check(text, EMAIL)


def test_the_list_is_there() -> None:
    """Common ones of twelve characters and more, and words that digits are hung on."""
    assert "baseball" in common()
    assert sum(1 for one in common() if len(one) >= 12) > 200


async def test_hash_and_verify() -> None:
    """The right one fits, however it is composed; another, a broken hash and no hash do not."""
    passwords = Passwords()
    known = await passwords.hash(check("Übergrößenträger 7", ""))

    assert known.startswith("$argon2id$")
    assert await passwords.verify(known, "U\u0308bergro\u0308ßentra\u0308ger 7")
    assert not await passwords.verify(known, "Übergrößenträger 8")
    assert not await passwords.verify("", "Übergrößenträger 7")
    assert not await passwords.verify("rubbish", "x")
    assert not await passwords.verify(known, "x" * 100_000)


async def test_two_at_once(real_work: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never more than two are computed at the same time, and who comes when many wait is told so."""
    passwords, now, most = Passwords(), 0, 0

    def work(known: str, given: str) -> bool:
        nonlocal now, most
        now += 1
        most = max(most, now)
        time.sleep(0.02)
        now -= 1
        return False

    passwords._nobody = "x"
    monkeypatch.setattr(passwords, "_matches", work)
    tried = [passwords.verify("", "x") for _ in range(password.WAITING + 5)]
    answers = await asyncio.gather(*tried, return_exceptions=True)

    assert most == password.AT_ONCE
    assert sum(isinstance(one, Unavailable) for one in answers) == 5


def test_as_much_work_as_is_advised(real_work: None) -> None:
    """Argon2id with 64 MiB (RFC 9106's second recommendation)."""
    assert password._hasher.memory_cost >= 64 * 1_024
    assert password._hasher.time_cost >= 3
    assert password._hasher.type.name == "ID"


def test_time_tells_nothing(owner: Browser, served: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether there is such an account cannot be told by how long a wrong password takes (Kolmogorov and Smirnov)."""
    monkeypatch.setattr(Lockout, "attempt", lambda *_: 0)
    rounds = (measured(served) for _ in range(3))  # by chance alone one in a hundred differs: three do not

    assert any(kolmogorov_smirnov(*took) > 0.01 for took in rounds)


def measured(served: TestClient) -> tuple[list[float], list[float]]:
    """Seconds that a wrong password took, 200 times each: for the owner's account, and for none."""
    took: dict[bool, list[float]] = {True: [], False: []}
    for n in range(200):
        for known in (True, False) if n % 2 else (False, True):
            browser, email = Browser(served), EMAIL if known else f"nobody{n}@shop.example"
            start = time.perf_counter()
            browser.sign_in(email, "wrong password 1")
            took[known].append(time.perf_counter() - start)
    return took[True], took[False]


def kolmogorov_smirnov(one: list[float], other: list[float]) -> float:
    """The probability of so large a difference between samples of one distribution (asymptotic)."""
    points = sorted(one + other)
    largest = max(abs(sum(x <= at for x in one) / len(one) - sum(x <= at for x in other) / len(other)) for at in points)
    root = math.sqrt(len(one) * len(other) / (len(one) + len(other)))
    at = (root + 0.12 + 0.11 / root) * largest
    return min(1.0, max(0.0, 2 * sum((1 if k % 2 else -1) * math.exp(-2 * k * k * at * at) for k in range(1, 101))))


def test_password_changes_end_everything(owner: Browser, served: TestClient, config: Config) -> None:
    """The old password is needed; afterwards other sessions are over, and only the new one signs in."""
    other = Browser(served)
    other.sign_in(EMAIL, people.PASSWORD)
    before = dict(owner.cookies)
    fresh = "another good sentence"
    wrong = owner.post("/account/password", old="not the old one", password=fresh, again=fresh)
    assert (wrong.status_code, other.me() != {}) == (403, True)
    assert owner.post("/account/password", old=people.PASSWORD, password=fresh, again="x").status_code == 422
    assert owner.post("/account/password", old=people.PASSWORD, password=fresh, again=fresh).status_code == 303

    assert other.me() == {}
    assert owner.me()["email"] == EMAIL
    assert owner.cookies != before
    assert Browser(served).sign_in(EMAIL, people.PASSWORD).status_code == 403
    assert Browser(served).sign_in(EMAIL, fresh).status_code == 303
