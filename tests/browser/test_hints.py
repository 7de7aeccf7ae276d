"""Client Hints of high entropy: nothing asks the device for them, and none arrives, before the visitor has agreed."""

import json

import pytest

from tests.browser import banner
from tests.browser.chromium import ChromiumPage
from tests.browser.conftest import Visitor
from tests.browser.diary import ELSEWHERE, PAGE, Diary, must_know
from tests.browser.driver import Browser, Profile

pytestmark = pytest.mark.browser

# Stands above the snippet, and tells the page's own server of each call. A browser that says it is driven counts as a
# robot, of which no model is kept.
SPY = """<script>{
const { prototype } = NavigatorUAData, real = prototype.getHighEntropyValues;
prototype.getHighEntropyValues = function (names) {
  navigator.sendBeacon(`seen/asked-${names.join()}`);
  return real.call(this, names);
};
Object.defineProperty(Navigator.prototype, "webdriver", { value: false });
}</script>"""
ASKED = "seen/asked-platformVersion,model,fullVersionList,formFactors"

# All of them (WICG UA Client Hints, 3) but brands, mobile and platform, which Chromium sends unasked.
HIGH = tuple(
    f"sec-ch-ua-{name}"
    for name in (
        "arch",
        "bitness",
        "form-factors",
        "full-version",
        "full-version-list",
        "model",
        "platform-version",
        "wow64",
    )
)

PHONE = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} Mobile Safari/537.36"


@pytest.fixture(autouse=True)
def spied(diary: Diary, browser: Browser) -> None:
    """Each page has the spy."""
    if "hints" in browser.lacks:
        pytest.skip(browser.lacks["hints"])
    for name in ("watched", "watched_too"):
        diary.lab.site.generated[name] = lambda _: PAGE.replace("{{snippet}}", SPY + "{{snippet}}")


def calls(diary: Diary, mark: int) -> list[str]:
    """What pages asked their device for."""
    return [one.path for one in diary.lab.log.since(mark, kinds=["http"]) if "/seen/asked" in one.path]


def headers(diary: Diary, mark: int) -> set[str]:
    """Hints of high entropy that arrived in headers, anywhere."""
    return {name for one in diary.lab.log.since(mark, kinds=["http"]) for name in one.headers if name in HIGH}


@pytest.mark.parametrize("site", ["front", "first"])
@pytest.mark.parametrize("state", ["undecided", "refused", "gpc", "counted"])
async def test_nothing_asks_without_a_grant(visitor: Visitor, diary: Diary, site: str, state: str) -> None:
    """Undecided, refused, with the signal, where a count is exempt: no call on any page, and no hint in any request."""
    if state == "counted":
        diary.service(site).headers["x-country"] = "FR"
    page, mark = await visitor(Profile(gpc=state == "gpc")), diary.lab.log.mark()
    await page.goto(diary.url(site, "watched"))
    await banner.shown(page)
    if state == "refused":
        await banner.decide(page, "reject", reload=False)
    await diary.open(page, site, "watched_too")
    await page.eval("void history.pushState({}, '', 'next')")
    await page.goto(f"https://{ELSEWHERE}/")
    await diary.lab.settle(least=1.6)

    posts = diary.posts(site, mark)
    assert bool(posts) == (state == "counted")
    assert [post.body for post in posts if json.loads(post.body).get("hints")] == []
    assert calls(diary, mark) == []
    assert headers(diary, mark) == set()


@pytest.mark.parametrize("site", ["front", "first"])
async def test_they_reach_the_row_after_the_grant(visitor: Visitor, diary: Diary, browser: Browser, site: str) -> None:
    """A phone whose user agent is frozen: nothing until it agrees, then version, model and system are those that its
    hints tell; after the withdrawal nothing asks again."""
    must_know(browser, site)
    page, known, mark = await visitor(), diary.ids(site), diary.lab.log.mark()
    assert isinstance(page, ChromiumPage)
    major = browser.version.partition(".")[0]
    brands = [{"brand": "Chromium", "version": browser.version}, {"brand": "Not:A-Brand", "version": "8.0.0.0"}]
    await page.disguise(
        PHONE.format(f"{major}.0.0.0"),
        {
            "brands": [{**one, "version": one["version"].partition(".")[0]} for one in brands],
            "fullVersionList": brands,
            "platform": "Android",
            "platformVersion": "15.0.0",
            "architecture": "",
            "model": "Pixel 9",
            "mobile": True,
            "formFactors": ["Mobile"],
        },
    )
    await page.goto(diary.url(site, "watched"))
    await banner.shown(page)
    await diary.lab.settle(least=1.6)
    assert calls(diary, mark) == [] and diary.posts(site, mark) == []
    await banner.decide(page, "accept", reload=True)
    [row] = await diary.new(site, "session", known, 1)

    assert (row["browser_version"], row["system"], row["system_version"]) == (browser.version, "Android", "15.0.0")
    assert (row["model"], row["device"]) == ("Pixel 9", "phone")
    assert calls(diary, mark) == [f"/{site}/{ASKED}"]
    said = json.loads(diary.posts(site, mark)[0].body)["hints"]
    assert said["platformVersion"] == "15.0.0" and said["model"] == "Pixel 9" and said["fullVersionList"] == brands
    assert headers(diary, mark) == set()
    await diary.withdraw(page)
    mark = diary.lab.log.mark()
    await diary.open(page, site, "watched_too")
    assert calls(diary, mark) == [] and diary.posts(site, mark) == []


async def test_what_this_browser_says_arrives(visitor: Visitor, diary: Diary, browser: Browser) -> None:
    """Undisguised: all four parts of its version, of which its user agent has but the first. (The row says what it is,
    a browser without a head.)"""
    page, known, mark = await visitor(), diary.ids("front"), diary.lab.log.mark()
    await diary.agree(page, "front", "watched")
    [row] = await diary.new("front", "session", known, 1)
    post = diary.posts("front", mark)[0]

    assert {"brand": "Chromium", "version": browser.version} in json.loads(post.body)["hints"]["fullVersionList"]
    assert f"/{browser.version.partition('.')[0]}.0.0.0" in post.headers["user-agent"]
    assert row["bot"] == "HeadlessChrome"
