"""How long somebody waits who is wrong again and again."""

from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from consent.accounts.lockout import ACCOUNT, FORGOTTEN, PAIR, PLACE, Lockout
from tests.accounts import people
from tests.accounts.browser import Browser

EMAIL = "owner@shop.example"


def test_waits_have_an_end() -> None:
    """However often somebody tries, the wait is never more than a quarter of an hour."""
    lockout, now, waits = Lockout(), 0.0, []
    for _ in range(100):
        waits.append(lockout.attempt("a", "p", now))
        now += waits[-1]

    told = [one for one in waits if one]
    assert told == sorted(told)
    assert told[:4] == [1, 2, 4, 8]
    assert told[-1] == PAIR.longest


def test_free_tries_then_powers_of_two() -> None:
    """The sixth try is looked at, the one right after it is not."""
    lockout = Lockout()
    assert [lockout.attempt("a", "p", 0) for _ in range(7)] == [0, 0, 0, 0, 0, 0, 1]
    assert [lockout.attempt("a", "p", 1), lockout.attempt("a", "p", 1)] == [0, 2]
    assert [lockout.attempt("a", "p", 3), lockout.attempt("a", "p", 3)] == [0, 4]


def test_nobody_locks_others_out_for_long() -> None:
    """From ever new places an account can be made to wait, but a minute at most; other accounts are unaffected."""
    lockout, now = Lockout(), 0.0
    for n in range(500):
        now += lockout.attempt("victim", f"place {n}", now)

    lockout.attempt("victim", "home", now)
    assert 0 < lockout.attempt("victim", "home", now) <= ACCOUNT.longest
    assert lockout.attempt("other", "home", now) == 0


def test_a_place_that_tries_everybody_waits() -> None:
    """One wrong try each for many accounts from one place is counted, too."""
    lockout = Lockout()
    waits = [lockout.attempt(f"account {n}", "p", 0) for n in range(PLACE.free + 2)]

    assert waits[: PLACE.free + 1] == [0] * (PLACE.free + 1)
    assert waits[-1] == 1
    assert lockout.attempt("account 0", "elsewhere", 0) == 0


def test_a_right_try_forgives() -> None:
    """Who gets it right on the fifth try begins anew; what is long ago is held against nobody."""
    lockout = Lockout()
    for _ in range(20):
        for _ in range(4):
            assert lockout.attempt("a", "p", 0) == 0
            lockout.succeed("a", "p")
    for _ in range(6):
        lockout.attempt("b", "q", 0)
    assert lockout.attempt("b", "q", FORGOTTEN + 1) == 0
    assert lockout.attempt("b", "q", FORGOTTEN + 1) == 0


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3)), max_size=200))
def test_memory_is_bounded(tries: list[tuple[str, str]]) -> None:
    """However many accounts and places are made up, no more are kept than were allowed."""
    lockout = Lockout(size=20)
    for email, place in tries:
        lockout.attempt(email, place, 0)

    assert len(lockout) <= 20


def test_a_hundred_wrong_passwords(owner: Browser, served: TestClient) -> None:
    """They are held up, whether there is such an account or not; the owner's sessions and other accounts are not."""
    codes = {}
    for email in ("nobody@shop.example", EMAIL):
        codes[email] = [Browser(served).sign_in(email, f"wrong password {n}").status_code for n in range(50)]
        assert codes[email][:6] == [403] * 6
        assert codes[email].count(429) >= 40
    late = Browser(served).sign_in(EMAIL, people.PASSWORD)

    assert abs(codes[EMAIL].count(429) - codes["nobody@shop.example"].count(429)) <= 2
    assert (late.status_code, "Wait" in late.text) == (429, True)
    assert owner.me()["email"] == EMAIL
