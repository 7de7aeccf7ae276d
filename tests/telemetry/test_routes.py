"""POST /v1/{site}/events, as browsers reach it: levels, cookies, answers, who may post."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consent.records.intake import milliseconds
from consent.telemetry.sent import Sent
from consent.telemetry.standing import Judge
from consent.visitors.visit import LASTS
from tests.telemetry.site import CHROME, ELSEWHERE, EVENTS, HEADERS, ORIGIN, PEER, Site, event, served, today


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """The shop, whose service answers under its own host."""
    with served(tmp_path) as made:
        yield made


def names(answer: Any) -> list[str]:
    """The cookies that an answer sets or removes."""
    return [line.partition("=")[0] for line in answer.headers.get_list("set-cookie")]


def test_a_visit(site: Site) -> None:
    """Who agreed gets two cookies at the first request and none at the next; all of it becomes rows of one visit."""
    choice = site.decide()
    first = site.post(event(url=f"{ORIGIN}/lamps/?ref=mail&x=1&utm_source=news#top", referrer="https://search.example/find?q=me",
                            load=812), choice=choice, screen="large")  # fmt: skip
    second = site.post(event("engagement", engaged=12, scrolled=3), event(path="/cart/"), choice=choice, screen="large")

    assert (first.status_code, first.content, first.headers["consent-events"]) == (202, b"", "taken=1")
    assert names(first) == ["__Host-consent-visitor", "__Host-consent-session"] and names(second) == []
    [visitor] = site.rows("select * from visitor")
    [session] = site.rows("select * from session")
    rows = site.rows("select * from event order by time, event desc")
    assert (visitor["visits"], visitor["views"]) == (1, 2)
    assert (session["visitor"], session["views"], session["engaged"]) == (visitor["id"], 2, 12)
    assert (session["entry"], session["exit"]) == ("www.shop.example/lamps/", "www.shop.example/cart/")
    assert (session["source"], session["referrer"]) == ("search.example", "search.example/find")
    assert json.loads(session["campaign"]) == {"utm_source": "news"}
    assert (session["browser"], session["browser_version"], session["device"]) == ("Chrome", "131", "desktop")
    assert (session["language"], session["languages"], session["screen"]) == ("de", "de-AT,en", "large")
    assert {row["session"] for row in rows} == {session["id"]}
    landing = next(row for row in rows if row["load_time"])
    assert (landing["host"], landing["path"], landing["query"]) == ("www.shop.example", "/lamps/", "ref=mail")
    assert (landing["address"], landing["allowed_by"], landing["policy_version"]) == ("198.51.100.0", "granted", 1)
    assert {row["cookies"] for row in rows} == {"", "visitor,session"}
    assert int(session["id"][:12], 16) == session["began"]


def test_time_alone_begins_no_visit(site: Site) -> None:
    """A page that is left when its visit is over, or the cookies are gone, makes neither a visit nor a visitor."""
    answer = site.post(event("engagement", engaged=12), choice=site.decide())

    assert (answer.headers["consent-events"], names(answer)) == ("taken=0; dropped=1 no-visit", [])
    assert site.rows("select * from visitor") == site.rows("select * from session") == []


def test_cookies_keep_to_their_terms(site: Site) -> None:
    """Both are HttpOnly, of this host and for https alone; the visitor's ends 390 days after the first day at most."""
    answer = site.post(event(), choice=site.decide())
    visitor, session = answer.headers.get_list("set-cookie")

    assert re.fullmatch(
        r"__Host-consent-visitor=[\w-]+; Path=/; Max-Age=(\d+); SameSite=Lax; Secure; HttpOnly", visitor
    )
    assert int(re.findall(r"Max-Age=(\d+)", visitor)[0]) <= LASTS * 86_400
    assert re.fullmatch(r"__Host-consent-session=[\w-]+; Path=/; SameSite=Lax; Secure; HttpOnly", session)


def test_under_another_host(tmp_path: Path) -> None:
    """Elsewhere the page's word is the choice, and a visitor is who brings partitioned cookies back; over plain http
    there is none."""
    with served(tmp_path, base=ELSEWHERE) as site:
        answer = site.post(event(), choice=site.choice())
        cookie = "; ".join(line.partition(";")[0] for line in answer.headers.get_list("set-cookie"))
        assert (answer.status_code, site.rows("select * from visitor")) == (205, [])
        assert site.post(event(), choice=site.choice(), headers={"Cookie": cookie}).status_code == 202
        plain = site.post(event(url="http://www.shop.example/"), choice=site.choice(),
                          headers={"Origin": "http://www.shop.example"})  # fmt: skip

        lines = answer.headers.get_list("set-cookie")
        assert len(lines) == 2 and all(line.endswith("SameSite=None; Secure; HttpOnly; Partitioned") for line in lines)
        assert ("set-cookie" not in plain.headers, plain.headers["consent-events"]) == (True, "counted=1")
        [known] = site.rows("select first, last from visitor")
        assert 0 <= known["last"] - known["first"] < 60_000
        assert site.rows(
            "select sum(views) as n from rollup where kind = 'count' and dim = 'total' and grain = 'day'"
        ) == [{"n": 1}]


def test_never_a_count_where_the_policy_has_none(tmp_path: Path) -> None:
    """With `counts = false` who agreed on a page that can keep no cookie is not even a number."""
    with served(tmp_path, "counts = false\n", base=ELSEWHERE) as site:
        headers = {"Origin": "http://www.shop.example"}
        said = site.told(event(url="http://www.shop.example/"), choice=site.choice(), headers=headers)

        assert said == "taken=0; dropped=1 no-identity"
        assert site.rows("select * from rollup") == []


def test_what_the_store_could_not_tell_is_asked_again(site: Site) -> None:
    """While older scopes cannot be read a choice under one counts for nothing; once they can, it counts."""
    judge, now = Judge(site.service.telemetry.intake._jar), milliseconds()
    sent = Sent(PEER, cookies=f"consent={site.choice(scope='0badcafe')}".encode(), where="page")

    assert judge.judge(site.live, sent, frozenset(), now).level == "nothing"
    assert judge.judge(site.live, sent, frozenset({"0badcafe"}), now).level == "full"


def test_links_within_the_site(site: Site) -> None:
    """A link from one of the site's hosts to another leads nowhere else; one without a target is none."""
    links = [event("outbound", target=target) for target in ("www.shop.example", "x.example", "", "not a host")]

    assert site.told(*links, choice=site.decide()) == "taken=1; dropped=2 bad-target; dropped=1 own-link"
    assert [row["target"] for row in site.rows("select target from event")] == ["x.example"]


def test_nothing_said_nothing_kept(site: Site) -> None:
    """Without a choice, and where no law exempts a count, an answer is all there is: no cookie, no row, no number."""
    answer = site.post(event(), event("blocked", target="https://ads.example/x"))

    assert (answer.status_code, answer.headers["consent-events"]) == (202, "taken=0; dropped=2 not-allowed")
    assert names(answer) == []
    for table in ("visitor", "session", "event", "rollup", "dropped", "forgotten"):
        assert site.rows(f"select * from {table}") == [], table


def test_counted_where_the_law_exempts_it(tmp_path: Path) -> None:
    """In France a page view before a choice is a number by day: no id, no cookie, no address, no hour but of load."""
    trusted: dict[str, Any] = {"region_header": "X-Region", "trusted_proxies": ("198.51.100.0/24",)}
    with served(tmp_path, **trusted) as site:
        france = {"X-Region": "FR", "X-Forwarded-For": "203.0.113.9"}
        answer = site.post(event(load=400, referrer="https://search.example/q"), screen="small", headers=france)
        german = site.told(event(), headers={"X-Region": "DE"})
        refused = site.told(event(), choice=site.decide("d"), headers=france)

        assert (answer.headers["consent-events"], names(answer)) == ("counted=1", [])
        assert (german, refused) == ("taken=0; dropped=1 not-allowed", "taken=0; dropped=1 not-allowed")
        rows = site.rows("select * from rollup")
        assert {row["kind"] for row in rows} == {"count"}
        assert {(row["dim"], row["val"], row["also"]) for row in rows if row["grain"] == "day"} >= {
            ("total", "", ""), ("page", "www.shop.example/lamps/", ""), ("country", "FR", ""),
            ("page*source", "www.shop.example/lamps/", "search.example"),
        }  # fmt: skip
        assert all(row["loaded"] and not row["views"] for row in rows if row["grain"] == "hour")
        assert sum(row["views"] for row in rows if (row["dim"], row["grain"]) == ("total", "day")) == 1
        for table in ("visitor", "session", "event"):
            assert site.rows(f"select * from {table}") == [], table


def test_the_stricter_word_counts(site: Site) -> None:
    """Under the page's own host a grant counts only where page and cookie both say it; a refusal of either is one."""
    granted, refused = site.choice(), site.choice("d")

    assert site.told(event(), choice=granted) == "taken=0; dropped=1 not-allowed"
    site.decide()
    assert site.told(event(), choice="") == "taken=0; dropped=1 not-allowed"
    assert site.told(event(), choice=refused) == "taken=0; dropped=1 not-allowed"
    assert site.told(event(), choice=granted) == "taken=1"
    site.decide("d")
    assert site.told(event(), choice=granted) == "taken=0; dropped=1 not-allowed"


def test_only_the_service_refused(site: Site) -> None:
    """Statistics agreed to but not our log: nothing of ours."""
    choice = site.decide(services={"visits": "d"})

    assert site.told(event(), choice=choice) == "taken=0; dropped=1 not-allowed"
    assert site.rows("select * from visitor") == []


def test_cookies_are_taken_away_without_a_grant(site: Site) -> None:
    """Who has our cookies and no grant any more, as when the choice ran out, loses them with the next answer."""
    site.post(event(), choice=site.decide())
    gone = site.post(event(), choice=site.decide(day=today() - 200))

    assert names(gone) == ["__Host-consent-visitor", "__Host-consent-session", "__Host-consent-customer"]
    assert all("Max-Age=0" in line for line in gone.headers.get_list("set-cookie"))
    assert [name for name in site.client.cookies if name != "consent"] == []
    assert len(site.rows("select * from visitor")) == 1  # a choice that ran out is no withdrawal


def test_hints_are_read_with_consent_alone(tmp_path: Path) -> None:
    """What a page had to ask the device for is in rows; a count never has it, whoever sends it."""
    full = [{"brand": "Google Chrome", "version": "131.0.6778.86"}]
    hints = {"platformVersion": "15.0.0", "model": "", "fullVersionList": full, "brands": [], "mobile": False}
    sent = {"Sec-CH-UA": '"Google Chrome";v="131", "Chromium";v="131"', "Sec-CH-UA-Platform": '"Windows"',
            "Sec-CH-UA-Mobile": "?0"}  # fmt: skip
    with served(tmp_path) as site:
        site.post(event(), choice=site.decide(), hints=hints, headers=sent)
        [session] = site.rows("select * from session")

        assert (session["system"], session["system_version"]) == ("Windows", "11")
        assert session["browser_version"] == "131.0.6778.86"


def test_bots(site: Site) -> None:
    """A driven browser, one without languages, and one that names itself a bot are told by a word."""
    choice = site.decide()
    kinds: list[tuple[dict[str, Any], dict[str, str]]] = [
        ({"webdriver": True}, {}),
        ({}, {"Accept-Language": ""}),
        ({}, {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"}),
    ]
    for more, headers in kinds:
        site.client.cookies.clear()
        site.decide()
        site.post(event(), choice=choice, headers=headers, **more)

    assert sorted(row["bot"] for row in site.rows("select bot from session")) == [
        "Googlebot",
        "no-language",
        "webdriver",
    ]
    assert {row["device"] for row in site.rows("select device from session")} == {"bot"}


def test_a_blocked_host_has_its_service(site: Site) -> None:
    """What the policy refused is told with the declared service it belongs to, or none."""
    site.told(
        event("blocked", target="https://www.youtube.com/embed/x?secret=1"),
        event("blocked", target="ads.example"),
        choice=site.decide(),
    )
    rows = site.rows("select target, service from event order by target")

    assert rows == [{"target": "ads.example", "service": ""}, {"target": "www.youtube.com", "service": "youtube"}]


def test_what_a_page_tells_of_its_customer(site: Site) -> None:
    """The id and declared fields are in the visitor's row, behind a cookie of their own; other fields are dropped."""
    choice = site.decide()
    answer = site.post(event(), choice=choice, customer={"id": "c-17", "fields": {"plan": "pro", "iban": "DE12"}})
    again = site.post(event(), choice=choice, customer={"id": "c-17", "fields": {"plan": "pro"}})
    [visitor] = site.rows("select * from visitor")

    assert answer.headers["consent-events"] == "taken=1; dropped=1 customer-field-undeclared"
    assert names(answer)[2:] == ["__Host-consent-customer"] and names(again) == []
    assert (visitor["customer"], json.loads(visitor["customer_fields"])) == ("c-17", {"plan": "pro"})


def test_a_policy_without_customers_has_none(tmp_path: Path) -> None:
    """Where the policy names no field, not even an id is taken."""
    with served(tmp_path, "") as site:
        said = site.told(event(), choice=site.decide(), customer={"id": "c-17", "fields": {}})

        assert said == "taken=1; dropped=1 customer-undeclared"
        assert site.rows("select customer from visitor") == [{"customer": ""}]


def test_a_customer_without_an_event(site: Site) -> None:
    """Who is signed in is known at once, also where there is nothing else to tell."""
    choice = site.decide()
    site.post(event(), choice=choice)
    site.post(choice=choice, customer={"id": "c-1", "fields": {"plan": "pro"}})

    assert site.rows("select customer, customer_fields from visitor") == [
        {"customer": "c-1", "customer_fields": '{"plan":"pro"}'}
    ]


def test_a_field_that_is_not_declared_any_more(site: Site) -> None:
    """What a cookie of an earlier policy tells of a customer is kept as far as the policy of today lets it."""
    fields = {"plan": "pro", "company": "ACME"}
    site.post(event(), choice=site.decide(), customer={"id": "c-1", "fields": fields})
    for terms, kept in (('customer = ["plan"]\n', '{"plan":"pro"}'), ("", "")):
        site.publish(terms)
        site.change("update visitor set customer = '', customer_fields = ''")
        site.post(event(), choice=site.choice())
        assert site.rows("select customer_fields from visitor") == [{"customer_fields": kept}]


APP = {"name": "Shop for iOS", "version": "3.2", "device": "phone", "system": "iOS", "system_version": "18.1"}


def test_an_app(site: Site) -> None:
    """An app that the policy lists posts without Origin, and keeps sealed texts instead of cookies."""
    body: dict[str, Any] = {"choice": site.choice(), "events": [event()], "app": APP}
    headers = {"Content-Type": "application/json", "User-Agent": "Shop/3.2 CFNetwork"}
    first = site.client.post(EVENTS, content=json.dumps(body), headers=headers)
    body |= {"app": APP | first.json(), "events": [event()]}
    second = site.client.post(EVENTS, content=json.dumps(body), headers=headers)

    assert first.status_code == 202 and set(first.json()) == {"visitor", "session"}
    assert second.json() == {} and "set-cookie" not in first.headers
    [session] = site.rows("select * from session")
    assert (session["app"], session["app_version"], session["device"]) == ("Shop for iOS", "3.2", "phone")
    assert (session["system"], session["system_version"], session["bot"], session["views"]) == ("iOS", "18.1", "", 2)


@pytest.mark.parametrize("app", [None, {"name": "Another app"}])
def test_nobody_else_posts_without_a_page(site: Site, app: Any) -> None:
    """Without an Origin only listed apps are heard; a page that calls itself an app is refused."""
    body = {"choice": site.choice(), "events": [event()]} | ({"app": app} if app else {})
    answer = site.client.post(EVENTS, content=json.dumps(body), headers={"Content-Type": "application/json"})
    page = site.post(event(), choice=site.choice(), app=APP)

    assert (answer.status_code, answer.json()["error"]) == (403, "wrong_origin")
    assert ("`telemetry.apps`" if app else "`origins`") in answer.json()["remedy"]
    assert (page.status_code, page.json()["field"]) == (422, "app")


def test_an_app_has_no_field_for_a_place(site: Site) -> None:
    """Where a device is cannot be sent."""
    body = {"choice": site.choice(), "events": [event()], "app": APP | {"location": "48.2,16.3"}}
    answer = site.client.post(EVENTS, content=json.dumps(body), headers={"Content-Type": "application/json"})

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("origins", "status"),
    [
        ([ORIGIN], 202),
        (["http://www.shop.example"], 202),
        (["https://WWW.shop.example"], 403),
        (["https://shop.example"], 403),
        ([f"{ORIGIN}:443"], 403),
        ([f"{ORIGIN}."], 403),
        (["null"], 403),
        (["https://www.other.example"], 403),
        ([ORIGIN, ORIGIN], 403),
        ([ORIGIN, "https://evil.example"], 403),
        ([""], 403),
    ],
)
def test_cross_origin(site: Site, origins: list[str], status: int) -> None:
    """Exactly one of the policy's origins is echoed, with credentials; any other is told nothing."""
    body = json.dumps({"choice": "", "events": []}).encode()
    lines = [("Content-Type", "text/plain"), *(("Origin", origin) for origin in origins)]
    answer = site.client.post(EVENTS, content=body, headers=lines)
    asked = site.client.options(EVENTS, headers=[*lines, ("Access-Control-Request-Method", "POST")])

    assert answer.status_code == status
    assert asked.status_code == (204 if status == 202 else 403)
    for one in (answer, asked):
        assert one.headers.get("access-control-allow-origin") == (origins[0] if status == 202 else None)
        assert one.headers.get("access-control-allow-credentials") == ("true" if status == 202 else None)
        assert "*" not in one.headers.get("access-control-allow-origin", "")


def test_visitors_of_two_sites_are_two(tmp_path: Path) -> None:
    """One browser has no id in common at two sites of one service, and one's cookie is none at the other."""
    with served(tmp_path, base=ELSEWHERE) as site:
        shop = site.post(event(), choice=site.choice()).headers.get_list("set-cookie")
        site.post(event(), choice=site.choice(), headers={"Cookie": "; ".join(one.partition(";")[0] for one in shop)})
        other_live = site.service.published.live("other")
        choice = site.choice(scope=other_live.version.scope)
        cookie = "; ".join(line.partition(";")[0] for line in shop)
        other = site.post(event(url="https://www.other.example/"), path="/v1/other/events", choice=choice,
                          headers={"Origin": "https://www.other.example", "Cookie": cookie})  # fmt: skip
        visitors = site.rows("select site_id, id from visitor order by site_id")

        assert len(other.headers.get_list("set-cookie")) == 2
        assert [row["site_id"] for row in visitors] == [1, 2]
        assert visitors[0]["id"] != visitors[1]["id"]


def test_floods_are_shed(tmp_path: Path) -> None:
    """More posts than one place may send are refused with the time to wait, counted, and hold up no choice."""
    with served(tmp_path, rate_events_address=3) as site:
        choice = site.decide()
        answers = [site.post(event(), choice=choice).status_code for _ in range(5)]

        assert answers == [202, 202, 202, 429, 429]
        assert site.dropped() == {"rate": 2}
        assert int(site.post(event(), choice=choice).headers["retry-after"]) >= 1


def test_choices_go_first(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """While many choices wait for the disk, events are to come again, and nothing of them is read."""
    choice = site.decide()
    monkeypatch.setattr(site.service.telemetry.events, "_queued", lambda: 17)
    answer = site.post(event(), choice=choice)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert site.rows("select * from session") == site.rows("select * from dropped") == []


def test_a_flood_that_cannot_be_counted_comes_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """While too many drops are in memory alone, events are to come again, and no longer."""
    choice = site.decide()
    monkeypatch.setattr("consent.telemetry.opened.UNTOLD", 52)
    site.service.telemetry.intake.door.drop(site.live.site.site_id, milliseconds(), "buffer-full", 3)
    assert site.post(event(), choice=choice).status_code == 503
    site.flush()

    assert site.post(event(), choice=choice).status_code == 202
    assert site.dropped() == {"buffer-full": 3}


def test_without_a_log_nothing_happens(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site whose policy has no [telemetry] answers, and keeps nothing."""
    choice = site.decide()
    resolved = msgspec.structs.replace(site.live.version.resolved, telemetry=None)
    monkeypatch.setattr(site.live, "version", msgspec.structs.replace(site.live.version, resolved=resolved))

    assert site.told(event(), choice=choice) == "taken=0; dropped=1 no-log"
    assert site.client.post(EVENTS, content=b"{", headers=HEADERS).status_code == 422
    assert site.rows("select * from session") == site.rows("select * from dropped") == []


def test_the_browser_is_not_kept_as_it_calls_itself(site: Site) -> None:
    """No raw user agent is in the store."""
    site.post(event(), choice=site.decide())
    site.flush()

    assert CHROME.encode() not in site.config.telemetry_store.read_bytes()
    assert HEADERS["User-Agent"] == CHROME
