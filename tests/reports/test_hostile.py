"""Hostile texts in every stored field: none runs in any page, and none becomes an element, by escaping alone."""

from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright

from consent.reports import breakdown, visits
from tests.browser.alone.lab import launch
from tests.records.shop import config_in
from tests.reports import hostile
from tests.reports.payloads import payloads
from tests.reports.served import owner, serving

SAMPLE = 12
AT_ONCE = 48
"""Texts of one site: all of them are on its pages, whatever a page leaves out."""

WITNESS = "window.hits = []; window.hit = (number) => hits.push(number); window.alert = hit"
FOREIGN = """[...document.querySelectorAll('*')].filter((one) => one.matches(
  'script:not([src^="/assets/"]), img, iframe, object, embed, base, video, audio, style, math, marquee, template')
  || one.matches('meta[http-equiv], link:not([href^="/assets/"])')
  || [...one.attributes].some((a) => /^on/i.test(a.name) || a.name === 'style' || a.name === 'srcdoc'
    || (['href', 'src', 'action', 'formaction', 'xlink:href'].includes(a.name) && !/^(\\/(?!\\/)|\\?|#)/.test(a.value)))
).map((one) => one.outerHTML.slice(0, 120))"""


def test_there_are_enough() -> None:
    """Three hundred payloads, all different."""
    assert len(set(payloads())) >= 300


@pytest.mark.browser
async def test_a_sample_never_runs(tmp_path: Path) -> None:
    """Every page over a store with a dozen of the worst."""
    texts = payloads()
    assert await ran(tmp_path, texts[:: len(texts) // SAMPLE]) == []


@pytest.mark.slow
@pytest.mark.browser
async def test_none_ever_runs(tmp_path: Path) -> None:
    """Every page over stores that hold them all."""
    assert await ran(tmp_path, payloads()) == []


async def ran(folder: Path, texts: list[str]) -> list[str]:
    """What ran, or stands in a page as markup, though the browser was told to ignore the pages' own policy."""
    config = config_in(folder)
    groups = [texts[at : at + AT_ONCE] for at in range(0, len(texts), AT_ONCE)]
    for number, group in enumerate(groups):
        await hostile.fill(config, f"site-{number}", group)
    name, value = await owner(config, "\"><script>hit('account')</script>")
    found: list[str] = []
    async with serving(config) as origin, async_playwright() as playwright:
        browser = await launch(playwright)
        context = await browser.new_context(bypass_csp=True)
        await context.add_cookies([{"name": name, "value": value, "url": origin}])
        page = await context.new_page()
        await page.add_init_script(WITNESS)
        for number, group in enumerate(groups):
            seen = 0
            for path in await paths(page, origin, f"site-{number}"):
                seen += await look(page, origin + path, group, found)
            assert seen >= 10 * len(group), "the pages do not show the texts"
        await browser.close()
    return found


async def paths(page: Page, origin: str, site: str) -> list[str]:
    """Every page of a site: each breakdown, each record, each visitor."""
    here = f"/sites/{site}"
    found = [f"{here}/{name}" for name in ("overview", "log", "visits", "visitors", "services", "health", "site")]
    found += [f"{here}/consent?by={dim}&against=before" for dim in breakdown.DIMS]
    found += [f"{here}/visits?by={dim}" for dim in visits.DIMS]
    for listed in ("log", "visitors"):
        await page.goto(f"{origin}{here}/{listed}")
        found += await page.eval_on_selector_all(
            f'tbody a[href^="{here}/{listed}/"]', "links => links.map((link) => link.getAttribute('href'))"
        )
    return ["/sites/", *found]


async def look(page: Page, url: str, texts: list[str], found: list[str]) -> int:
    """Open a page and all its folds; note what ran or became markup; how many of the texts it shows as text."""
    answer = await page.goto(url)
    assert answer is not None and answer.status == 200, url
    await page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    found += [f"{url}: {one}" for one in await page.evaluate("hits.map((number) => `hit(${number})`)")]
    found += [f"{url}: {one}" for one in await page.evaluate(FOREIGN)]
    shown = await page.evaluate("document.documentElement.textContent")
    return sum(text.replace("\x00", "\ufffd") in shown for text in texts)
