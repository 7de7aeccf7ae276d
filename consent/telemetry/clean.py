"""Addresses of pages as the log keeps them: without ids, e-mails, tokens, query, control characters. Pure and cached.

What looks like an id is replaced and not hashed (TM-06, TM-07): pages are told apart by what they are, not by whom they
are about. It errs towards replacing.
"""

import itertools
import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

MAX_URL = 2_048
"""Characters of an address that are looked at; a longer one is none."""

MAX_PATH = 200
MAX_SEGMENTS = 20
MAX_VALUE = 100
"""Characters of a path, of its parts, and of one value of a query."""

MAX_PARAMETERS = 60
"""Parameters of a query that are looked at."""

DECODED = 4
"""Times that a part of a path may have been encoded, one in another."""

CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")

CACHED = 8_192

ID = ":id"
EMAIL = ":email"

_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff0-\uffff]"
    r"|[\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""Control characters, what changes the direction of text, and what is not seen."""

_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?|\[[0-9a-f:.]{2,45}\]")
_EMAIL = re.compile(r"[^\s/?&=:;,<>()]{1,64}(?:@|%40)[^\s/?&=:;,<>()]{1,253}", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_DATE = re.compile(r"(?:19|20)[0-9]{2}[-.]?(?:0[1-9]|1[0-2])(?:[-.]?(?:0[1-9]|[12][0-9]|3[01]))?")
_NUMBER = re.compile(r"\+?[0-9](?:[ .()+-]{0,2}[0-9]){4,}")
"""Five digits or more, also with the marks that telephone numbers, cards and addresses of machines have between."""

_WORD = re.compile(r"[^\W_]+|[\W_]+")
_LONGEST_WORD = 28
"""Letters. What is longer is no word that somebody reads."""

_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]{8,}")

_VOWEL = re.compile(r"[aeiouyäöüáéíóúàèìòùâêîôûåøæœãõ]", re.IGNORECASE)


class Page(NamedTuple):
    """Where something happened. `query` has the parameters that the policy keeps, `campaign` is JSON of utm_*."""

    origin: str
    host: str
    path: str
    query: str
    campaign: str


class Origin(NamedTuple):
    """Where a visitor came from: host and path, and the host alone."""

    referrer: str
    host: str


NOWHERE = Origin("", "")


@lru_cache(maxsize=CACHED)
def page(url: str, kept: tuple[str, ...] = ()) -> Page | None:
    """The page at an address; None where that is no address of a web page.

    Args:
        url: as the page says it, with or without query.
        kept: names of the query parameters that the policy keeps.
    """
    if len(url) > MAX_URL:
        return None
    try:
        parts = urlsplit(_CONTROL.sub("", url))
        port = parts.port
    except ValueError:
        return None
    host = (parts.hostname or "").lower()
    shown = f"[{host}]" if ":" in host else host
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or _HOST.fullmatch(shown) is None:
        return None
    named = shown if port in (None, 80 if parts.scheme == "http" else 443) else f"{shown}:{port}"
    query, campaign = _query(parts.query, kept)
    route = parts.fragment if parts.fragment.startswith(("/", "!/")) else ""  # a page of its own, as routers write it
    whole = f"{parts.path.rstrip('/')}/%23{route.removeprefix('!')}" if route else parts.path
    return Page(f"{parts.scheme}://{named}", shown, path(whole), query, campaign)


@lru_cache(maxsize=CACHED)
def referrer(url: str, own: frozenset[str]) -> Origin:
    """Where a visitor came from; `NOWHERE` for a page of the site's own hosts, and for what is no address."""
    found = page(url) if url else None
    if found is None or found.host in own:
        return NOWHERE
    return Origin(f"{found.host}{found.path}", found.host)


@lru_cache(maxsize=CACHED)
def host(text: str) -> str:
    """The host of an address, or itself where it is one; empty for anything else."""
    found = page(text) if "://" in text else None
    if found is not None:
        return found.host
    name = text.strip().lower()
    return name if _HOST.fullmatch(name) else ""


def path(text: str) -> str:
    """A path with its parts decoded and what looks like an id replaced, of at most `MAX_PATH` characters."""
    parts = text.split("/", MAX_SEGMENTS + 1)
    shown = "/".join(segment(part) for part in parts[: MAX_SEGMENTS + 1])
    return (shown if shown.startswith("/") else f"/{shown}")[:MAX_PATH]


@lru_cache(maxsize=CACHED)
def segment(text: str) -> str:
    """One part of a path: readable, and without what tells one person from another."""
    if text.isascii() and text.isalpha() and len(text) < 8:
        return text if _VOWEL.search(text) or len(text) < 6 else ID
    own = text[: 4 * MAX_PATH].partition(";")[0]  # what follows are parameters, sessions' ids among them
    plain = _CONTROL.sub("", _decoded(own)).replace("/", "%2F").replace("?", "%3F").replace("#", "%23")
    if "@" in plain:
        return EMAIL
    return without_ids(plain)[:MAX_PATH]


def _decoded(text: str) -> str:
    """A part of a path as it is meant, also where it was encoded again on its way."""
    for _ in range(DECODED):
        before, text = text, unquote(text, errors="replace")
        if text == before:
            break
    return text


def without_ids(text: str) -> str:
    """A text with UUIDs, long numbers, tokens and long hexadecimal digits replaced; dates are kept."""
    text = _UUID.sub(ID, text)
    text = _NUMBER.sub(lambda found: found[0] if _DATE.fullmatch(found[0]) else ID, text)
    return "".join(ID if _is_token(word) else word for word in _WORD.findall(text)).replace(f"{ID}{ID}", ID)


def value(text: str) -> str:
    """A value of a query or of a site's own event: short, printable, without e-mails."""
    return _EMAIL.sub(EMAIL, _CONTROL.sub("", text[: 2 * MAX_VALUE])).strip()[:MAX_VALUE]


def printable(text: str, most: int) -> str:
    """A text without control characters, of at most so many others."""
    return _CONTROL.sub("", text[: 2 * most]).strip()[:most]


def _query(text: str, kept: tuple[str, ...]) -> tuple[str, str]:
    """The parameters that are kept, in the policy's order, and those of a campaign."""
    if not text or not (kept or "utm_" in text):
        return "", ""
    try:
        pairs = parse_qsl(text, keep_blank_values=False, errors="replace", max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return "", ""
    given = dict(reversed(pairs))  # of a repeated one the first counts
    shown = "&".join(f"{name}={text}" for name in kept if (text := value(given.get(name, ""))))
    campaign = {name: text for name in CAMPAIGN if (text := value(given.get(name, "")))}
    return shown, msgspec.json.encode(campaign).decode() if campaign else ""


def _is_token(word: str) -> bool:
    """Whether one run of letters and digits was made by a machine."""
    if len(word) < 6 or _DATE.fullmatch(word):
        return False
    digits = sum(character.isdigit() for character in word)
    if digits:
        switches = sum(one.isdigit() != other.isdigit() for one, other in itertools.pairwise(word))
        return digits >= 5 or len(word) >= 10 or switches >= 3
    if len(word) > _LONGEST_WORD or _HEXADECIMAL.fullmatch(word):
        return True
    cases = sum(one.isupper() != other.isupper() for one, other in itertools.pairwise(word[1:]))
    return (len(word) >= 8 and cases >= 4) or (word.isascii() and not _VOWEL.search(word))
