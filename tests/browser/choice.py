"""A visitor who decided earlier: the cookie and the list that the widget would have left, by the service's code.

The tests of clicking leave them by clicking; these are for what follows from a stored choice, whoever stored it.
"""

import json
import time
from collections.abc import Mapping
from functools import cache

from consent.policy.check import read_checked
from consent.policy.resolved import Resolved
from consent.policy.sources import checksum, covers, list_text
from consent.records.cookie import Choice, Grant, Letter, encode
from tests.browser import own
from tests.browser.arrivals import Arrival
from tests.browser.driver import Page
from tests.browser.service import POLICY

DAY = 86_400


@cache
def policy() -> Resolved:
    """The shop's policy, resolved."""
    return read_checked(POLICY.read_text(encoding="utf-8"))[0]


def optional() -> list[str]:
    """The purposes that a visitor decides about."""
    return [purpose.key for purpose in policy().purposes if not purpose.required]


def stored(purposes: Mapping[str, Letter], services: Mapping[str, Grant]) -> tuple[str, str]:
    """The value of the cookie, and of `consent.list`."""
    text = list_text(policy(), purposes, services)
    choice = Choice(
        day=int(time.time()) // DAY,
        scope=policy().scope,
        purposes=dict(purposes),
        services=dict(services),
        sum=checksum(text),
    )
    value = encode(choice)
    return value, f"{value} {text}"


def accepted() -> tuple[str, str]:
    return stored(dict.fromkeys(optional(), "g"), {})


def rejected() -> tuple[str, str]:
    return stored(dict.fromkeys(optional(), "d"), {})


def partial(*granted: str) -> tuple[str, str]:
    """Everything refused but these services."""
    return stored(dict.fromkeys(optional(), "d"), dict.fromkeys(granted, "g"))


async def seed(page: Page, choice: tuple[str, str]) -> None:
    """Leave a choice in the browser, on a page of the site that has no snippet."""
    await page.goto(f"https://{own.HOST}/bare/frame.html")
    cookie, text = choice
    line = f"consent={cookie}; path=/; max-age=8640000; secure; samesite=lax"
    await page.eval(f"document.cookie = {json.dumps(line)}")
    await page.eval(f"void localStorage.setItem('consent.list', {json.dumps(text)})")


def belongs(arrival: Arrival) -> set[str]:
    """The declared services that have a source for what arrived."""
    place = ("wss://" if arrival.kind == "ws" else "") + arrival.place
    return {s.key for s in policy().services if any(covers(source, place) for source in s.sources)}
