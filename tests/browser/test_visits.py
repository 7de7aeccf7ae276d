"""The visitors' log in real browsers: nothing without permission, who comes back with it, and the end of it."""

import asyncio
import json

import pytest

from tests.browser import banner
from tests.browser.conftest import Visitor
from tests.browser.diary import COOKIES, ELSEWHERE, SITES, Diary, held, knows, must_know
from tests.browser.driver import Browser, Page, Profile, wait_for
from tests.browser.service import Health

pytestmark = pytest.mark.browser

DAY = 86_400
TOMORROW = DAY - 60  # by the service's clock alone: what the browser's is a day behind of, is not taken
GONE = "__Host-consent-visitor=;"


@pytest.mark.parametrize("site", ["front", "first"])
@pytest.mark.parametrize("state", ["undecided", "refused", "gpc"])
async def test_nothing_is_asked_without_permission(visitor: Visitor, diary: Diary, site: str, state: str) -> None:
    """Undecided, refused, or with the signal: no request for the log, no cookie, no row, on any page."""
    page = await visitor(Profile(gpc=state == "gpc"))
    mark, known = diary.lab.log.mark(), diary.ids(site)
    await page.goto(diary.url(site))
    if state == "refused":
        await banner.decide(page, "reject", reload=False)
    await page.eval("void consent.track('signup', {plan: 'pro'})")
    for name in ("two", "three"):
        await diary.open(page, site, name)
        await page.eval("void history.pushState({}, '', 'next')")
        await page.eval("void scrollTo(0, 2000)")

    assert diary.asked(site, mark) == []
    assert diary.ours(site, mark) == []
    assert await held(page) == {}
    assert await page.eval(
        "JSON.stringify(Object.keys(localStorage)) + JSON.stringify(Object.keys(sessionStorage))"
    ) in (
        "[][]",
        '["consent.list","consent.receipt"][]',
        '["consent.receipt","consent.list"][]',
        '["consent.list","consent.receipt"]["consent.reload"]',
        '["consent.receipt","consent.list"]["consent.reload"]',
    )
    assert diary.others(site, known) == set()


@pytest.mark.parametrize("site", ["front", "first"])
async def test_the_first_event_tells_where_the_visit_began(
    visitor: Visitor, diary: Diary, browser: Browser, site: str
) -> None:
    """From another site to a landing page, one more page by script, then accepted: landing page and referrer are told,
    with the parameters that are kept and no others, once the choice was recorded and never before."""
    must_know(browser, site)
    page = await visitor()
    await page.goto(f"https://{ELSEWHERE}/")
    mark, known = diary.lab.log.mark(), diary.ids(site)
    await page.click(f"#{site}")
    await banner.shown(page)
    await page.eval("void consent.track?.('signup', {plan: 'pro'})")
    await page.eval("void history.pushState({}, '', 'two?secret=2')")
    assert diary.asked(site, mark) == []
    await banner.decide(page, "accept", reload=True)
    await diary.lab.settle(least=1.6)

    views = [(event["url"], event["referrer"]) for event in diary.events(site, mark) if event["event"] == "view"]
    landing = f"{diary.url(site)}?utm_source=mail&ref=a"
    assert views == [(landing, f"https://{ELSEWHERE}/"), (diary.url(site, "two"), f"{diary.url(site)}?ref=a")]
    kept = [post for post in diary.lab.log.since(mark, kinds=["http"]) if post.path == f"/v1/{site}/consent"]
    assert kept[0].time < diary.posts(site, mark)[0].time
    [row] = await diary.new(site, "session", known, 1)
    assert (row["entry"], row["source"]) == (f"{SITES[site]}/{site}/landing", ELSEWHERE)
    assert json.loads(row["campaign"]) == {"utm_source": "mail"}


@pytest.mark.parametrize("site", ["front", "first"])
async def test_moves_of_a_page_are_told(visitor: Visitor, diary: Diary, browser: Browser, site: str) -> None:
    """Pages shown by script, events and customers of the page, an outbound link, a blocked host, time and depth."""
    must_know(browser, site)
    page = await visitor()
    await page.goto(diary.url(site))
    await banner.shown(page)
    await banner.click(page, "preferences")
    mark, known = diary.lab.log.mark(), diary.ids(site)
    await page.eval("void consent.customer({id: 17, fields: {plan: 'pro', email: 'a@b.example'}})")
    await _grant_statistics(page)
    await diary.lab.settle(least=1.6)
    await page.eval("void history.pushState({}, '', 'two?ref=b&x=1')")
    await page.eval("void consent.track('signup', {plan: 'pro'})")
    await page.eval("void scrollTo(0, 3000)")
    await asyncio.sleep(1.2)
    await page.click("#out")
    await diary.lab.settle(least=1.6)

    told = diary.events(site, mark)
    assert [(one["event"], one["url"].rpartition("/")[2]) for one in told if one["event"] != "engagement"] == [
        ("view", "landing"),
        ("blocked", "landing"),
        ("view", "two?ref=b"),
        ("signup", "two?ref=b"),
        ("outbound", "two?ref=b"),
    ]
    assert [one["target"] for one in told if "target" in one] == ["beacon.cleargif.test", ELSEWHERE]
    seen = [(one["engaged"], one["scrolled"]) for one in told if one["event"] == "engagement"]
    assert seen and seen[-1][0] >= 1 and seen[-1][1] == 4
    assert json.loads(diary.posts(site, mark)[0].body)["customer"] == {"id": "17", "fields": {"plan": "pro"}}
    rows = {row["event"]: row for row in await diary.new(site, "event", known, 5)}
    assert rows.keys() >= {"view", "signup", "outbound", "blocked"}
    assert rows["blocked"]["target"] == "beacon.cleargif.test"
    assert json.loads(rows["signup"]["props"]) == {"plan": "pro"}


async def _grant_statistics(page: Page) -> None:
    """Save the second layer with statistics alone."""
    switch = "document.querySelector('consent-banner').shadowRoot.querySelector('[data-purpose=statistics]')"
    await wait_for(page, f"Boolean({switch})")
    await page.eval(f"void {switch}.click()")
    await banner.click(page, "save")
    await wait_for(page, "document.cookie.includes('statistics:g') && !localStorage['consent.pending']")


async def test_a_visitor_returns_the_next_day(visitor: Visitor, diary: Diary) -> None:
    """The next day the same browser is the same visitor in a second visit, and its cookie is not made longer."""
    page, known = await visitor(), diary.ids("front")
    await diary.agree(page, "front")
    [first] = await diary.new("front", "session", known, 1)
    before, earlier = await held(page), diary.ids("front")
    diary.front.set_clock(TOMORROW)
    await page.restart()
    await diary.open(page, "front", "two")

    [second] = await diary.new("front", "session", earlier, 1)
    assert first["visitor"] == second["visitor"]
    assert (first["visit"], second["visit"]) == (1, 2)
    assert [row["id"] for row in await diary.new("front", "visitor", known, 1)] == [first["visitor"]]
    after = await held(page)
    name = COOKIES[0]
    assert abs(after[name].expires - before[name].expires) < DAY + 60
    assert after[name].http_only and after[name].secure and after[name].domain == SITES["front"]


async def test_a_session_ends(visitor: Visitor, diary: Diary) -> None:
    """It ends with the browser, and after half an hour without a word, not before; the visitor stays."""
    page, known = await visitor(), diary.ids("front")
    await diary.agree(page, "front")
    await diary.open(page, "front", "two")
    for clock, restarted in ((60, True), (30 * 60, False), (61 * 60, False)):
        diary.front.set_clock(clock)
        if restarted:
            await page.restart()
        await diary.open(page, "front", "three")

    await diary.lab.settle(least=1.6)
    sessions = await diary.new("front", "session", known, 3)
    assert [(row["visit"], row["views"]) for row in sessions] == [(1, 2), (2, 2), (3, 1)]
    assert len({row["visitor"] for row in sessions}) == 1


async def test_sites_and_windows_share_nothing(visitor: Visitor, diary: Diary, browser: Browser) -> None:
    """One browser on two sites of one service, and a window of its own on the first: three visitors, no common id."""
    must_know(browser, "first")
    page, private = await visitor(), await visitor()
    known = {site: diary.ids(site) for site in ("first", "second")}
    await diary.agree(page, "first")
    await diary.new("first", "visitor", known["first"], 1)  # a tab behind another begins some seconds later
    await diary.agree(page, "second")
    second = await diary.new("second", "visitor", known["second"], 1)
    await diary.agree(private, "first")
    first = await diary.new("first", "visitor", known["first"], 2)
    await diary.open(page, "first", "two")

    assert len(first) == 2 and len({row["id"] for row in (*first, *second)}) == 3
    sent = [one for one in diary.posts("second") if COOKIES[0] in one.headers.get("cookie", "")]
    others = {
        _sealed(one.headers["cookie"]) for one in diary.posts("first") if COOKIES[0] in one.headers.get("cookie", "")
    }
    assert others, "the service's own host takes its cookies back"
    assert not others & {_sealed(one.headers["cookie"]) for one in sent}


def _sealed(cookie: str) -> str:
    """The value of the visitor's cookie."""
    return cookie.partition(f"{COOKIES[0]}=")[2].partition(";")[0]


@pytest.mark.parametrize("site", ["front", "first"])
async def test_after_a_withdrawal(visitor: Visitor, diary: Diary, browser: Browser, site: str) -> None:
    """The next three navigations carry none of our identifiers anywhere, nothing is asked, and no rows are added: the
    visitor's are gone."""
    must_know(browser, site)
    page, known = await visitor(), diary.ids(site)
    await diary.agree(page, site)
    await diary.open(page, site, "two")
    await diary.new(site, "event", known, 2)
    assert diary.ours(site)
    await diary.withdraw(page)
    mark = diary.lab.log.mark()
    for name in ("two", "three", "four"):
        await diary.open(page, site, name)
        await page.eval("void history.pushState({}, '', 'next')")

    assert diary.ours(site, mark) == []
    assert diary.asked(site, mark) == []
    assert await held(page) == {}
    assert diary.others(site, known) == set()


async def test_who_keeps_no_cookies_is_nobody(visitor: Visitor, diary: Diary, browser: Browser) -> None:
    """With the service on another host a visitor is who brings its cookies back; else no row that nobody could find."""
    page, known = await visitor(), diary.ids("first")
    await diary.agree(page, "first")
    for name in ("two", "three"):
        await diary.open(page, "first", name)
    await page.goto(f"https://{ELSEWHERE}/")
    await diary.lab.settle(least=1.6)

    if knows(browser, "first"):
        assert len(await diary.new("first", "visitor", known, 1)) == 1
        assert len(await diary.new("first", "session", known, 1)) == 1
    else:
        assert diary.others("first", known) == set()


@pytest.mark.parametrize("site", ["front", "first"])
async def test_a_count_where_the_law_exempts_it(visitor: Visitor, diary: Diary, site: str) -> None:
    """Undecided in France: a count without cookie, id or parameter, and no row; after a refusal nothing."""
    service = diary.service(site)
    service.headers["x-country"] = "FR"
    page = await visitor()
    mark, known = diary.lab.log.mark(), diary.ids(site)
    await page.goto(f"{diary.url(site)}?utm_source=mail&ref=a")
    await banner.shown(page)
    await diary.open(page, site, "two")
    await page.goto(f"https://{ELSEWHERE}/")
    await diary.lab.settle(least=1.6)

    views = [one["url"] for one in diary.events(site, mark) if one["event"] == "view"]
    assert diary.url(site, "two") in views and set(views) <= {diary.url(site), diary.url(site, "two")}
    assert diary.ours(site, mark) == []
    counted = [row for row in service.rows("rollup", site) if row["kind"] == "count" and row["dim"] == "page"]
    assert f"{SITES[site]}/{site}/two" in {row["val"] for row in counted}
    assert diary.others(site, known) == set()

    await page.goto(diary.url(site))
    await banner.decide(page, "reject", reload=False)
    mark = diary.lab.log.mark()
    await diary.open(page, site, "two")
    await diary.open(page, site, "three")
    assert diary.asked(site, mark) == []


@pytest.mark.parametrize("health", ["stopped", "failing", "rubbish", "hanging"])
async def test_without_the_service(visitor: Visitor, diary: Diary, health: Health) -> None:
    """Whatever ails the service, the page goes on, its own script works, and no error of ours reaches it."""
    page = await visitor()
    await diary.agree(page, "first")
    known = len(page.errors())
    diary.stats.health = health
    await page.eval("void history.pushState({}, '', 'two')")
    await page.eval("void consent.track('signup')")
    await asyncio.sleep(2)
    await page.eval("void history.pushState({}, '', 'three')")

    assert await page.eval("location.pathname") == "/first/three"
    assert [text for text in page.errors()[known:] if not _of_the_network(text)] == []


def _of_the_network(text: str) -> bool:
    """What browsers write of any request that fails, whoever makes it and however it is caught."""
    return any(
        part in text for part in ("Failed to load resource", "CORS", "NetworkError", "blocked by", "access control")
    )
