"""Our sealed cookies, as somebody who means harm sends them: none that was not sealed for this visitor counts."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consent.visitors.cookies import Jar
from consent.visitors.visit import DAY, arrive
from consent.web.seal import Key, Keyring
from tests.telemetry.site import Site, event, served, today

VISITOR, SESSION = "__Host-consent-visitor", "__Host-consent-session"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The shop."""
    with served(tmp_path) as made:
        yield made


def sealed(site: Site) -> dict[str, str]:
    """Two cookies of a new visitor."""
    site.client.cookies.clear()
    lines = site.post(event(), choice=site.decide()).headers.get_list("set-cookie")
    site.client.cookies.clear()
    return dict(line.partition(";")[0].split("=", 1) for line in lines)


def send(site: Site, cookies: dict[str, str]) -> Any:
    """Post with exactly these cookies and the grant's."""
    site.client.cookies.clear()
    choice = site.choice()
    header = "; ".join(f"{name}={value}" for name, value in {"consent": choice, **cookies}.items())
    return site.post(event(), choice=choice, headers={"Cookie": header})


def visitors(site: Site) -> int:
    """How many are known."""
    return len(site.rows("select * from visitor"))


def test_the_same_cookies_are_the_same_visitor(site: Site) -> None:
    """The yardstick of the others: unchanged, they go on."""
    held = sealed(site)

    assert "set-cookie" not in send(site, held).headers
    assert visitors(site) == 1


def test_every_flipped_bit_makes_somebody_new(site: Site) -> None:
    """One bit changed anywhere, and the visitor is not known: a new one begins, and nothing fails."""
    value = sealed(site)[VISITOR]
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    tried = 0
    for at in range(0, len(value), 7):
        for bit in (0, 3, 5):
            changed = letters[letters.index(value[at]) ^ (1 << bit)]
            answer = send(site, {VISITOR: value[:at] + changed + value[at + 1 :]})
            tried += 1
            assert answer.status_code == 202
            assert answer.headers.get_list("set-cookie")[0].startswith(f"{VISITOR}=")
    assert visitors(site) == 1 + tried


@pytest.mark.parametrize("value", ["", "x", "a" * 5_000, "../../etc", "AAAA=", "\xe9", "0" * 96, "null"])
def test_rubbish_is_nobody(site: Site, value: str) -> None:
    """What is no sealed text counts as no cookie."""
    header = f"consent={site.choice()}; {VISITOR}={value}".encode("latin-1")
    site.client.cookies.clear()
    answer = site.post(event(), choice=site.choice(), headers={"Cookie": header})

    assert answer.status_code == 202
    assert len(answer.headers.get_list("set-cookie")) == 2


def test_a_chosen_id_is_not_taken(site: Site) -> None:
    """Fixation: nobody can plant an id, nor a session, that a visitor then bears; not even one of another visitor."""
    planted = "00112233445566778899aabbccddeeff"
    send(site, {VISITOR: planted, SESSION: planted})
    first = sealed(site)
    second = sealed(site)
    mixed = send(site, {VISITOR: first[VISITOR], SESSION: second[SESSION]})

    assert planted not in {row["id"] for row in site.rows("select id from visitor")}
    assert [line.partition("=")[0] for line in mixed.headers.get_list("set-cookie")] == [VISITOR, SESSION]
    owners = site.rows("select id, visitor from session")
    assert len({row["id"] for row in owners}) == len(owners) == 4


def test_planted_by_a_host_beside(site: Site) -> None:
    """Fixation: over https a name that any subdomain can set is none of ours, whoever's sealed text it bears; who
    planted it would else read where the victim goes."""
    held = sealed(site)
    planted = {name.removeprefix("__Host-"): value for name, value in held.items()}
    answer = send(site, planted)

    assert [line.partition("=")[0] for line in answer.headers.get_list("set-cookie")] == [VISITOR, SESSION]
    assert visitors(site) == 2
    site.client.cookies.clear()
    header = "; ".join(f"{name}={value}" for name, value in planted.items())
    assert site.client.get("/v1/shop/visitor", headers={"Cookie": header}).json()["visitor"] is None


def test_on_plain_http(tmp_path: Path) -> None:
    """For trying out, where a page is not secure, cookies have no prefix, and count."""
    with served(tmp_path, base="http://www.shop.example") as site:
        plain = {"Origin": "http://www.shop.example"}
        page = "http://www.shop.example/"
        lines = site.post(event(url=page), choice=site.decide(), headers=plain).headers.get_list("set-cookie")
        again = site.post(event(url=page), choice=site.choice(), headers=plain)

        assert [line.partition("=")[0] for line in lines] == ["consent-visitor", "consent-session"]
        assert again.headers.get_list("set-cookie") == []
        assert visitors(site) == 1


def test_on_another_port(tmp_path: Path) -> None:
    """Cookies know no ports: a page on another port of the service's host has its visitors, and deletes them."""
    with served(tmp_path, base="http://www.shop.example:8000") as site:
        plain = {"Origin": "http://www.shop.example"}
        page = "http://www.shop.example/"
        lines = site.post(event(url=page), choice=site.decide(), headers=plain).headers.get_list("set-cookie")
        again = site.post(event(url=page), choice=site.choice(), headers=plain)
        known = visitors(site)
        forgotten = site.client.post("/v1/shop/visitor", json={"forget": True}, headers=plain)

        assert [line.partition("=")[0] for line in lines] == ["consent-visitor", "consent-session"]
        assert (again.headers.get_list("set-cookie"), known) == ([], 1)
        assert forgotten.json() == {"forgotten": True}
        assert len(forgotten.headers.get_list("set-cookie")) == 3
        site.settled("select * from visitor", 0)


def test_kinds_are_not_exchanged(site: Site) -> None:
    """A session's text is no visitor's, and the other way round."""
    held = sealed(site)

    assert len(send(site, {VISITOR: held[SESSION], SESSION: held[VISITOR]}).headers.get_list("set-cookie")) == 2
    assert visitors(site) == 2


def by_key(key: Key, site_key: str, day: int) -> str:
    """A visitor's cookie as a service with that key would have made it."""
    jar = Jar(Keyring((key,)), secrets.token_bytes)
    arrival = arrive(None, None, day * DAY, secrets.token_bytes)
    return jar.write(arrival, site_key, day * DAY, where="page", secure=True)[0].partition(";")[0].partition("=")[2]


def test_keys(site: Site) -> None:
    """What the service's own key sealed counts, for this site and in its time; another's key, site or day does not."""
    keys = site.service.telemetry.intake._jar._keys.keys
    stranger = Key(keys[0].id, today(), secrets.token_bytes(32))

    assert len(send(site, {VISITOR: by_key(keys[0], "shop", today() - 10)}).headers.get_list("set-cookie")) == 2
    [back] = site.rows("select visit from session")
    assert back["visit"] == 2  # known, and here again
    for key, name, day in ((stranger, "shop", today()), (keys[0], "other", today()), (keys[0], "shop", today() - 391),
                           (keys[0], "shop", today() + 2)):  # fmt: skip
        send(site, {VISITOR: by_key(key, name, day)})
    assert sorted(row["visit"] for row in site.rows("select visit from session")) == [1, 1, 1, 1, 2]


def test_two_cookies_of_one_name(site: Site) -> None:
    """Where a foreign subdomain could have planted one, neither counts."""
    held = sealed(site)
    header = f"consent={site.choice()}; {VISITOR}=x; {VISITOR}={held[VISITOR]}"
    answer = site.post(event(), choice=site.choice(), headers={"Cookie": header})

    assert len(answer.headers.get_list("set-cookie")) == 2
    assert visitors(site) == 2


def test_without_a_grant_no_cookie_is_opened(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who did not agree has cookies taken away unread."""
    held = sealed(site)
    monkeypatch.setattr(Jar, "read", lambda *_: pytest.fail("a cookie was opened"))
    header = "; ".join(f"{name}={value}" for name, value in held.items())
    answer = site.post(event(), choice="", headers={"Cookie": header})

    assert answer.headers["consent-events"] == "taken=0; dropped=1 not-allowed"
    assert all("Max-Age=0" in line for line in answer.headers.get_list("set-cookie"))
