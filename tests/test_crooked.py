"""Crooked addresses, queries and headers over real connections: whatever is asked, the service makes no mistake."""

import random
from collections.abc import Iterator

import pytest

from tests.service.process import GENEROUS, Line, Service

SEED = 20_261_120
REQUESTS = 200
NUMBERS = [
    "0", "-0", "1", "-1", "00", "1e9", "0x10", "1.5", "9" * 9, "9" * 10, "9" * 19, "9" * 20, "9" * 400, "0" * 31 + "1",
    "9223372036854775807", "9223372036854775808", "2147483648", "18446744073709551616", "0" * 8 + "1" + "9" * 23,
]  # fmt: skip
TEXTS = [
    *NUMBERS,
    "NaN", "Infinity", "%D9%A3", "%EF%BC%91", "%00", "%0d%0aSet-Cookie:a=b", "%ff%fe", "%F0%9F%8D%AA", "%ED%A0%80",
    "%2e%2e", "..%2f..", "%25", "%", "%zz", "\xe4", "\xff\xfe", "'", '"', "<", "`", "{}", "[", "]", "[::1", "|", "^",
    "\\", "", " ", "+", ";", "&", "=", "?", "#", "/", "//", ":", "@", "*", "~", ",", "null", "undefined", "__proto__",
    "0001-01-01", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-02-30", "2026-W01-1", "24:00", "T",
    "2026-11-20T24:00:00", "1970-01-01T00:00:00.999999999", "en", "xx", "a" * 300, "-" * 40, "A" * 22, "Z",
]  # fmt: skip
PATHS = [
    "/{}", "/c/{}", "/c/{}.js", "/c/demo/{}", "/c/demo/{}/banner.en.0123456789abcdef.js", "/c/demo/1/{}",
    "/c/demo/1/banner.{}.0123456789abcdef.js", "/c/demo/1/banner.en.{}.js", "/c/{}/declaration", "/choices/{}",
    "/c/demo/declaration", "/choices/demo", "/v1/{}/log", "/v1/demo/log", "/v1/demo/log.csv", "/v1/{}/consent",
    "/v1/demo/consent", "/.well-known/{}", "/.well-known/gpc.json", "/demo/{}", "/demo/privacy", "/openapi.json",
    "/", "{}",
]  # fmt: skip
NUMBERED = [
    "/c/demo/{}/banner.en.0123456789abcdef.js", "/c/{}.js", "/choices/demo?done={}",
    "/v1/demo/log?limit={}", "/v1/demo/log?since={}", "/v1/demo/log?until={}", "/v1/demo/log.csv?after={}",
]  # fmt: skip
METHODS = ["GET"] * 8 + ["HEAD", "OPTIONS", "POST", "PUT"]
NAMES = ["since", "until", "action", "after", "limit", "lang", "done", "{}", ""]
HEADERS = {
    "host": ["[", "[::1", "]", "a b", "", ":", ":99999999999", "a:b", "shop.example:x", "\xe4", "%", "//", "@"],
    "accept-encoding": ["br;q=9", "gzip;q=1e9", "*;q=0", ";;,,", "\xff", "gzip;q=0.{}"],
    "accept-language": ["en;q=9", "*", "-", "de-{}", "\xff;q=1"],
    "if-none-match": ["*", '"', "W/", '"{}"', "\xff"],
    "cookie": ["consent={}", "consent", "=", ";;;", "consent=1.0.00000000.-...0; consent={}", "\xff=\xff"],
    "x-forwarded-for": ["{}", ",", "[::1", "1.2.3.4:{}", "\xff"],
    "origin": ["null", "{}", "http://127.0.0.1:8000"],
    "accept": ["text/csv", "{}"],
    "range": ["bytes={}-"],
    "sec-gpc": ["{}"],
}


def crooked(chance: random.Random, token: str) -> Iterator[bytes]:
    """Every number in every place for one; then requests that are crooked anywhere in address, query and headers."""

    def fill(text: str) -> str:
        return text.replace("{}", chance.choice(TEXTS))

    for place in NUMBERED:
        for number in NUMBERS:
            yield written("GET", place.replace("{}", number), {"authorization": f"Bearer {token}"})
    for _ in range(REQUESTS):
        asked = [f"{fill(chance.choice(NAMES))}={chance.choice(TEXTS)}" for _ in range(chance.randrange(4))]
        target = fill(chance.choice(PATHS)).replace(" ", "%20") + ("?" + "&".join(asked) if asked else "")
        headers = {"authorization": f"Bearer {token}"}
        for name in chance.sample(sorted(HEADERS), chance.randrange(4)):
            headers[name] = fill(chance.choice(HEADERS[name]))
        yield written(chance.choice(METHODS), target, headers)


def written(method: str, target: str, headers: dict[str, str]) -> bytes:
    """A request as it goes over the line."""
    every = {"host": "127.0.0.1:8000", "content-length": "0", "connection": "close"} | headers
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in every.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


async def status(line: Line, request: bytes) -> int:
    """The answer's status; 0 when the connection was closed without one."""
    await line.send(request)
    answer = await line.rest()
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


@pytest.mark.parametrize("seed", [SEED, SEED + 1])
async def test_no_address_is_a_fault(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    """No answer of 500 or more, no connection dropped without one, and not a word for the operator."""
    service = Service(tmp_path_factory.mktemp("crooked"), **GENEROUS)
    await service.start()
    try:
        token = service.told["logs"][0]["token"]
        found = []
        for request in crooked(random.Random(seed), token):
            async with await service.connect() as line:
                got = await status(line, request)
            if not 200 <= got < 500:
                found.append((got, request))
        alive = (await service.get("/livez")).status
    finally:
        await service.stop()

    assert found == []
    assert alive == 200
    assert service.messages == ""
