"""The visitors' log of pages that are shown without being loaded: from the back-forward cache, or as a tab in front."""

import asyncio
import json

import pytest

from tests.browser import banner
from tests.browser.arrivals import now
from tests.browser.conftest import Visitor
from tests.browser.diary import COOKIES, ELSEWHERE, PAGE, SITES, TELLS, Diary, held, must_know
from tests.browser.driver import Browser, wait_for

pytestmark = pytest.mark.browser


def kept(diary: Diary, browser: Browser, *, typed: bool = False) -> str:
    """The name of a page that tells when it comes back; of one that is never loaded anew, where `typed`."""
    name = f"{'typed' if typed else 'kept'}_{browser.name}"
    text = PAGE.replace("<h1>", TELLS + "<h1>")
    if typed:
        text = text.replace('<html lang="en">', '<html lang="en" data-consent-reload="never">')
    diary.lab.site.generated[name] = lambda _: text
    return name


def loads(diary: Diary, site: str, name: str, mark: int) -> int:
    """How often a page was asked for."""
    path = f"/{site}/{name}"
    return len([one for one in diary.lab.log.since(mark, kinds=["http"]) if one.path == path])


def told_twice(diary: Diary, site: str, mark: int) -> list[str]:
    """Ids of events that arrived more than once."""
    ids = [event["id"] for post in diary.posts(site, mark) for event in json.loads(post.body)["events"]]
    return [one for one in ids if ids.count(one) > 1]


def counted(diary: Diary, name: str) -> tuple[int, ...]:
    """Views, arrivals and bounces of a page of the front site in anonymous counts."""
    where = ("count", "page", "day", f"{SITES['front']}/front/{name}")
    cells = [
        row
        for row in diary.front.rows("rollup", "front")
        if (row["kind"], row["dim"], row["grain"], row["val"]) == where
    ]
    return tuple(sum(row[measure] for row in cells) for measure in ("views", "sessions", "bounces"))


async def grown(diary: Diary, name: str, before: tuple[int, ...]) -> list[int]:
    """By how much that grew, when it is two views; the log is written some time after it has answered."""
    deadline = now() + 6
    while True:
        found = [after - earlier for after, earlier in zip(counted(diary, name), before, strict=True)]
        if found[0] >= 2 or now() > deadline:
            return found
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("site", ["front", "first"])
async def test_coming_back_is_a_view(visitor: Visitor, diary: Diary, browser: Browser, site: str) -> None:
    """A page that the back-forward cache gives back is one more view of the same visit, and no arrival; no time runs
    while it is away."""
    must_know(browser, site)
    page, name, known = await visitor(), kept(diary, browser), diary.ids(site)
    began = diary.lab.log.mark()
    await diary.agree(page, site)
    await diary.open(page, site, name)
    await diary.open(page, site, "two")
    await diary.new(site, "event", known, 3)
    earlier = {one["id"] for one in diary.events(site, began)}
    mark, back = diary.lab.log.mark(), now()
    await page.back()
    await diary.seen(site, mark, "restored")

    here = diary.url(site, name)
    views = await diary.views(site, mark, 1)
    assert [(one["url"], one["referrer"], one.get("load")) for one in views] == [(here, here, None)]
    await page.eval("void history.pushState({}, '', 'three')")
    passed = now() - back
    views = await diary.views(site, mark, 2)
    assert [(one["url"], one["referrer"]) for one in views[1:]] == [(diary.url(site, "three"), here)]
    fresh = [one for one in diary.events(site, mark) if one["id"] not in earlier]  # what had no answer is sent again
    spent = [one["engaged"] for one in fresh if one["event"] == "engagement" and one["url"] == here]
    assert sum(spent) <= passed
    assert loads(diary, site, name, mark) == 0
    await diary.lab.settle(least=1.6)
    rows = await diary.new(site, "event", known, len(diary.events(site, began)))
    viewed = sorted((row["time"], row["path"].rpartition("/")[2]) for row in rows if row["event"] == "view")
    assert [path for _, path in viewed] == ["landing", name, "two", name, "three"]
    [session] = await diary.new(site, "session", known, 1)
    assert session["views"] == 5 and session["entry"].endswith("/landing") and session["exit"].endswith("/three")


async def test_coming_back_is_counted_as_no_arrival(visitor: Visitor, diary: Diary, browser: Browser) -> None:
    """Where the law exempts a count, a page that comes back is a view more, not an arrival more, and counted once."""
    diary.front.headers["x-country"] = "FR"
    page, name, known = await visitor(), kept(diary, browser), diary.ids("front")
    mark, before = diary.lab.log.mark(), counted(diary, name)
    await page.goto(diary.url("front", name))
    await banner.shown(page)
    await diary.lab.settle()
    await diary.open(page, "front", "two")
    await page.back()
    await diary.seen("front", mark, "restored")
    await page.goto(f"https://{ELSEWHERE}/")
    await diary.lab.settle(least=1.6)

    here = diary.url("front", name)
    views = [(one["url"], one.get("referrer")) for one in await diary.views("front", mark, 3) if one["url"] == here]
    assert views == [(here, ""), (here, here)]
    assert told_twice(diary, "front", mark) == []
    assert await grown(diary, name, before) == [2, 1, 0]
    assert diary.others("front", known) == set()


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("site", ["front", "first"])
async def test_withdrawn_while_it_was_kept(
    visitor: Visitor, diary: Diary, browser: Browser, site: str, *, typed: bool
) -> None:
    """A page comes back after the visitor withdrew on the next one: nothing of it is told any more, also where it is
    not loaded anew."""
    must_know(browser, site)
    page, name, known = await visitor(), kept(diary, browser, typed=typed), diary.ids(site)
    await diary.agree(page, site)
    await diary.open(page, site, name)
    await diary.open(page, site, "two")
    await diary.new(site, "event", known, 3)
    await diary.withdraw(page)
    mark = diary.lab.log.mark()
    await page.back()
    await diary.seen(site, mark, "restored")
    await wait_for(page, "document.readyState === 'complete'")
    await page.eval("void scrollTo(0, 2000)")
    await page.eval("void consent.track('signup', {plan: 'pro'})")
    await page.eval("void history.pushState({}, '', 'three')")
    await diary.lab.settle(least=2.5)
    await page.goto(f"https://{ELSEWHERE}/")
    await diary.lab.settle(least=1.6)

    assert diary.posts(site, mark) == []
    assert diary.ours(site, mark) == []
    assert COOKIES[0] not in await held(page)
    assert loads(diary, site, name, mark) == (0 if typed else 1)
    assert diary.others(site, known) == set()


async def test_agreed_while_it_was_kept(visitor: Visitor, diary: Diary, browser: Browser) -> None:
    """A page that was left undecided comes back after the visitor agreed on the next one: it is one view."""
    page, name, known = await visitor(), kept(diary, browser), diary.ids("front")
    await page.goto(diary.url("front", name))
    await banner.shown(page)
    await diary.lab.settle()
    await diary.agree(page, "front", "two")
    await diary.new("front", "event", known, 1)
    mark = diary.lab.log.mark()
    await page.back()
    await diary.seen("front", mark, "restored")
    await diary.views("front", mark, 1)
    await diary.lab.settle(least=2)

    views = [one["url"] for one in diary.events("front", mark) if one["event"] == "view"]
    assert views == [diary.url("front", name)]
    assert loads(diary, "front", name, mark) == 1


async def test_a_tab_behind_another(visitor: Visitor, diary: Diary, browser: Browser) -> None:
    """A tab that another one hides tells at once what it knew, and nothing more while it is hidden."""
    if "hiding" in browser.lacks:
        pytest.skip(browser.lacks["hiding"])
    page, name = await visitor(), kept(diary, browser)
    await diary.agree(page, "front")
    await diary.open(page, "front", name)
    mark = diary.lab.log.mark()
    other = await page.tab()
    await diary.seen("front", mark, "hidden")
    await other.goto(f"https://{ELSEWHERE}/")
    await diary.lab.settle(least=1.6)

    told = diary.events("front", mark)
    assert [(one["event"], one["url"]) for one in told] == [("engagement", diary.url("front", name))]
