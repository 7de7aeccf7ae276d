"""The visitors' log in Chromium with nobody attached: pages that are prerendered, tabs that are hidden and killed."""

import json

import pytest

from tests.browser.chromium import Chromium
from tests.browser.diary import ELSEWHERE, PAGE, TELLS, Diary
from tests.browser.driver import Browser
from tests.browser.undriven import undriven

pytestmark = pytest.mark.browser

# A page that agrees where it is to, and once that is in force runs what follows.
AGREES = """<script>
const agreed = /consent=1/.test(document.cookie);
const begin = (run) => (agreed || !%(full)s ? run() : consent.accept());
%(more)s
</script>"""
AHEAD = """begin(() => {
  const rules = document.createElement("script");
  rules.type = "speculationrules";
  rules.text = '{"prerender":[{"urls":["prerendered"],"eagerness":"immediate"}]}';
  document.head.append(rules);
  fetch("/cue/%(run)s-go").then(() => location.assign("prerendered"));
});"""
BEHIND = """fetch("/cue/%(run)s-leave").then(() => location.assign("https://elsewhere.test/"));"""
HIDES = """begin(() => {
  fetch("/cue/%(run)s-hide").then(() => {
    const other = open("https://elsewhere.test/");
    fetch("/cue/%(run)s-show").then(() => {
      other.close();
      fetch("/cue/%(run)s-again").then(() => open("https://elsewhere.test/"));
    });
  });
});"""


@pytest.fixture
def chromium(browser: Browser) -> Chromium:
    if not isinstance(browser, Chromium):
        pytest.skip(f"{browser.name} prerenders nothing, and hides its tabs in test_shown.py")
    return browser


def page(script: str, **fill: str) -> str:
    """A page with a script above its heading."""
    return PAGE.replace("<h1>", TELLS + script % fill + "<h1>")


def told(diary: Diary, mark: int) -> list[tuple[str, str]]:
    """Events as they arrived, repetitions too, with the end of their address; without what was blocked."""
    posts = diary.posts("front", mark)
    events = [event for post in posts for event in json.loads(post.body)["events"]]
    return [(one["event"], one["url"].rpartition("/")[2]) for one in events if one["event"] != "blocked"]


@pytest.mark.parametrize("level", ["full", "count"])
async def test_a_prerendered_page_counts_when_it_is_shown(diary: Diary, chromium: Chromium, level: str) -> None:
    """While Chromium prerenders it, nothing is told of it; shown, it is one view that came from the page before."""
    if level == "count":
        diary.front.headers["x-country"] = "FR"
    mark, known = diary.lab.log.mark(), diary.ids("front")
    fill = {"run": f"p{mark}", "full": json.dumps(level == "full")}
    pages = diary.lab.site.generated
    pages["ahead"] = lambda _: page(AGREES, **fill, more=AHEAD % fill)
    pages["prerendered"] = lambda _: page(f"<script>{BEHIND % fill}</script>".replace("%", "%%"))
    async with undriven(chromium, diary.url("front", "ahead")):
        await diary.seen("front", mark, "prerendering")
        await diary.lab.settle(least=2.5)
        before = told(diary, mark)
        diary.cue(f"{fill['run']}-go")
        await diary.seen("front", mark, "activated")
        if level == "full":
            assert len(await diary.new("front", "event", known, 2)) == 2
        diary.cue(f"{fill['run']}-leave")
        assert await diary.lab.arrive(mark, {f"{ELSEWHERE}/"}) == set()
        await diary.lab.settle(least=1.6)

    assert before == ([("view", "ahead")] if level == "full" else [])
    views = [one for one in diary.events("front", mark) if one["event"] == "view"]
    assert [(one["url"], one["referrer"]) for one in views] == [
        (diary.url("front", "ahead"), ""),
        (diary.url("front", "prerendered"), diary.url("front", "ahead")),
    ]
    assert len([one for one in told(diary, mark) if one[0] == "view"]) == 2
    loads = [one for one in diary.lab.log.since(mark, kinds=["http"]) if one.path == "/front/prerendered"]
    assert [one.headers.get("sec-purpose", "") for one in loads] == ["prefetch;prerender"]


@pytest.mark.parametrize("level", ["full", "count"])
async def test_a_hidden_tab_has_told_what_it_knew(diary: Diary, chromium: Chromium, level: str) -> None:
    """Hidden, a tab tells at once; shown again it is no new view; killed while it is hidden, nothing is lost or told
    twice."""
    if level == "count":
        diary.front.headers["x-country"] = "FR"
    mark, known = diary.lab.log.mark(), diary.ids("front")
    fill = {"run": f"h{mark}", "full": json.dumps(level == "full")}
    diary.lab.site.generated["hides"] = lambda _: page(AGREES, **fill, more=HIDES % fill)
    async with undriven(chromium, diary.url("front", "hides")) as child:
        if level == "full":
            await diary.new("front", "event", known, 1)
        else:
            assert await diary.lab.arrive(mark, {"front.test/front/hides"}) == set()
            await diary.lab.settle(least=1.6)
            assert told(diary, mark) == []
        diary.cue(f"{fill['run']}-hide")
        await diary.seen("front", mark, "hidden")
        await diary.lab.settle()
        assert [one for one in told(diary, mark) if one[0] == "view"] == [("view", "hides")]
        assert ("engagement", "hides") in told(diary, mark)
        diary.cue(f"{fill['run']}-show")
        await diary.seen("front", mark, "visible")
        again = diary.lab.log.mark()
        await diary.lab.settle(least=1.6)
        diary.cue(f"{fill['run']}-again")
        await diary.seen("front", again, "hidden")
        await diary.lab.settle()
        child.kill()
        await child.wait()

    assert told(diary, again) == [("engagement", "hides")]
    assert [one for one in told(diary, mark) if one[0] == "view"] == [("view", "hides")]
    ids = [event["id"] for post in diary.posts("front", mark) for event in json.loads(post.body)["events"]]
    assert len(ids) == len(set(ids))
    if level == "full":
        rows = await diary.new("front", "event", known, 3)
        assert [row["event"] for row in rows if row["event"] != "blocked"].count("view") == 1
    else:
        assert diary.others("front", known) == set()
