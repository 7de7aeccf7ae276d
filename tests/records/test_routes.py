"""POST /v1/{site}/consent and GET /v1/{site}/log, through the whole application."""

import asyncio
import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from consent.app import create_app
from consent.config import Config
from consent.policy.queries import Version
from consent.records.cookie import decode
from consent.sites import tokens
from consent.sites.queries import by_key
from tests.records.shop import OPTIONAL, ORIGIN, body, config_in, open_shop, raw, refusal, shop_in

HEADERS = {"Origin": ORIGIN, "Content-Type": "application/json"}
POST = "/v1/shop/consent"
LOG = "/v1/shop/log"


class Shop:
    """A service with a shop in it, as its visitors and its owner reach it."""

    def __init__(self, client: TestClient, config: Config, version: Version, token: str) -> None:
        self.client = client
        self.config = config
        self.version = version
        self.owner = {"Authorization": f"Bearer {token}"}

    def say(
        self, said: dict[str, Any] | None = None, status: int = 201, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Post what a visitor said, expect a status, return the answer."""
        every = {**HEADERS, **(headers or {})}
        answer = self.client.post(POST, content=json.dumps(said or body(self.version)), headers=every)
        assert answer.status_code == status, answer.text
        return answer.json()

    def records(self, **asked: Any) -> list[dict[str, Any]]:
        answer = self.client.get(LOG, params=asked, headers=self.owner)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["records"]
        return found


def opened(config: Config, version: Version) -> Iterator[Shop]:
    token = asyncio.run(token_of(config))
    with TestClient(create_app(config), base_url="http://consent.example", raise_server_exceptions=False) as client:
        yield Shop(client, config, version, token)


async def token_of(config: Config) -> str:
    async with open_shop(config) as db:
        site = await by_key(db, "shop")
        assert site is not None
        return await tokens.ensure(db, config.data, site, 1)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """A service with a shop."""
    config = config_in(tmp_path)
    yield from opened(config, asyncio.run(shop_in(config)))


def test_a_choice_is_answered_when_it_is_recorded(shop: Shop) -> None:
    """201 with id, receipt, write key, time, action and the cookie to store; the log has it."""
    answer = shop.say()
    [record] = shop.records()

    assert sorted(answer) == ["action", "cookie", "id", "receipt", "time", "write_key"]
    assert (record["id"], record["receipt"], record["time"]) == (answer["id"], answer["receipt"], answer["time"])
    assert answer["action"] == record["action"] == "given"
    assert decode(answer["cookie"]) is not None
    assert record["purposes"] == dict.fromkeys(OPTIONAL, "granted")
    assert record["hash"] == shop.version.hash


def test_a_record_shows_all_that_the_format_names(shop: Shop) -> None:
    """Exactly the members of the format, and nothing of who asked."""
    shop.say(body(shop.version, gpc=True, services={}, layer=2, time=7, language="de"))
    [record] = shop.records()

    assert list(record) == [
        "id", "receipt", "time", "action", "control", "layer", "language", "notice", "version", "hash", "scope",
        "purposes", "services", "regime", "region", "gpc", "client_time", "widget",
    ]  # fmt: skip
    assert (record["gpc"], record["layer"], record["client_time"], record["language"]) == (True, 2, 7, "de")
    assert record["region"] == ""


def test_a_repetition_is_200_with_the_same_answer(shop: Shop) -> None:
    """A retry after a lost answer gets it again, write key and all; another body under the key is refused."""
    said = body(shop.version)
    first = shop.say(said)

    assert shop.say(said, 200) == first
    assert shop.say(refusal(shop.version, key=said["key"]), 409)["error"] == "key_reused"
    assert len(shop.records()) == 1


def test_a_change_needs_receipt_and_write_key(shop: Shop) -> None:
    """With both it is recorded under the same receipt; with a wrong key, or another's receipt, not at all."""
    first, other = shop.say(), shop.say()
    chain = {"receipt": first["receipt"], "write_key": first["write_key"]}

    changed = shop.say(refusal(shop.version, **chain))
    assert (changed["action"], changed["receipt"], "write_key" in changed) == ("changed", first["receipt"], False)
    for wrong in (
        {"write_key": other["write_key"]},
        {"receipt": other["receipt"]},
        {"receipt": "r" * 22},
        {"write_key": "w" * 43},
    ):
        assert shop.say(refusal(shop.version, **chain | wrong), 403)["error"] == "wrong_write_key"
    assert [record["action"] for record in shop.records()] == ["given", "given", "changed"]


def test_a_withdrawal(shop: Shop) -> None:
    """All is withdrawn under the same receipt; without a receipt it is a record of its own, and touches no other."""
    first = shop.say()
    withdraw = {"control": "withdraw", "purposes": dict.fromkeys(OPTIONAL, "w")}
    linked = shop.say(body(shop.version, **withdraw, receipt=first["receipt"], write_key=first["write_key"]))
    alone = shop.say(body(shop.version, **withdraw))

    assert linked["action"] == alone["action"] == "withdrawn"
    assert linked["receipt"] == first["receipt"] != alone["receipt"]
    assert shop.records()[1]["purposes"] == dict.fromkeys(OPTIONAL, "withdrawn")


def test_a_write_key_opens_no_other_site(tmp_path: Path) -> None:
    """A receipt belongs to its site."""
    config = config_in(tmp_path)
    version = asyncio.run(shop_in(config))
    other = asyncio.run(shop_in(config, key="blog", origins=f'origins = ["{ORIGIN}"]'))
    for shop in opened(config, version):
        first = shop.say()
        said = refusal(other, receipt=first["receipt"], write_key=first["write_key"])
        answer = shop.client.post("/v1/blog/consent", content=json.dumps(said), headers=HEADERS)

        assert answer.status_code == 403
        assert answer.json()["error"] == "wrong_write_key"


def test_an_older_version_of_the_same_scope_is_taken(tmp_path: Path) -> None:
    """A corrected text asks nobody again: who still sees the old one is recorded with it."""
    config = config_in(tmp_path)
    old = asyncio.run(shop_in(config))
    new = asyncio.run(shop_in(config, name='name = "The Shop"'))
    assert (old.version, new.version) == (1, 2)
    assert old.scope == new.scope
    for shop in opened(config, new):
        shop.say(body(old))

        assert shop.records()[0]["hash"] == old.hash


def test_a_choice_about_something_else_is_outdated(tmp_path: Path) -> None:
    """When purposes or services changed, 409 tells version and scope of what is asked now; a repetition still holds."""
    config = config_in(tmp_path)
    old = asyncio.run(shop_in(config))
    said = body(old)
    for shop in opened(config, old):
        first = shop.say(said)
    new = asyncio.run(shop_in(config, ""))
    for shop in opened(config, new):
        answer = shop.say(body(old), 409)

        assert (answer["error"], answer["version"], answer["scope"]) == ("policy_outdated", 2, new.scope)
        assert answer["remedy"]
        assert shop.say(said, 200) == first
        assert len(shop.records()) == 1


def test_an_unknown_site_is_404(shop: Shop) -> None:
    """Also for sites that exist and publish nothing."""
    answer = shop.client.post("/v1/none/consent", content=b"{}", headers=HEADERS)

    assert answer.status_code == 404
    assert answer.json()["error"] == "unknown_site"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ("text/plain", 201),
        ("text/plain;charset=UTF-8", 201),
        ('Application/JSON; charset="utf-8"', 201),
        ("text/plain; charset=utf-16", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("text/plain2", 415),
        ("", 415),
    ],
)
def test_kinds_of_bodies(shop: Shop, kind: str, status: int) -> None:
    """JSON as application/json or text/plain, in UTF-8; nothing else is read."""
    headers = {"Origin": ORIGIN, "Content-Type": kind}

    assert shop.client.post(POST, content=raw(shop.version), headers=headers).status_code == status


def test_compressed_bodies_are_not_read(shop: Shop) -> None:
    """No decompression on an open endpoint."""
    assert shop.say(status=415, headers={"Content-Encoding": "gzip"})["error"] == "media_type"


def test_eight_kilobytes_and_no_more(shop: Shop) -> None:
    """8,192 bytes are taken, one more is 413, however it is sent."""
    text = raw(shop.version)
    full = text + b" " * (8_192 - len(text))

    assert shop.client.post(POST, content=full, headers=HEADERS).status_code == 201
    over = shop.client.post(POST, content=full + b" ", headers=HEADERS)
    streamed = shop.client.post(POST, content=iter([full, b" ", b" "]), headers=HEADERS)
    assert over.status_code == streamed.status_code == 413
    assert over.json()["error"] == "too_large"
    assert len(shop.records()) == 1


@pytest.mark.parametrize(
    "changes",
    [{"version": "1"}, {"extra": 1}, {"purposes": {"spying": "g"}}, {"services": {"hotjar": "g"}}, {"scope": None}],
)
def test_a_body_that_does_not_fit_names_the_field(shop: Shop, changes: dict[str, Any]) -> None:
    """422 with error, message, remedy and field; nothing is recorded."""
    answer = shop.say(body(shop.version) | changes, 422)

    assert sorted(answer) == ["error", "field", "message", "remedy"]
    assert next(iter(changes)) in answer["field"]
    assert shop.records() == []


class TestCors:
    """Exact origins, echoed; nothing else."""

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
    def test_other_origins_leave_nothing(self, shop: Shop, origin: str | None, kind: str | None) -> None:
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

    def test_two_origins_are_none(self, shop: Shop) -> None:
        """Two Origin headers are refused, even when both are right."""
        headers = [("Origin", ORIGIN), ("Origin", ORIGIN), ("Content-Type", "text/plain")]

        assert shop.client.post(POST, content=raw(shop.version), headers=headers).status_code == 403

    def test_the_sites_own_origin_may_read_the_answer(self, shop: Shop) -> None:
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

    def test_the_preflight(self, shop: Shop) -> None:
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


class TestCookie:
    """The choice cookie by HTTP, where the service answers under the page's own host."""

    @pytest.mark.parametrize(
        ("origin", "host", "secure"),
        [
            ("https://www.shop.example", "www.shop.example", True),
            ("http://shop.example:8080", "shop.example:8080", False),
            ("https://www.shop.example", "WWW.shop.example", True),
        ],
    )
    def test_the_same_host_sets_it(self, tmp_path: Path, origin: str, host: str, secure: bool) -> None:
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

    @pytest.mark.parametrize("host", ["consent.example", "shop.example", "www.shop.example:443", "www.shop.example."])
    def test_another_host_does_not(self, shop: Shop, host: str) -> None:
        """A cookie of ours would be no use there: the browser's script stores it."""
        answer = shop.client.post(POST, content=raw(shop.version), headers=HEADERS | {"Host": host})

        assert answer.status_code == 201
        assert "set-cookie" not in answer.headers


class TestLog:
    """The owner's view."""

    @pytest.mark.parametrize(
        "header", [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic x", "bearer: x", "Bearer \x00"]
    )
    def test_it_opens_to_its_token_only(self, shop: Shop, header: str | None) -> None:
        """Without the site's token: 401, and how to get in."""
        answer = shop.client.get(LOG, headers={"Authorization": header} if header is not None else {})

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "tokens/SITE" in answer.json()["remedy"]

    def test_guessing_is_slowed(self, shop: Shop) -> None:
        """After thirty wrong tokens a minute a place waits; the right token still opens."""
        answers = [shop.client.get(LOG, headers={"Authorization": f"Bearer {n}"}).status_code for n in range(35)]

        assert answers == [401] * 30 + [429] * 5
        assert shop.records() == []

    def test_pages_follow_each_other(self, shop: Shop) -> None:
        """Every record comes once, oldest first, also when more are added while one reads."""
        made = [shop.say()["id"] for _ in range(7)]
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            asked = {"limit": "3"} | ({"after": cursor} if cursor else {})
            page = shop.client.get(LOG, params=asked, headers=shop.owner).json()
            seen += [record["id"] for record in page["records"]]
            cursor = page["next"]
            if len(seen) == 3:
                made.append(shop.say()["id"])

        assert seen == made

    def test_spans_and_actions(self, shop: Shop) -> None:
        """`since` is included, `until` is not; an action leaves the others out."""
        given, refused = shop.say(), shop.say(refusal(shop.version))
        later = refused["time"] + 1

        assert [r["id"] for r in shop.records(action="refused")] == [refused["id"]]
        assert [r["id"] for r in shop.records(since=given["time"], until=later)] == [given["id"], refused["id"]]
        assert shop.records(since=later) == []
        assert shop.records(until=given["time"]) == []

    def test_csv(self, shop: Shop) -> None:
        """The same records as CSV, by address or by Accept, with a link to the next page."""
        made = [shop.say()["id"] for _ in range(3)]
        by_address = shop.client.get(f"{LOG}.csv", params={"limit": "2"}, headers=shop.owner)
        by_accept = shop.client.get(LOG, params={"limit": "2"}, headers=shop.owner | {"Accept": "text/csv"})
        following = by_address.links["next"]["url"]
        rest = shop.client.get(f"{LOG}.csv{following}", headers=shop.owner)

        assert by_address.text == by_accept.text
        assert by_address.headers["content-type"] == "text/csv; charset=utf-8"
        lines = [*csv.DictReader(io.StringIO(by_address.text)), *csv.DictReader(io.StringIO(rest.text))]
        assert [line["id"] for line in lines] == made

    def test_wrong_questions(self, shop: Shop) -> None:
        """A parameter that does not fit is named; one site's token opens no other site's log."""
        answer = shop.client.get(LOG, params={"limit": "5000"}, headers=shop.owner)

        assert (answer.status_code, answer.json()["field"]) == (422, "limit")
        assert shop.client.get("/v1/none/log", headers=shop.owner).status_code == 404

    def test_head(self, shop: Shop) -> None:
        """HEAD answers as GET does."""
        assert shop.client.head(LOG, headers=shop.owner).status_code == 200


class TestLimits:
    """Rates, by place and by site."""

    def test_a_place_posts_so_much_and_no_more(self, tmp_path: Path) -> None:
        """Beyond its minute's worth a place gets 429 with the time to wait; withdrawals have a lane of their own."""
        config = config_in(tmp_path, rate_address=5)
        version = asyncio.run(shop_in(config))
        for shop in opened(config, version):
            first = shop.say()
            for _ in range(4):
                shop.say()
            answer = shop.client.post(POST, content=raw(version), headers=HEADERS)
            withdraw = {"control": "withdraw", "purposes": dict.fromkeys(OPTIONAL, "w")}
            linked = body(version, **withdraw, receipt=first["receipt"], write_key=first["write_key"])

            assert answer.status_code == 429
            assert 1 <= int(answer.headers["retry-after"]) <= 12
            assert answer.headers["access-control-allow-origin"] == ORIGIN
            assert shop.say(linked)["action"] == "withdrawn"

    def test_a_site_takes_so_much_and_no_more(self, tmp_path: Path) -> None:
        """A site's budget bounds its rows whoever posts; a proven withdrawal is taken beyond it."""
        config = config_in(tmp_path, rate_site=3)
        version = asyncio.run(shop_in(config))
        for shop in opened(config, version):
            first = shop.say()
            chain = {"receipt": first["receipt"], "write_key": first["write_key"]}
            shop.say()
            shop.say()
            shop.say(status=429)
            withdraw = {"control": "withdraw", "purposes": dict.fromkeys(OPTIONAL, "w")}

            assert shop.say(body(version, **withdraw, **chain))["action"] == "withdrawn"
            assert shop.say(body(version, **withdraw), 429)["error"] == "too_many"
            assert len(shop.records()) == 4

    def test_behind_a_proxy_visitors_are_told_apart(self, tmp_path: Path) -> None:
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


def test_the_region_is_kept_where_it_is_known(tmp_path: Path) -> None:
    """A trusted proxy's word for the visitor's place is in the record; anybody else's is not."""
    config = config_in(tmp_path, trusted_proxies=("10.0.0.0/8",), region_header="CF-Region")
    version = asyncio.run(shop_in(config))
    for shop in opened(config, version):
        for peer in ("10.0.0.1", "192.0.2.1"):
            shop.client._transport.client = (peer, 1)  # type: ignore[attr-defined]
            shop.say(headers={"CF-Region": "US-CA"})

        assert [record["region"] for record in shop.records()] == ["US-CA", ""]


def test_a_forgotten_proxy_is_told_once(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    """When visitors come through a proxy that is not in the settings, the operator reads so, once."""
    shop.client._transport.client = ("172.17.0.1", 1)  # type: ignore[attr-defined]
    for _ in range(3):
        shop.say(headers={"X-Forwarded-For": "198.51.100.99"})

    told = [record.getMessage() for record in caplog.records if record.name == "consent.records.routes"]
    assert told == ["a proxy at 172.17.0.1 is not in trusted_proxies: all its visitors count as one"]


def test_nothing_of_who_asked_is_stored(shop: Shop) -> None:
    """No address and no user agent is in any file that the service writes."""
    shop.client._transport.client = ("203.0.113.77", 4711)  # type: ignore[attr-defined]
    told = {"User-Agent": "Canary/7.7", "X-Forwarded-For": "198.51.100.99", "Cookie": "visitor=canary-cookie"}
    shop.say(headers=told)
    written = b"".join(path.read_bytes() for path in shop.config.data.rglob("*") if path.is_file())

    assert shop.records()[0]["id"].encode() in written
    for canary in (b"203.0.113.77", b"198.51.100.99", b"Canary", b"canary"):
        assert canary not in written


def test_a_fault_says_nothing_about_our_insides(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception nobody foresaw is a 500 with a remedy; what it was is for the operator alone."""

    def faulty(body: bytes) -> Any:
        raise RuntimeError("secret inside")

    monkeypatch.setattr("consent.records.claim.read", faulty)
    answer = shop.client.post(POST, content=raw(shop.version), headers=HEADERS)

    assert answer.status_code == 500
    assert answer.json()["error"] == "fault"
    assert "secret" not in answer.text
