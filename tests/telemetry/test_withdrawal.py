"""Who takes back an agreement: cookies go with the answer, rows go soon, an old cookie is nobody; no choice waits."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consent.errors import StoreError
from consent.telemetry.opened import Opened
from tests.records.shop import body as consent_body
from tests.telemetry.site import ELSEWHERE, HEADERS, ORIGIN, TERMS, Site, event, served, version

TABLES = ("visitor", "session", "event")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The shop."""
    with served(tmp_path) as made:
        yield made


def decide(site: Site, letter: str, control: str, **more: Any) -> Any:
    """Post a choice as the banner does, with the cookies that the browser has."""
    purposes = {p.key: letter for p in version(site).resolved.purposes if not p.required}
    said = consent_body(version(site)) | {"control": control, "purposes": purposes, "services": {}} | more
    return site.client.post("/v1/shop/consent", content=json.dumps(said), headers=HEADERS)


def test_a_refusal_forgets_the_visitor(site: Site) -> None:
    """The answer to the choice takes the cookies; rows are deleted; the next pages carry nothing and add nothing."""
    choice = site.decide()
    site.post(event(), choice=choice, customer={"id": "c-1", "fields": {"plan": "pro"}})
    assert len(site.rows("select * from visitor")) == 1

    answer = decide(site, "d", "reject")
    assert answer.status_code == 201, answer.text
    removed = [line for line in answer.headers.get_list("set-cookie") if "consent-" in line.partition("=")[0]]
    assert {line.partition("=")[0] for line in removed} >= {
        "__Host-consent-visitor", "__Host-consent-session", "__Host-consent-customer",
    }  # fmt: skip
    assert all("Max-Age=0" in line for line in removed)
    assert [name for name in site.client.cookies if name.startswith("__Host-")] == []

    for table in TABLES:
        assert site.settled(f"select * from {table}", 0) == []
    for _ in range(3):
        later = site.post(event(), choice=site.client.cookies["consent"])
        assert "consent-" not in later.request.headers["cookie"]
        assert "set-cookie" not in later.headers
    for table in TABLES:
        assert site.rows(f"select * from {table}") == []


SIGNALLED = "".join(
    f'[[purposes]]\nkey = "{key}"\n' + ("gpc = true\n" if key == "statistics" else "")
    for key in ("necessary", "preferences", "statistics", "marketing", "social")
)


def test_the_signal_is_a_refusal(tmp_path: Path) -> None:
    """Who switches on a signal that covers the log is forgotten as by a refusal; who agreed under it goes on."""
    with served(tmp_path, TERMS + SIGNALLED) as site:
        choice = site.decide()
        lines = site.post(event(), choice=choice).headers.get_list("set-cookie")
        old = "; ".join(line.partition(";")[0] for line in lines)
        answer = site.post(event(), choice=choice, headers={"Sec-GPC": "1"})

        assert answer.headers["consent-events"] == "taken=0; dropped=1 not-allowed"
        assert all("Max-Age=0" in line for line in answer.headers.get_list("set-cookie"))
        for table in TABLES:
            assert site.settled(f"select * from {table}", 0) == []
        again = site.post(event(), choice=choice, headers={"Cookie": f"consent={choice}; {old}"})
        assert again.headers["consent-events"] == "taken=0; dropped=1 withdrawn"
        site.client.cookies.clear()
        knowing = site.decide(gpc=True)
        assert site.told(event(), choice=knowing, headers={"Sec-GPC": "1"}) == "taken=1"
        assert site.told(event(), choice=knowing) == "taken=1"
        assert len(site.rows("select * from visitor")) == 1


def test_the_form_without_script(site: Site) -> None:
    """Objecting by the page with the form forgets the visitor as the banner does."""
    site.post(event(), choice=site.decide())
    site.flush()
    answer = site.client.post("/choices/shop", headers={"Origin": ORIGIN}, follow_redirects=False)

    assert answer.status_code == 303
    gone = [line for line in answer.headers.get_list("set-cookie") if line.startswith("__Host-consent-visitor=;")]
    assert gone and all("Max-Age=0" in line for line in gone)
    assert site.settled("select * from visitor", 0) == []


def test_an_old_cookie_is_nobody(site: Site) -> None:
    """A cookie that comes back after its visitor withdrew is taken away, its events dropped, and nobody new begins."""
    choice = site.decide()
    lines = site.post(event(), choice=choice).headers.get_list("set-cookie")
    old = "; ".join(line.partition(";")[0] for line in lines)
    decide(site, "d", "reject")
    site.settled("select * from visitor", 0)
    site.client.cookies.clear()
    answer = site.post(event(), event(), choice=choice, headers={"Cookie": f"consent={choice}; {old}"})

    assert answer.headers["consent-events"] == "taken=0; dropped=2 withdrawn"
    assert all("Max-Age=0" in line for line in answer.headers.get_list("set-cookie"))
    assert site.rows("select * from session") == []
    assert site.dropped() == {"withdrawn": 2}


def test_events_with_a_refusal(tmp_path: Path) -> None:
    """On another host, where the choice's answer sees no cookies, the next events with the refusal do the same."""
    with served(tmp_path, base=ELSEWHERE) as site:
        lines = site.post(event(), choice=site.choice()).headers.get_list("set-cookie")
        cookie = "; ".join(line.partition(";")[0] for line in lines)
        answer = site.post(event(), choice=site.choice("d"), headers={"Cookie": cookie})

        assert all(
            line.endswith("Partitioned") and "Max-Age=0" in line for line in answer.headers.get_list("set-cookie")
        )
        assert site.settled("select * from visitor", 0) == []


def test_a_policy_that_keeps_rows(tmp_path: Path) -> None:
    """With `forget = false` rows stay until they expire; the visitor is known no more all the same."""
    with served(tmp_path, TERMS + "forget = false\n") as site:
        choice = site.decide()
        lines = site.post(event(), choice=choice).headers.get_list("set-cookie")
        old = "; ".join(line.partition(";")[0] for line in lines)
        site.flush()
        decide(site, "d", "reject")
        assert len(site.settled("select * from forgotten", 1)) == 1
        site.client.cookies.clear()

        assert site.told(event(), choice=choice, headers={"Cookie": f"consent={choice}; {old}"}).endswith("1 withdrawn")
        assert len(site.rows("select * from event")) == 1


def test_a_choice_that_lets_it_go_on(site: Site) -> None:
    """Who refuses something else keeps the visit."""
    site.post(event(), choice=site.decide())
    answer = decide(site, "g", "save", services={"youtube": "d"})

    assert answer.status_code == 201, answer.text
    assert not any(line.startswith("__Host-") for line in answer.headers.get_list("set-cookie"))
    assert len(site.rows("select * from visitor")) == 1


def test_no_choice_waits_for_the_log(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that fails, in whatever way, changes nothing for choices: they are recorded, and cookies go."""
    site.post(event(), choice=site.decide())
    door = site.service.telemetry.door
    assert isinstance(door, Opened)

    async def broken(*_: object, **__: object) -> None:
        raise StoreError("store_fault", "The disk is full.", "Make room.")

    monkeypatch.setattr(door.forgetting, "forget", broken)
    answer = decide(site, "d", "reject")
    assert answer.status_code == 201
    assert any("__Host-consent-visitor=;" in line for line in answer.headers.get_list("set-cookie"))

    monkeypatch.setattr(door, "forget", lambda *_, **__: 1 / 0)
    site.post(event(), choice=site.decide())
    site.decide()
    assert decide(site, "w", "withdraw").status_code == 201


def test_a_log_that_cannot_be_opened(tmp_path: Path) -> None:
    """The service runs without it: events are answered and dropped, choices are recorded, and /readyz tells."""
    with served(tmp_path) as site:
        assert site.client.get("/readyz").json()["visits"] == ""
    (tmp_path / "telemetry.sqlite").write_bytes(b"no database" * 1_000)
    for path in tmp_path.glob("telemetry.sqlite-*"):
        path.unlink()
    config_again = served_again(tmp_path)
    with config_again as site:
        ready = site.client.get("/readyz")
        assert ready.status_code == 200 and ready.json()["visits"] != ""
        held = site.post(event(), choice=site.decide())
        assert held.headers["consent-events"] == "taken=0; dropped=1 no-store"
        assert "set-cookie" not in held.headers
        assert decide(site, "d", "reject").status_code == 201
        assert site.client.get("/v1/shop/pixel.gif?page=/").status_code == 200
        assert site.client.get("/v1/shop/visitor", headers={"Origin": ORIGIN}).status_code in (200, 503)


def test_a_withdrawal_while_the_log_is_shut(tmp_path: Path) -> None:
    """Who withdraws while the log cannot be opened is forgotten when it can be again."""
    with served(tmp_path) as site:
        site.post(event(), choice=site.decide())
        assert len(site.rows("select * from visitor")) == 1
        cookies = dict(site.client.cookies)
    store = tmp_path / "telemetry.sqlite"
    whole = store.read_bytes()
    store.write_bytes(b"no database" * 1_000)
    with served_again(tmp_path) as site:
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        purposes = {p.key: "d" for p in version(site).resolved.purposes if not p.required}
        said = consent_body(version(site)) | {"control": "reject", "purposes": purposes, "services": {}}
        answer = site.client.post("/v1/shop/consent", content=json.dumps(said), headers=HEADERS | {"Cookie": header})
        assert answer.status_code == 201
    store.write_bytes(whole)
    with served_again(tmp_path) as site:
        assert site.settled("select * from visitor", 0) == []


def served_again(folder: Path) -> Any:
    """The service over a folder that was served before."""
    from contextlib import contextmanager

    from starlette.testclient import TestClient

    from consent.app import create_app
    from consent.config import Config
    from tests.telemetry.site import GENEROUS, PEER

    @contextmanager
    def again() -> Iterator[Site]:
        config = Config(data=folder, public_url=ORIGIN, **GENEROUS)
        with TestClient(create_app(config), base_url=ORIGIN, client=(PEER, 50_000)) as client:
            yield Site(client, config, "")

    return again()
