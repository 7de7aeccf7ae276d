"""How many posts are taken, by place and by site."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.records.served import HEADERS, POST, opened
from tests.records.shop import OPTIONAL, ORIGIN, body, config_in, raw, shop_in

LESS: list[dict[str, Any]] = [
    {"control": "withdraw", "purposes": dict.fromkeys(OPTIONAL, "w")},
    {"control": "api", "purposes": dict.fromkeys(OPTIONAL, "w")},
    {"control": "reject", "purposes": dict.fromkeys(OPTIONAL, "d")},
    {"control": "save", "purposes": dict.fromkeys(OPTIONAL, "d"), "services": {"youtube": "d"}},
]


@pytest.mark.parametrize("said", LESS)
def test_a_place_posts_so_much_and_no_more(tmp_path: Path, said: dict[str, Any]) -> None:
    """Beyond its minute's worth a place gets 429 with the time to wait; what grants nothing has a lane of its own."""
    config = config_in(tmp_path, rate_address=5)
    version = asyncio.run(shop_in(config))
    for shop in opened(config, version):
        first = shop.say()
        for _ in range(4):
            shop.say()
        answer = shop.client.post(POST, content=raw(version), headers=HEADERS)
        linked = body(version, **said, receipt=first["receipt"], write_key=first["write_key"])

        assert answer.status_code == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 12
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert shop.say(linked)["action"] == "withdrawn"


@pytest.mark.parametrize(
    "grants",
    [
        {"control": "save", "purposes": {"statistics": "d", "social": "g"}},
        {"control": "save", "purposes": dict.fromkeys(OPTIONAL, "d"), "services": {"youtube": "g"}},
    ],
)
def test_who_grants_something_has_no_other_lane(tmp_path: Path, grants: dict[str, Any]) -> None:
    """However little is granted, and however it is written."""
    config = config_in(tmp_path, rate_address=1)
    version = asyncio.run(shop_in(config))
    for shop in opened(config, version):
        shop.say()
        said = raw(version, **grants)
        for text in (said, said.replace(b'"g"', b' "g"'), said.replace(b'"g"', b'"\\u0067"')):
            assert shop.client.post(POST, content=text, headers=HEADERS).status_code == 429


@pytest.mark.parametrize("said", LESS)
def test_a_site_takes_so_much_and_no_more(tmp_path: Path, said: dict[str, Any]) -> None:
    """A site's budget bounds its rows whoever posts; what is proved to grant nothing any more is taken beyond it."""
    config = config_in(tmp_path, rate_site=3)
    version = asyncio.run(shop_in(config))
    for shop in opened(config, version):
        first = shop.say()
        chain = {"receipt": first["receipt"], "write_key": first["write_key"]}
        shop.say()
        shop.say()
        shop.say(status=429)

        assert shop.say(body(version, **said, **chain))["action"] == "withdrawn"
        assert shop.say(body(version, **said), 429)["error"] == "too_many"
        assert len(shop.records()) == 4


def test_behind_a_proxy_visitors_are_told_apart(tmp_path: Path) -> None:
    """Limits count by the address that a trusted proxy names."""
    config = config_in(tmp_path, rate_address=2, trusted_proxies=("127.0.0.1/32",))
    version = asyncio.run(shop_in(config))
    for shop in opened(config, version):
        shop.client._transport.client = ("127.0.0.1", 1)  # type: ignore[attr-defined]
        answers = [
            shop.client.post(POST, content=raw(version), headers=HEADERS | {"X-Forwarded-For": f"rubbish, {who}"})
            for who in ("192.0.2.1", "192.0.2.1", "192.0.2.1", "2001:db8::1")
        ]

        assert [answer.status_code for answer in answers] == [201, 201, 429, 201]
