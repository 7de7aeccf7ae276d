"""Bots by what they call themselves: the patterns of crawler-user-agents (MIT) and uap-core's spiders.

Whoever pretends to be a browser is not found here; see behaviour.py.
"""

import re
from functools import cache
from typing import Any, NamedTuple

import ua_parser_rs
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

EMPTY = "no user agent"

_OWN = (
    r"(?i)\b(?:crawler|spider|scraper|webcrawler)\b",
    r"(?i)(?:^|[^a-z])bot(?:[/;) ]|$)",
    r"(?i)[a-z](?:bot|spider)(?:[/;]|-[a-z]+[ /]|$)",
    r"(?i)(?:bot|crawler|spider)[^;)]{0,40}\+?https?://",
    r"^(?:curl|Wget|okhttp|axios|node-fetch|undici|got|Java|Go-http-client|python|Python|libwww-perl|PHP|Ruby|Apache-HttpClient)\b",
    r"\bHeadlessChrome/",
)
"""What crawlers call themselves in general, for those that no list has yet."""

_NOT = re.compile(r"(?i)\bcubot\b|\bhtc[ _-]butterfly|^(?:alcatel|sonic)")
"""Phones that are called like bots."""


class _Patterns(NamedTuple):
    extractor: Any
    names: tuple[str, ...]


@cache
def patterns() -> _Patterns:
    """The compiled patterns, and a name for each: a word of the list's own, never what was sent."""
    listed = [str(one["pattern"]) for one in CRAWLER_USER_AGENTS_DATA]
    names = (*(_name(pattern) for pattern in listed), *("bot" for _ in _OWN))
    rows = [(pattern, str(index), None, None, None, None) for index, pattern in enumerate((*listed, *_OWN))]
    return _Patterns(ua_parser_rs.UserAgentExtractor(rows), names)


def bot(text: str) -> str:
    """The bot's name, "bot" when it has none that we know; empty when this is none. No user agent at all is a bot."""
    if not text:
        return EMPTY
    known = patterns()
    found = known.extractor.extract(text)
    if found is None or _NOT.search(text):
        return ""
    return known.names[int(found.family)] or "bot"


def _name(pattern: str) -> str:
    """A pattern as people read it: `[Gg]ooglebot\\/` is Googlebot."""
    plain = re.sub(r"\[(\w)\w\]", r"\1", pattern).replace("\\/", "/").replace("\\.", ".").replace("\\-", "-")
    return re.sub(r"[^A-Za-z0-9 ._:/@-]+", " ", re.sub(r"\\[a-z]|\(\?[a-z:!=<]+", " ", plain)).strip(" /.-_:")[:60]
