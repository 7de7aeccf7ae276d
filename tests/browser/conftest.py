"""What the browser tests share. Entering the network of our own must come first: sockets stay where they were made."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from tests.browser import chromium, firefox, net, own, webkit
from tests.browser.diary import Diary
from tests.browser.driver import ANYONE, Browser, NoBrowserError, Page, Profile, World
from tests.browser.lab import Lab
from tests.browser.recorder import Recorder
from tests.browser.service import HOST as SERVICE
from tests.browser.service import Service

NETWORK = net.enter()
LAUNCH: dict[str, Callable[[World], Awaitable[Browser]]] = {
    "chromium": chromium.launch,
    "firefox": firefox.launch,
    "webkit": webkit.launch,
}
Visitor = Callable[..., Awaitable[Page]]


def pytest_report_header() -> list[str]:
    return [f"browser tests: {NETWORK.unseen}"] if NETWORK.unseen else []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The second variant in the third browser shares all its code with the first: only when there is time.

    MiniBrowser under WebDriver hangs now and then: what fails there is tried again, and told as rerun. In the others
    only what a browser did not do or show in time is tried again, once; never what arrived where it must not.
    """
    for item in items:
        asked = getattr(getattr(item, "callspec", None), "params", {})
        if asked.get("browser") == "webkit":
            item.add_marker(pytest.mark.flaky(reruns=2))
        elif asked.get("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun=["PageError"]))
        if asked.get("browser") == "webkit" and asked.get("variant") == "strict":
            item.add_marker("slow")


@pytest.fixture(scope="session")
def recorder() -> Iterator[Recorder]:
    recorder = Recorder(NETWORK)
    recorder.start()
    yield recorder
    recorder.stop()


@pytest.fixture(scope="session")
def lab(recorder: Recorder) -> Iterator[Lab]:
    """The recorder with the site on it, and the real service behind it."""
    lab = Lab(recorder, own.Site(), Service())
    recorder.serve(own.HOST, lab.site.answer)
    recorder.serve(SERVICE, lab.service.answer)
    lab.service.start()
    for variant in ("meta", "strict", "tag"):
        lab.site.variants[variant] = own.Variant(lab.service.snippet(variant))
    yield lab
    lab.service.stop()


@pytest.fixture(scope="session", params=LAUNCH)
async def browser(request: pytest.FixtureRequest, recorder: Recorder) -> AsyncIterator[Browser]:
    """Each browser that is to be had, kept for the session."""
    try:
        browser = await LAUNCH[request.param](World(NETWORK, recorder.port, recorder.authority.key_hash))
    except NoBrowserError as error:
        pytest.skip(str(error))
    yield browser
    await browser.close()


@pytest.fixture
async def visitor(browser: Browser, lab: Lab) -> AsyncIterator[Visitor]:
    """Makes a visitor nobody has seen before: a fresh profile, closed when the test ends."""
    pages: list[Page] = []

    async def arrive(profile: Profile = ANYONE) -> Page:
        pages.append(await browser.page(profile))
        return pages[-1]

    yield arrive
    lab.service.health = "up"
    for page in pages:
        await page.close()


@pytest.fixture(scope="session")
def diaries(lab: Lab) -> Iterator[Diary]:
    """Two services with sites that keep a log of their visitors."""
    diary = Diary(lab)
    diary.start()
    yield diary
    diary.stop()


@pytest.fixture
def diary(diaries: Diary) -> Iterator[Diary]:
    """The same, well and by the machine's clock again after the test."""
    yield diaries
    for service in (diaries.front, diaries.stats):
        service.health = "up"
        service.set_clock(0)
        service.headers.clear()
