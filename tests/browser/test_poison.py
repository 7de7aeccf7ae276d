"""Hostile values in the choice cookie and in storage: they execute nothing, unlock nothing, break nothing."""

import json
from collections.abc import Iterator

import pytest

from tests.browser import choice
from tests.browser.arrivals import REQUESTS
from tests.browser.conftest import Visitor
from tests.browser.driver import Page
from tests.browser.lab import Lab

pytestmark = pytest.mark.browser

TARGET = "probe.cleargif.test"  # where the probe page would go if anything were unlocked; no service has it
LEAST = 500
BATCH = 100

HALF = "\ud800"  # half a character: browsers can store it, Python cannot sum it up
# Each would, if it were written into the page unchecked, run a script, end the policy, or widen it.
PAYLOADS = (
    "\"><script>top.pwned=1</script>",
    "'><script>top.pwned=1</script>",
    "\"><img src=x onerror=top.pwned=1>",
    "-->\"><svg onload=top.pwned=1>",
    "</script><script>top.pwned=1</script>",
    "<!--<script>",
    "\"><meta http-equiv=refresh content='0;url=javascript:top.pwned=1'>",
    "\"><base href=https://probe.cleargif.test/>",
    "*",
    "https://*",
    "http: https: data:",
    "'unsafe-inline'",
    "'self' *",
    "*.test",
    "*.*",
    "*.com *",
    "probe.cleargif.test; default-src *",
    "probe.cleargif.test;",
    "probe.cleargif.test, default-src *",
    "probe.cleargif.test\" x=\"",
    "probe.cleargif.test\t*",
    "probe.cleargif.test\n*",
    "probe.cleargif.test\u00a0*",
    "probe.cleargif.test\u2028*",
    "probe.cleargif.test/&quot;><script>top.pwned=1</script>",
    "probe.cleargif.test/?x",
    "probe.cleargif.test/#",
    "probe.cleargif.test/\\",
    "probe.cleargif.test:*",
    "probe.cleargif.test:999999",
    "wss://*",
    "javascript:",
    "data:text/html,<script>top.pwned=1</script>",
    "blob: filesystem:",
    "\u0000",
    "%22%3E%3Cscript%3Etop.pwned=1%3C/script%3E",
    "&#34;&#62;",
    "__proto__",
    HALF,
    "A" * 100_000,
    "a.b " * 5_000,
    " ",
    "",
    "|",
)  # fmt: skip


def _poisons() -> Iterator[tuple[str, str]]:
    """Pairs of cookie and list: payloads in every part of both, with and without a checksum that fits."""
    good, text = choice.accepted()
    for payload in PAYLOADS:
        for index in range(7):
            parts = good.split(".")
            parts[index] = payload
            if parts != good.split("."):
                yield ".".join(parts), text
        yield payload, text
        yield good, payload
        yield good, f"{good} {payload}"
        if payload != HALF:
            yield _summed(f"{payload}|")
            yield _summed(f"|{payload}")
            yield _summed(f"youtube.test {payload} youtube.test|")


def _summed(text: str) -> tuple[str, str]:
    """A cookie whose checksum fits a list that no policy ever made: only the tokens' own pattern is left to stop it."""
    from consent.policy.sources import checksum

    good, _ = choice.accepted()
    value = ".".join([*good.split(".")[:-1], checksum(text)])
    return value, f"{value} {text}"


# Works off hostile pairs: each is set, the probe page is opened in a frame, and looked at. `OPEN` says how.
WORK = """async (pairs) => {
  const found = [];
  const text = await (await fetch('/VARIANT/probe.html')).text();
  for (const [index, [cookie, list]] of pairs.entries()) {
    // A value with a control character may lose its attributes, and stand beside the next one under another path.
    for (const path of ['/', '/bare', '/bare/']) document.cookie = `consent=; path=${path}; max-age=0`;
    if (/(^|; )consent=/.test(document.cookie)) found.push([index, 'an earlier cookie stays', document.cookie]);
    document.cookie = 'consent=' + cookie + '; path=/; secure';
    try { localStorage.setItem('consent.list', list); } catch { localStorage.removeItem('consent.list'); }
    const frame = document.body.appendChild(document.createElement('iframe'));
    const inside = frame.contentWindow;
    OPEN;
    const core = frame.contentWindow.consent?.core;
    const body = frame.contentDocument.getElementById('own')?.textContent;
    if (window.pwned || !core || core.list || core.late || body !== 'probe') {
      const said = [String(window.pwned), JSON.stringify(core?.list), body];
      found.push([index, cookie.slice(0, 80), list.slice(0, 80), ...said]);
    }
    frame.remove();
  }
  return found;
}"""
WRITTEN = "inside.document.open(), inside.document.write(text.replace('INDEX', index)), inside.document.close()"
LOADED = "await new Promise((done) => { frame.onload = done; frame.src = '/VARIANT/probe.html?' + index; })"


async def _work_off(page: Page, lab: Lab, how: str, pairs: list[tuple[str, str]]) -> list[object]:
    """What the hostile pairs achieved, and what arrived where nothing may."""
    await page.goto(lab.site.url("frame.html"))
    mark = lab.log.mark()
    work = WORK.replace("OPEN", how).replace("VARIANT", "meta")
    found: list[object] = []
    for start in range(0, len(pairs), BATCH):
        found += await page.eval(f"({work})({json.dumps(pairs[start : start + BATCH])})")
    return found + [arrival for arrival in lab.log.since(mark, kinds=REQUESTS) if arrival.host == TARGET]


async def test_hostile_values_do_nothing(visitor: Visitor, lab: Lab) -> None:
    """Of at least 500 hostile cookies and lists none runs a script, adds a token, or costs the page its content."""
    pairs = list(_poisons())
    lab.service.health = "failing"  # the core alone: it decides; the widget has a test of its own below

    page = await visitor()

    found = await _work_off(page, lab, WRITTEN, pairs)

    assert len(pairs) >= LEAST
    assert found == []
    assert len(await _work_off(page, lab, WRITTEN, [choice.accepted()])) == 1  # what opens something is noticed


async def test_hostile_values_do_nothing_to_the_widget(visitor: Visitor, lab: Lab) -> None:
    """The same with pages from the network and the widget running, for one pair in twenty-five."""
    pairs = list(_poisons())[::25]

    assert await _work_off(await visitor(), lab, LOADED, pairs) == []
