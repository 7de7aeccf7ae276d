"""The cookies that an answer sets and removes, where the service answers under the page's own host."""

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from consent.policy.policy import ChoiceCookie
from tests.records.served import HEADERS, POST, Shop, opened
from tests.records.shop import OPTIONAL, ORIGIN, SERVICES, config_in, raw, refusal, shop_in


@pytest.mark.parametrize(
    ("origin", "host", "secure"),
    [
        ("https://www.shop.example", "www.shop.example", True),
        ("http://shop.example:8080", "shop.example:8080", False),
        ("https://www.shop.example", "WWW.shop.example", True),
    ],
)
def test_the_same_host_sets_it(tmp_path: Path, origin: str, host: str, secure: bool) -> None:
    """Origin's host and port are the request's: the cookie comes with the answer, exactly as the format says."""
    config = config_in(tmp_path)
    version = asyncio.run(shop_in(config, origins=f'origins = ["{origin}"]'))
    for shop in opened(config, version):
        answer = shop.client.post(POST, content=raw(version), headers=HEADERS | {"Origin": origin, "Host": host})
        age = version.resolved.days * 86_400
        flag = "; Secure" if secure else ""

        assert answer.status_code == 201
        value = answer.json()["cookie"]
        assert answer.headers["set-cookie"] == f"consent={value}; Path=/; Max-Age={age}; SameSite=Lax{flag}"


def test_a_domain_of_the_policy_is_written(tmp_path: Path) -> None:
    """With the dot that people put before it, too, and with stored policies that still have it: once, without."""
    config = config_in(tmp_path)
    version = asyncio.run(shop_in(config, SERVICES + '[cookie]\ndomain = ".shop.example"'))
    for shop in opened(config, version):
        for _ in range(2):
            answer = shop.client.post(POST, content=raw(version), headers=HEADERS | {"Host": "www.shop.example"})

            assert answer.status_code == 201
            assert "; Domain=shop.example; " in answer.headers["set-cookie"]
            live = shop.live()
            old = ChoiceCookie(domain=".shop.example")
            resolved = msgspec.structs.replace(live.version.resolved, cookie=old)
            live.version = msgspec.structs.replace(live.version, resolved=resolved)


def test_a_cookie_that_cannot_be_written_records_nothing(shop: Shop) -> None:
    """The fault comes before the commit: nobody is told "not recorded" of a choice that is."""
    live = shop.live()
    faulty = msgspec.structs.replace(live.version.resolved, cookie=ChoiceCookie(domain="no domain"))
    live.version = msgspec.structs.replace(live.version, resolved=faulty)
    answer = shop.client.post(POST, content=raw(shop.version), headers=HEADERS | {"Host": "www.shop.example"})

    assert (answer.status_code, answer.json()["error"]) == (500, "fault")
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert shop.records() == []


@pytest.mark.parametrize(
    ("regime", "letter", "days"), [("eu", "g", 30), ("eu", "d", 180), ("us", "g", 365), ("us", "o", 365)]
)
def test_it_lives_as_long_as_the_choice(tmp_path: Path, regime: str, letter: str, days: int) -> None:
    """A refusal, and every choice under an opt-out law, is kept for the law's time, also if the policy's is shorter
    (EU-16, US-09)."""
    config = config_in(tmp_path)
    version = asyncio.run(shop_in(config, origins=f'origins = ["{ORIGIN}"]\ndays = 30'))
    said = raw(version, control="save", regime=regime, purposes=dict.fromkeys(OPTIONAL, letter))
    for shop in opened(config, version):
        answer = shop.client.post(POST, content=said, headers=HEADERS | {"Host": "www.shop.example"})

        assert f"; Max-Age={days * 86_400}; " in answer.headers["set-cookie"]


def test_a_late_repetition_does_not_prolong_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The choice's life begins on its day: ten days later there are ten days less of it, and it is the same."""
    said, headers = raw(shop.version), HEADERS | {"Host": "www.shop.example"}
    first = shop.client.post(POST, content=said, headers=headers)
    intake = shop.service().intake
    later = intake.today() + 10
    monkeypatch.setattr(intake, "today", lambda: later)
    again = shop.client.post(POST, content=said, headers=headers)

    assert (again.status_code, again.json()) == (200, first.json())
    assert f"; Max-Age={170 * 86_400}; " in again.headers["set-cookie"]


def test_what_refused_services_left_is_removed(shop: Shop) -> None:
    """Cookies of services that the choice refuses go with the answer, also those that no script can reach (EU-08)."""
    sent = "session=1; _ga=GA1.2; consent=old; _ga_AB12=x; _pk_id=1; _ga=twice"
    headers = HEADERS | {"Host": "www.shop.example", "Cookie": sent}
    kept = shop.client.post(POST, content=raw(shop.version), headers=headers)
    gone = shop.client.post(POST, content=json.dumps(refusal(shop.version)), headers=headers)
    elsewhere = shop.client.post(POST, content=json.dumps(refusal(shop.version)), headers=HEADERS | {"Cookie": sent})
    end = "Path=/; Max-Age=0; SameSite=Lax"

    assert len(kept.headers.get_list("set-cookie")) == 1
    assert gone.headers.get_list("set-cookie")[1:] == [
        f"{name}=; {end}{domain}; Secure"
        for name in ("_ga", "_ga_AB12")
        for domain in ("", "; Domain=shop.example", "; Domain=www.shop.example")
    ]
    assert "set-cookie" not in elsewhere.headers


@pytest.mark.parametrize("host", ["consent.example", "shop.example", "www.shop.example:443", "www.shop.example."])
def test_another_host_does_not(shop: Shop, host: str) -> None:
    """A cookie of ours would be no use there: the browser's script stores it."""
    answer = shop.client.post(POST, content=raw(shop.version), headers=HEADERS | {"Host": host})

    assert answer.status_code == 201
    assert "set-cookie" not in answer.headers
