"""What a visitor does with the banner, in one place: the words of the page may change, these attributes may not."""

from tests.browser.driver import Page, wait_for

BANNER = "Boolean(document.querySelector('consent-banner')?.shadowRoot?.querySelector('[data-consent=accept]'))"


async def shown(page: Page) -> None:
    """Wait until the first layer can be answered."""
    await wait_for(page, BANNER)


async def ready(page: Page) -> None:
    """Wait until the whole widget is there, also what it loads after the banner."""
    await wait_for(page, "consent.get('necessary') === true")


async def click(page: Page, action: str) -> None:
    """Click a control of the banner, of the second layer, or the permanent one (`open`)."""
    await page.click(f"[data-consent={action}]")


async def reloaded(page: Page, before: float) -> None:
    """Wait until the page that had `before` as its time of birth was replaced by a loaded one."""
    await wait_for(page, f"performance.timeOrigin !== {before} && document.readyState === 'complete'", seconds=8)


async def born(page: Page) -> float:
    """When this document was made: changes with each load."""
    return float(await page.eval("performance.timeOrigin"))


async def decide(page: Page, action: str, *, reload: bool) -> None:
    """Answer the first layer, and wait until the answer is acknowledged (and the page loaded anew, if it should)."""
    await shown(page)
    before = await born(page)
    await click(page, action)
    if reload:
        await reloaded(page, before)
    await wait_for(page, "document.cookie.includes('consent=1.') && !localStorage['consent.pending']")
