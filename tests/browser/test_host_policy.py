"""Sites with a strict policy of their own: nonces for scripts and styles, and Trusted Types."""

import pytest

from tests.browser import banner, choice, own
from tests.browser.conftest import Visitor
from tests.browser.driver import Browser
from tests.browser.lab import Lab, bare, requests

pytestmark = pytest.mark.browser

NONCE = "bm9uY2Ugb2YgdGhlIHRlc3Q"
POLICY = f"script-src 'nonce-{NONCE}'; style-src 'nonce-{NONCE}'; require-trusted-types-for 'script'"
NAME = "nonce.html"


@pytest.fixture
def strict_host(lab: Lab) -> str:
    """The pages with that header; the owner wrote the nonce into our script tag as into his own."""
    snippet = lab.site.variants["meta"].snippet.replace("<script>", f'<script nonce="{NONCE}">', 1)
    headers = [("Content-Security-Policy", POLICY)]
    lab.site.variants.setdefault("nonce", own.Variant(snippet, headers, nonce=NONCE))
    lab.site.variants.setdefault("nonce-bare", own.Variant("", headers, nonce=NONCE))
    return "nonce"


async def test_the_banner_works_under_a_strict_policy(
    visitor: Visitor, lab: Lab, browser: Browser, strict_host: str
) -> None:
    """The banner shows, styled; accepting opens what the site's own policy allows; not one violation is ours."""
    page = await visitor()
    await page.goto(lab.site.url(NAME, "nonce-bare"))
    await lab.settle()
    without_us = len(page.errors())

    mark = lab.log.mark()
    await lab.visit(page, NAME, strict_host)
    await banner.shown(page)
    assert requests(lab.log.since(mark)) == []
    assert await page.eval(STYLED)

    mark = lab.log.mark()
    await banner.decide(page, "accept", reload=True)

    assert await lab.arrive(mark, {"beacon.cleargif.test/clear.gif", "www.youtube.com/embed/dQw4w9WgXcQ"}) == set()
    blocked = [text for text in page.errors()[without_us:] if not any(host in text for host in FOREIGN)]
    assert blocked == []


STYLED = """(() => {
  const button = document.querySelector('consent-banner').shadowRoot.querySelector('[data-consent=accept]');
  const plain = document.body.appendChild(document.createElement('button'));
  const differs = getComputedStyle(button).backgroundColor !== getComputedStyle(plain).backgroundColor;
  plain.remove();
  return differs;
})()"""
# What the strict policy rightly refused before the choice.
FOREIGN = ("beacon.cleargif.test", "www.youtube.com")


async def test_a_stored_choice_works_under_a_strict_policy(
    visitor: Visitor, lab: Lab, browser: Browser, strict_host: str
) -> None:
    """The core's one write passes Trusted Types: an accepted page opens, a refused one stays closed."""
    page = await visitor()

    await choice.seed(page, choice.accepted())
    mark = lab.log.mark()
    await lab.visit(page, NAME, strict_host)
    assert await lab.arrive(mark, {"beacon.cleargif.test/clear.gif"}) == set()

    await choice.seed(page, choice.rejected())
    assert requests(await lab.visit(page, NAME, strict_host)) == []
    assert await bare(lab, browser, "plain.html")
