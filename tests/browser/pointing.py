"""Clicks that land. WebDriver clicks a point of the window, and a page that comes up or is laid out moves meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from tests.browser.driver import PageError

# Finds the first visible match, in the page and in every open shadow root, scrolls it into view, and tells its middle:
# once it stands where it stood a look before, and nothing else lies there. A press that falls elsewhere all the same
# is kept from the page, so that it can be tried again.
AIM = """(css) => {
  const seen = (root) => [...root.querySelectorAll(css)].concat(
    ...[...root.querySelectorAll('*')].filter((e) => e.shadowRoot).map((e) => seen(e.shadowRoot)));
  const found = seen(document).find((e) => e.getClientRects().length && getComputedStyle(e).visibility === 'visible');
  if (!found) return null;
  found.scrollIntoView({block: 'nearest', inline: 'nearest', behavior: 'instant'});
  const box = found.getClientRects()[0];
  const [x, y] = [Math.floor(box.x + box.width / 2), Math.floor(box.y + box.height / 2)];
  const before = window.__aim;
  const aim = window.__aim = {found, x, y, missed: false, stop() {}};
  // WebKit scrolls to and fro by a pixel
  if (before?.found !== found || Math.hypot(before.x - x, before.y - y) > 2) return null;
  let at = document.elementFromPoint(x, y);
  for (let deeper; (deeper = at?.shadowRoot?.elementFromPoint(x, y)) && deeper !== at;) at = deeper;
  while (at && at !== found) at = at.assignedSlot || at.parentElement || at.getRootNode().host;
  if (!at) return null;
  const kinds = ['pointerdown', 'mousedown', 'pointerup', 'mouseup', 'click'];
  const judge = (event) => {
    if (event.type === 'pointerdown') aim.missed = !event.composedPath().includes(found);
    if (aim.missed) { event.preventDefault(); event.stopImmediatePropagation(); }
  };
  aim.stop = () => kinds.forEach((kind) => removeEventListener(kind, judge, true));
  kinds.forEach((kind) => addEventListener(kind, judge, true));
  return [x, y];
}"""
MISSED = """(() => { const aim = window.__aim; delete window.__aim; aim?.stop(); return Boolean(aim?.missed); })()"""


class Clicked(Protocol):
    """A page that evaluates."""

    async def eval(self, script: str) -> object: ...


async def click(page: Clicked, css: str, press: Callable[[int, int], Awaitable[None]], *, seconds: float = 5.0) -> None:
    """Press the first visible match of `css` in its middle. Raises PageError when none can be hit in time."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while clock() < deadline:
        place = await page.eval(f"({AIM})({css!r})")
        if isinstance(place, list):
            await press(int(place[0]), int(place[1]))
            if not await _missed(page):
                return
        await asyncio.sleep(0.03)
    raise PageError(f"click {css}: nothing visible that can be hit within {seconds:g} s")


async def _missed(page: Clicked) -> bool:
    try:
        return bool(await page.eval(MISSED))
    except PageError:
        return False  # the click has closed the page, or led away from it
