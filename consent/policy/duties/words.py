"""Words: texts are shown as they are written, as text and never as HTML."""

import difflib
import re
import unicodedata
from collections.abc import Iterator
from typing import Any

import msgspec

from consent.policy.finding import Finding, warning
from consent.policy.policy import Policy
from consent.policy.texts import load_texts

MAX_TEXT = 1200  # characters; the longest text shipped has about a third
MAX_LABEL = 60

_TAG = re.compile(r"<[a-z/!?]", re.ASCII | re.IGNORECASE)
_OVERRIDES = frozenset("\u202a\u202b\u202d\u202e")  # letters that turn the direction of what follows: disguise

#: The buttons by which visitors decide; each may have a text of its own where the law is opt-out.
ACCEPT, REJECT = "layer_accept", "layer_reject"
LABELS = (ACCEPT, REJECT, "banner_choose", "preferences_save", "preferences_withdraw")
OPT_OUT = "_opt_out"

_NAME = re.compile(r"\{([a-z]+)\}", re.ASCII)


def check_words(policy: Policy) -> Iterator[Finding]:
    """No text of the policy holds control characters or markup, or is without end."""
    for path, text in _strings(msgspec.to_builtins(policy), ""):
        if any((unicodedata.category(mark) == "Cc" and mark != "\n") or mark in _OVERRIDES for mark in text):
            yield Finding(path, "There is a control character in this text.", "Remove it.")
        if _TAG.search(text):
            yield Finding(path, "Texts are shown as they are; visitors would read this tag.", "Remove the markup.")
        if len(text) > MAX_TEXT:
            yield Finding(path, f"This is longer than {MAX_TEXT} characters.", "Say it shorter.")


def _strings(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _strings(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _strings(item, f"{path}[{index}]")


def check_texts(policy: Policy) -> Iterator[Finding]:
    """The site's own texts take the place of ones that exist, and say what those must say (EU-10)."""
    shipped = load_texts()["en"].ui
    for language, texts in policy.texts.items():
        for key, text in texts.items():
            path = f"texts.{language}.{key}"
            if key not in shipped:
                near = difflib.get_close_matches(key, shipped, 1)
                yield Finding(path, f"No text is called {key}.", f"Did you mean {near[0]}?" if near else "Remove it.")
            elif not text.strip():
                yield Finding(path, "This text is empty.", "Write it, or leave it out.")
            else:
                yield from _names(path, shipped[key], text)
            if key.removesuffix(OPT_OUT) in LABELS and len(text) > MAX_LABEL:
                yield Finding(path, f"A button holds at most {MAX_LABEL} characters.", "Say it shorter.")
        for suffix in ("", OPT_OUT):
            yield from _labels(
                f"texts.{language}.{REJECT}{suffix}", texts.get(ACCEPT + suffix), texts.get(REJECT + suffix)
            )


def _names(path: str, shipped: str, text: str) -> Iterator[Finding]:
    """A text names what the shipped one names, such as {controller}: that is what visitors must be told."""
    wanted, found = set(_NAME.findall(shipped)), set(_NAME.findall(text))
    for name in sorted(wanted - found):
        yield Finding(path, f"This text must name {{{name}}}, as the one it replaces.", f"Put {{{name}}} into it.")
    for name in sorted(found - wanted):
        yield Finding(path, f"Nothing is put in the place of {{{name}}} here.", "Remove it.")


def _labels(path: str, accept: str | None, reject: str | None) -> Iterator[Finding]:
    """The two buttons differ, and refusing takes about as few words (EU-05)."""
    if accept and reject and accept.strip().casefold() == reject.strip().casefold():
        yield Finding(path, "Both buttons say the same.", "Say what each one does.")
    elif accept and reject and len(reject) > 3 * len(accept):
        yield warning(path, "Refusing has far more words than accepting.", "Say it as shortly.")
