"""Words: texts are shown as they are written, as text and never as HTML."""

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

#: Labels of the buttons by which visitors decide.
LABELS = ("accept", "reject", "preferences", "save", "withdraw")


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


def check_labels(policy: Policy) -> Iterator[Finding]:
    """The site's own texts replace ones that exist, and the words on the buttons stay buttons' words (EU-05)."""
    shipped = load_texts().get("en")
    for language, texts in policy.texts.items():
        for key, text in texts.items():
            path = f"texts.{language}.{key}"
            if shipped and key not in shipped.ui:
                yield Finding(path, f"No text is called {key}.", "Remove it; the texts are in policy/texts/en.toml.")
            if not text.strip():
                yield Finding(path, "This text is empty.", "Write it, or leave it out.")
            if key in LABELS and len(text) > MAX_LABEL:
                yield Finding(path, f"A button holds at most {MAX_LABEL} characters.", "Say it shorter.")
        accept, reject = texts.get("accept", ""), texts.get("reject", "")
        if accept and accept.strip().casefold() == reject.strip().casefold():
            yield Finding(f"texts.{language}.reject", "Both buttons say the same.", "Say what each one does.")
        elif accept and len(reject) > 3 * len(accept):
            yield warning(
                f"texts.{language}.reject", "Refusing has far more words than accepting.", "Say it as shortly."
            )
