"""Whether a page carries the lines that belong first into its head. Pure; the page is text, and nothing of it runs."""

import re
from typing import Literal

import msgspec

Variant = Literal["meta", "strict", "tag"]

_HEAD = re.compile(r"<head(?:\s[^>]*)?>", re.IGNORECASE)
_AHEAD = re.compile(
    r"<(script|link|style|iframe|img|object|embed|video|audio|base)\b[^>]*>|<meta\b[^>]*http-equiv[^>]*>", re.IGNORECASE
)
"""What would act before the lines do. Harmless: title, charset, viewport, comments."""


class Presence(msgspec.Struct, frozen=True):
    """What was found: `grade` good, warn or bad, a sentence, and what to do."""

    grade: Literal["good", "warn", "bad"]
    says: str
    remedy: str = ""
    variant: str = ""


def inspect(page: str, lines: dict[Variant, str]) -> Presence:
    """Look for the lines of each variant in a page's markup, word for word but for the space between them."""
    text = _plain(page)
    for variant, expected in lines.items():
        at = text.find(_plain(expected))
        if at >= 0:
            return _placed(text[:at], variant)
    if _looks_like_ours(text, lines):
        return Presence(
            "warn",
            "The page has lines of ours, but not those that belong there now.",
            "Paste the lines again: they change with the necessary hosts, the domains and the software.",
        )
    return Presence("bad", "The lines are not on this page.", "Paste them first into <head>, and look again.")


def _placed(ahead: str, variant: Variant) -> Presence:
    head = _HEAD.search(ahead)
    before = ahead[head.end() :] if head else ahead
    found = _AHEAD.search(before)
    if found:
        return Presence(
            "warn",
            f"The lines are there, but {found[0][:60]} stands before them.",
            "Put them first: what stands before them may load before they act.",
            variant,
        )
    return Presence("good", "The lines are there, and nothing that loads stands before them.", variant=variant)


def _looks_like_ours(text: str, lines: dict[Variant, str]) -> bool:
    script = re.search(r"/c/[a-z][a-z0-9-]{0,39}\.js", lines.get("tag", ""))
    return bool(script and script[0] in text) or any(_start(one) in text for one in lines.values() if one)


def _start(line: str) -> str:
    """The first words of the core, which stay as they are when its settings change."""
    return _plain(line)[:60]


def _plain(text: str) -> str:
    """Space between lines and tags may differ: editors and templates indent."""
    return re.sub(r">\s+<", "><", re.sub(r"\s*\n\s*", "\n", text.strip())).replace("\n", "")
