"""POST /v1/{site}/requests: what a site's own server tells goes no further than each visitor's choice lets it."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from consent.telemetry import service, told
from consent.telemetry.middleware import LogMiddleware
from consent.telemetry.told import Told
from tests.telemetry.site import CHROME, ORIGIN, Site, event, served
from tests.visitors.databases import write

PATH = "/v1/shop/requests"
FRENCH = "192.0.2.77"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The shop, whose service answers under its own host."""
    with served(tmp_path) as made:
        yield made


def request(path: str = "/lamps/", **more: Any) -> Told:
    usual: dict[str, Any] = {"id": f"{abs(hash((path, time.time_ns()))):032x}", "time": time.time_ns() // 1_000_000}
    usual |= {"method": "GET", "url": ORIGIN + path, "status": 200, "address": "198.51.100.0", "took": 7}
    return Told(**{**usual, "headers": {"user-agent": CHROME, "accept-language": "de"}, **more})


def tell(site: Site, *requests: Told, token: str = "", body: Any = None) -> Any:
    headers = {"Authorization": f"Bearer {token or site.token}", "Content-Type": "application/json"}
    return site.client.post(PATH, content=told.write(requests) if body is None else body, headers=headers)


def came(site: Site, *requests: Told) -> dict[str, Any]:
    answer = tell(site, *requests)
    assert answer.status_code == 202, answer.text
    said: dict[str, Any] = answer.json()
    return said


def cookies(site: Site) -> str:
    """The cookies of somebody who agreed and came."""
    site.post(event(path="/"), choice=site.decide())
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in site.client.cookies.jar)


def test_rows(site: Site) -> None:
    """With a grant and our cookies requests join the visit that the page tells of; a repetition counts no further."""
    known = cookies(site)
    view = request("/lamps/?ref=mail&x=1", cookies=known)
    assert came(site, view, request("/none", cookies=known, status=404)) == {"stored": 2, "counted": 0, "left": {}}
    came(site, view)
    [session] = site.rows("select * from session")
    assert (session["views"], session["events"], session["bot"]) == (2, 1, "")
    rows = site.rows("select event, method, path, query, status, props, address from event where props <> ''")
    assert [tuple(row.values()) for row in sorted(rows, key=lambda row: str(row["path"]))] == [
        ("view", "GET", "/lamps/", "ref=mail", 200, '{"took":7}', "198.51.100.0"),
        ("request", "GET", "/none", "", 404, '{"took":7}', "198.51.100.0"),
    ]


def test_without_grant(site: Site) -> None:
    """Without a grant, or without our cookies, there is no row, no new visitor, and no cookie in the answer."""
    known = cookies(site)
    ours = "; ".join(part for part in known.split("; ") if not part.startswith("consent="))
    refused = f"consent={site.choice('d')}; {ours}"
    before = site.rows("select * from visitor")
    answer = tell(
        site,
        request(),
        request(cookies=ours),
        request(cookies=refused),
        request(cookies=f"consent={site.choice()}"),
        request(cookies=known, headers={"user-agent": CHROME, "sec-gpc": "1"}),
    )
    assert "set-cookie" not in answer.headers
    assert answer.json()["stored"] == 1  # the signal covers marketing, and the log's purpose is statistics
    assert answer.json()["left"] == {"not-allowed": 3, "no-identity": 1}
    assert [row["id"] for row in site.rows("select * from visitor")] == [row["id"] for row in before]
    assert len(site.rows("select * from event")) == 2


def test_counts(tmp_path: Path) -> None:
    """Where the law of the address's country exempts it a view is counted; bots, forms and others' pages are not."""
    (tmp_path / "geo").mkdir()
    write(tmp_path / "geo" / "x.mmdb", "geolite2-country", country={"iso_code": "FR"})
    with served(tmp_path) as site:
        bot = {"user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}
        left = [request(headers=bot, address=FRENCH), request(method="POST", address=FRENCH)]
        left += [request(url="https://other.example/", address=FRENCH), request(address="203.0.113.0")]
        said = came(site, request(address=FRENCH), request(address=FRENCH), *left)
        assert (said["counted"], said["stored"]) == (2, 0)
        assert said["left"] == {"bot": 1, "no-view": 1, "other-site": 1, "not-allowed": 1}
        [row] = site.rows("select * from rollup where dim = 'page' and grain = 'day' and kind = 'count'")
        assert (row["val"], row["views"]) == ("www.shop.example/lamps/", 2)
        assert site.dropped() == {"bot": 1, "no-view": 1, "other-site": 1}
        assert site.rows("select * from session") == []


def test_told_again(tmp_path: Path) -> None:
    """A server that got no answer tells of the same requests again: none counts twice."""
    (tmp_path / "geo").mkdir()
    write(tmp_path / "geo" / "x.mmdb", "geolite2-country", country={"iso_code": "FR"})
    with served(tmp_path) as site:
        one = request(address=FRENCH)
        assert came(site, one, request(address=FRENCH))["counted"] == 2
        assert came(site, one, one) == {"stored": 0, "counted": 0, "left": {"duplicate": 2}}
        [row] = site.rows("select views from rollup where dim = 'total' and grain = 'day' and kind = 'count'")
        assert row["views"] == 2


def test_times(site: Site) -> None:
    """What is told more than a day late, or of the future, is left out."""
    known, now = cookies(site), time.time_ns() // 1_000_000
    late = request(cookies=known, time=now - 2 * 86_400_000)
    assert came(site, late, request(cookies=known, time=now + 300_000))["left"] == {"too-old": 1, "too-new": 1}


def test_who_may(site: Site) -> None:
    """Only the site's own token opens it, and only a body that it reads is taken."""
    assert site.client.post(PATH, content=b"{}").status_code == 401
    assert tell(site, request(), token="wrong").status_code == 401
    assert tell(site, body=b"{").status_code == 422
    assert tell(site, body=b'{"requests":[]}' + b" " * told.MAX_BODY).status_code == 413
    headers = {"Authorization": f"Bearer {site.token}", "Content-Type": "text/xml"}
    assert site.client.post(PATH, content=b"", headers=headers).status_code == 415
    assert tell(site, body=b'{"requests":[7,{}]}').json() == {"stored": 0, "counted": 0, "left": {"malformed": 2}}


def test_hostile(site: Site) -> None:
    """Whatever a server passes on of a visitor's making is neutralised or left with a reason."""
    known = cookies(site)
    bad = [
        request(cookies=known, url="javascript:alert(1)"),
        request(cookies=known, url=ORIGIN + "/" + "a" * 3_000),
        request(cookies=known, url="https://[::1"),
        request(cookies="\u0000;=;;consent=" + "x" * 9_000),
        request(cookies=known, headers={"user-agent": "\u202e\u0007" * 4_000}, address="not an address"),
        request(f"/a\u202e%00b/{'1' * 20}/me@shop.example", cookies=known),
    ]
    said = came(site, *bad)
    assert said["left"] == {"bad-url": 3, "not-allowed": 1}
    assert said["stored"] == 2
    held = json.dumps(site.rows("select * from event") + site.rows("select * from session"))
    assert "me@shop" not in held and "\\u202e" not in held and "11111" not in held


def test_middleware(site: Site) -> None:
    """What the middleware of a site tells of a visitor who agreed is a row beside those of its pages."""
    requests: list[Told] = []

    class Sink:
        def put(self, one: Told) -> None:
            requests.append(one)

        def close(self) -> None:
            pass

    known = cookies(site)
    page = Starlette(routes=[Route("/chairs/", lambda _: HTMLResponse("<h1>Chairs</h1>"))])
    with TestClient(LogMiddleware(page, site="shop", sink=Sink()), ORIGIN, client=("198.51.100.9", 1)) as client:
        client.get("/chairs/", headers={"Cookie": known, "User-Agent": CHROME, "Accept-Language": "de"})
    assert came(site, *requests) == {"stored": 1, "counted": 0, "left": {}}
    [row] = site.rows("select * from event where path = '/chairs/'")
    assert (row["event"], row["address"], row["cookies"]) == ("view", "198.51.100.0", "visitor,session")
    assert len(site.rows("select * from session")) == 1
    assert msgspec.json.decode(row["props"])["took"] >= 0


FULL = 'address = "full"\naddress_reason = "fraud is looked into"\naddress_days = 7\n'


@pytest.mark.parametrize(
    ("terms", "settings", "known"), [(FULL, True, "example.net"), (FULL, False, ""), ("", True, "")]
)
def test_reverse_dns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terms: str, settings: bool, known: str) -> None:
    """Names of addresses are asked for only where the operator wants it and the policy keeps addresses in full."""
    asked: list[str] = []

    async def resolve(address: str) -> str:
        asked.append(address)
        return "pool-7.dsl.example.net"

    monkeypatch.setattr(service, "system_resolver", resolve)
    with served(tmp_path, terms, peer="8.8.8.8", reverse_dns=settings) as site:
        site.post(event(), choice=site.decide())
        if known:
            assert site.service.telemetry.reverse is not None and site.client.portal is not None
            site.client.portal.call(site.service.telemetry.reverse._queue.join)
        site.client.cookies.clear()
        site.post(event(), choice=site.decide())
        found = [row["isp_domain"] for row in site.rows("select isp_domain from session order by id")]
    assert (found, asked) == (["", known], ["8.8.8.8"] if known else [])
