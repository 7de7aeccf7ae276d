"""Bots by what they do: signs that a request or a page's script carries, whatever it calls itself. Pure."""

from typing import NamedTuple


class Signs(NamedTuple):
    """What is known of one visit without asking the device for anything.

    Args:
        webdriver: `navigator.webdriver`, which a driven browser must set (W3C WebDriver, 4).
        languages: whether there was an `Accept-Language`; every browser sends one.
        a_minute: page views of this session in its busiest minute.
        engaged: whether there was ever a pointer, key or scroll; None where nobody looked.
    """

    webdriver: bool = False
    languages: bool = True
    a_minute: int = 0
    engaged: bool | None = None


PAGES_A_MINUTE = 60
"""More is no reading. A person who opens a page each second for a minute is taken for a bot, too."""


def suspicion(signs: Signs) -> str:
    """Why this is most likely no person: one of four words; empty when nothing speaks against one."""
    if signs.webdriver:
        return "webdriver"
    if not signs.languages:
        return "no-language"
    if signs.a_minute > PAGES_A_MINUTE:
        return "too-fast"
    return "never-engaged" if signs.engaged is False and signs.a_minute > PAGES_A_MINUTE // 4 else ""
