"""POST /v1/{site}/consent, through the whole application."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from consent.records.cookie import decode
from tests.records.served import HEADERS, POST, Shop, opened
from tests.records.shop import OPTIONAL, ORIGIN, body, config_in, raw, refusal, shop_in


def test_a_choice_is_answered_when_it_is_recorded(shop: Shop) -> None:
    """201 with id, receipt, write key, time, action, the cookie to store, and evidence; the log has it."""
    answer = shop.say()
    [record] = shop.records()

    assert sorted(answer) == [
        "action", "cookie", "id", "proof", "receipt", "record", "time", "vkey", "write_key",
    ]  # fmt: skip
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
    assert (changed["action"], changed["receipt"], "write_key" in changed) == ("withdrawn", first["receipt"], False)
    for wrong in (
        {"write_key": other["write_key"]},
        {"receipt": other["receipt"]},
        {"receipt": "r" * 22},
        {"write_key": "w" * 43},
    ):
        assert shop.say(refusal(shop.version, **chain | wrong), 403)["error"] == "wrong_write_key"
    assert [record["action"] for record in shop.records()] == ["given", "given", "withdrawn"]


@pytest.mark.parametrize("control", ["reject", "save", "api", "object"])
def test_refusals_and_withdrawals_are_found_as_such(shop: Shop, control: str) -> None:
    """By whatever button: a refusal after an acceptance is found as withdrawn, one after a refusal as refused."""
    for first, action in ((body(shop.version), "withdrawn"), (refusal(shop.version), "refused")):
        began = shop.say(first)
        chain = {"receipt": began["receipt"], "write_key": began["write_key"]}
        later = shop.say(refusal(shop.version, control=control, **chain))

        assert later["action"] == action
        assert later["id"] in [record["id"] for record in shop.records(action=action)]
    assert len(shop.records(action="refused")) == 2
    assert shop.records(action="changed") == []


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
        for _ in range(2):
            again = shop.client.post(POST, content=json.dumps(said), headers=HEADERS | {"Host": "www.shop.example"})
            choice = decode(again.json()["cookie"])

            assert (again.status_code, again.json()) == (200, first)
            assert choice is not None
            assert choice.scope == old.scope != new.scope
            assert again.headers["set-cookie"].startswith(f"consent={first['cookie']}; ")
        assert shop.say(refusal(old, key=said["key"]), 409)["error"] == "policy_outdated"
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
