"""Who may post and read the answer: exact origins, echoed; nothing else."""

import pytest

from tests.records.served import HEADERS, POST, Shop
from tests.records.shop import ORIGIN, raw


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "",
        "*",
        "http://www.shop.example",
        "https://shop.example",
        "https://www.shop.example.evil.example",
        "https://evil-www.shop.example",
        "https://www.shop.example:8443",
        "https://www.shop.example:443",
        "https://www.shop.example/",
        "https://www.shop.example.",
        "https://WWW.SHOP.EXAMPLE",
        "https://user@www.shop.example",
        "https://www.shop.example@evil.example",
        "https://www.shop.example evil",
        "https://www.shop.exämple",
        "https://xn--www.shop.example",
        "wss://www.shop.example",
        "file://",
        "https://www.shop.example, https://evil.example",
        "https://evil.example, https://www.shop.example",
        "chrome-extension://abcdefgh",
        "https://127.0.0.1",
        "http://consent.example",
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "text/plain", None])
def test_other_origins_leave_nothing(shop: Shop, origin: str | None, kind: str | None) -> None:
    """Any other origin, or none, is refused by preflight and by post in both kinds; scripts cannot read why."""
    headers = [(b"Origin", origin.encode("utf-8"))] if origin is not None else []
    if kind is None:
        answer = shop.client.options(POST, headers=[*headers, (b"Access-Control-Request-Method", b"POST")])
    else:
        said = raw(shop.version)
        answer = shop.client.post(POST, content=said, headers=[*headers, (b"Content-Type", kind.encode())])

    assert answer.status_code == 403
    assert answer.json()["error"] == "wrong_origin"
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "Origin"
    assert shop.records() == []


def test_two_origins_are_none(shop: Shop) -> None:
    """Two Origin headers are refused, even when both are right."""
    headers = [("Origin", ORIGIN), ("Origin", ORIGIN), ("Content-Type", "text/plain")]

    assert shop.client.post(POST, content=raw(shop.version), headers=headers).status_code == 403


def test_the_sites_own_origin_may_read_the_answer(shop: Shop) -> None:
    """The origin is echoed with Vary, without credentials, on success and on errors."""
    good = shop.client.post(POST, content=raw(shop.version), headers=HEADERS)
    bad = shop.client.post(POST, content=b"{}", headers=HEADERS)

    for answer in (good, bad):
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert answer.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert (good.status_code, bad.status_code) == (201, 422)


def test_the_preflight(shop: Shop) -> None:
    """It allows the post with its content type, to be remembered for two hours."""
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    answer = shop.client.options(POST, headers=asked)

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == "Content-Type"
    assert answer.headers["access-control-max-age"] == "7200"
    assert answer.headers["vary"] == "Origin"
