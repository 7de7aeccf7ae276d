"""Signing in and out, as a browser does it."""

import asyncio
import re
from html import escape

import pytest
from starlette.testclient import TestClient

from consent.accounts import link_queries, queries
from consent.accounts.entry_pages import inner
from consent.config import Config
from consent.sites.tokens import digest
from tests.accounts import people
from tests.accounts.browser import Browser
from tests.accounts.conftest import first_link
from tests.records.shop import open_shop

EMAIL, PASSWORD = "owner@shop.example", people.PASSWORD


def test_from_the_first_link_to_signing_out(served: TestClient, config: Config) -> None:
    """Link, e-mail and password, signed in, a page that needs it, signed out, signed in by the password."""
    browser, link = Browser(served), first_link(config)
    assert "Make your account" in browser.get(link).text
    made = browser.post(link, email=" Owner@Shop.example ", password=PASSWORD, again=PASSWORD)
    assert (made.status_code, made.headers["location"]) == (303, "/sites/")
    assert EMAIL in browser.get("/account").text
    out = browser.post("/account/sign-out")

    assert out.headers["location"] == "/account/sign-in?out=yes"
    assert browser.get("/account").headers["location"] == "/account/sign-in?to=%2Faccount"
    assert browser.sign_in(EMAIL, PASSWORD, to="/account?x=1").headers["location"] == "/account?x=1"
    assert browser.me()["email"] == EMAIL


def test_a_link_lets_in_once(served: TestClient, config: Config) -> None:
    """Used, it is over; looked at, with a password that does not do, or replaced by another, it is used or not."""
    link = first_link(config)
    for password, again in (("short", "short"), (PASSWORD, "another"), ("password1234", "password1234")):
        answer = Browser(served).post(link, email=EMAIL, password=password, again=again)
        assert answer.status_code == 422
    newer = first_link(config)
    assert Browser(served).get(link).status_code == 404
    assert Browser(served).post(newer, email="no address", password=PASSWORD, again=PASSWORD).status_code == 422
    assert Browser(served).post(newer, email=EMAIL, password=PASSWORD, again=PASSWORD).status_code == 303

    refused = Browser(served).post(newer, email="other@shop.example", password=PASSWORD, again=PASSWORD)
    assert (refused.status_code, "was used" in refused.text) == (404, True)


def test_a_link_is_used_over_plain_http(served: TestClient, config: Config) -> None:
    """There browsers say only in Origin where a form is from, and nothing in it where a page sends no referrer."""
    page = served.get(first_link(config), headers={"Accept": "text/html"})

    assert page.headers["referrer-policy"] == "same-origin"


async def test_a_link_ends(config: Config) -> None:
    """After a day the link for the first account is nothing any more."""
    async with open_shop(config) as db:
        await link_queries.add_link(db, link_queries.Link(digest("t"), "first", "", 1_000), 1)

        assert await link_queries.find_link(db, digest("t"), 999) is not None
        assert await link_queries.find_link(db, digest("t"), 1_000) is None


def test_signing_out_ends_it_in_the_store(owner: Browser) -> None:
    """A cookie that was copied before opens nothing afterwards."""
    copied = dict(owner.cookies)
    owner.post("/account/sign-out")
    owner.cookies = copied

    assert owner.me() == {}


def test_a_browser_is_emptied(owner: Browser) -> None:
    """At sign-out the cookie goes and the browser is told to forget what it cached; pages are never kept at all."""
    shown = owner.get("/account")
    out = owner.post("/account/sign-out")

    assert shown.headers["cache-control"] == "no-store"
    assert out.headers["clear-site-data"] == '"cache"'
    assert owner.cookies == {}


def test_one_ends_the_others(owner: Browser, served: TestClient) -> None:
    """People see where they are signed in, and end every session but the one they are in."""
    other = Browser(served)
    other.sign_in(EMAIL, PASSWORD)
    assert owner.get("/account").text.count("192.0.2.0/24") >= 2
    assert owner.post("/account/sessions/end").status_code == 303

    assert other.me() == {}
    assert owner.me()["email"] == EMAIL


def test_passwords_are_masked_and_may_be_pasted(owner: Browser, served: TestClient) -> None:
    """Each field of a password is one, tells a password manager which, and no script stands in the way of pasting."""
    pages = [Browser(served).get("/account/sign-in").text, owner.get("/account").text]
    pages.append(owner.get("/account/confirm").text)
    fields = [tag for page in pages for tag in re.findall("<input[^>]*password[^>]*>", page)]

    assert len(fields) == 5
    assert all('type="password"' in one and re.search('autocomplete="(current|new)-password"', one) for one in fields)
    assert not re.search("onpaste|maxlength", "".join(pages))


def test_every_page_signs_out(owner: Browser) -> None:
    """The way out is in the head of every page of who is signed in."""
    paths = ("/account", "/operators", "/access", "/account/letters", "/sites/demo/overview", "/sites/demo/log")

    assert {path: 'action="/account/sign-out"' in owner.get(path).text for path in paths} == dict.fromkeys(paths, True)


def test_a_session_is_never_adopted(owner: Browser, served: TestClient) -> None:
    """Whoever signs in gets a session of their own: not the one that was planted, and the planted one ends."""
    planted = dict(owner.cookies)
    victim = Browser(served)
    victim.cookies = dict(planted)
    victim.sign_in(EMAIL, PASSWORD)
    attacker = Browser(served)
    attacker.cookies = planted

    assert victim.cookies != planted
    assert victim.me()["email"] == EMAIL
    assert attacker.me() == {}


def test_every_bit_of_the_cookie_counts(owner: Browser) -> None:
    """A cookie that was changed anywhere, cut or made longer is no cookie, and no fault."""
    [(name, value)] = owner.cookies.items()
    for at in range(len(value)):
        owner.cookies = {name: value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]}
        assert owner.me() == {}, at
    for other in ("", value[:-1], value + "A", "x" * 5_000, "%00"):
        owner.cookies = {name: other}
        assert owner.me() == {}
    owner.cookies = {name: value}
    assert owner.me()["email"] == EMAIL


def test_an_address_is_remembered_where_that_is_wanted(owner: Browser, served: TestClient) -> None:
    """In a cookie of its own, sealed; a public computer keeps nothing, and forgets what it knew."""
    mine = Browser(served)
    mine.sign_in(EMAIL, PASSWORD, remember="yes")
    assert EMAIL not in str(mine.cookies)
    mine.post("/account/sign-out")
    assert f'value="{EMAIL}"' in mine.get("/account/sign-in").text

    mine.sign_in(EMAIL, PASSWORD, remember="yes", public="yes")
    assert mine.cookies.keys() == {"consent-account"}
    mine.post("/account/sign-out")
    assert mine.cookies == {}
    assert EMAIL not in mine.get("/account/sign-in").text


def test_the_session_ends_with_the_browser(owner: Browser) -> None:
    """The session's cookie is for this host and this browser window: HttpOnly, Strict, without an age."""
    answer = owner.sign_in(EMAIL, PASSWORD)
    [line] = [one for one in answer.headers.get_list("set-cookie") if one.startswith("consent-account=")]

    assert line.partition(";")[2] == " Path=/; SameSite=Strict; HttpOnly"


ELSEWHERE = [
    "https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/x\nSet-Cookie: a=b", "", "x",
    "/account/sign-in?to=/account/sign-in", "/account/sign-out", "\t//evil.example", "/" * 3_000, '/"onx=1',
]  # fmt: skip


@pytest.mark.parametrize("to", ELSEWHERE)
def test_no_way_leads_elsewhere(to: str) -> None:
    """Where to go after signing in is a page of ours, whatever was written there."""
    assert inner(to) == "/sites/"


def test_wrong_words_are_all_answered_alike(owner: Browser, served: TestClient) -> None:
    """Neither words nor status tell whether there is such an account."""
    tried = [(EMAIL, "wrong password 1"), ("nobody@shop.example", "x" * 20), ("no address", "y" * 20)]
    answers = [Browser(served).sign_in(email, password) for email, password in tried]
    texts = {one.text.replace(email, "") for one, (email, _) in zip(answers, tried, strict=True)}

    assert {one.status_code for one in answers} == {403}
    assert len(texts) == 1


HOSTILE = ['"><script>alert(1)</script>', "' onfocus=alert(1) '", "<img src=x onerror=alert(1)>", "<svg/onload=a()>"]


def test_names_are_text_in_pages(served: TestClient, config: Config) -> None:
    """What was typed as an address comes back as text, whatever it is."""
    for hostile in HOSTILE:
        text = Browser(served).sign_in(hostile, "x" * 20).text
        assert hostile not in text, hostile
        assert escape(hostile).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in text


def test_a_link_from_elsewhere(owner: Browser) -> None:
    """A browser that was led here keeps the cookie back: it looks again from our own page, once."""
    led = Browser(owner._client).get("/account/sign-in?to=%2Faccount", **{"Sec-Fetch-Site": "cross-site"})
    again = Browser(owner._client).get("/account/sign-in?to=%2Faccount", **{"Sec-Fetch-Site": "same-origin"})

    assert 'content="0; url=/account"' in led.text
    assert "http-equiv" not in again.text


def test_who_was_removed_is_out(owner: Browser, config: Config) -> None:
    """A session opens nothing once its account is gone."""

    async def remove() -> None:
        async with open_shop(config) as db:
            found = await queries.by_email(db, EMAIL)
            assert found is not None
            await queries.remove(db, found.id)

    asyncio.run(remove())
    assert owner.me() == {}
