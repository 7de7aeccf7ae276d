"""Purposes: asked one by one, off until the visitor says otherwise."""

from collections import Counter
from collections.abc import Iterator

from consent.policy.finding import Finding, warning
from consent.policy.policy import Policy, PurposeEntry
from consent.policy.resolved import DEFAULT_PURPOSES, REQUIRED_PURPOSE

MAX_PURPOSES = 20


def check_purposes(policy: Policy) -> Iterator[Finding]:
    """Every optional purpose is off by default (EU-03), and named in words that visitors can read (EU-10)."""
    if len(policy.purposes) > MAX_PURPOSES:
        yield Finding("purposes", f"A visitor cannot read more than {MAX_PURPOSES} purposes.", "Join some of them.")
    counts = Counter(entry.key for entry in policy.purposes)
    for index, entry in enumerate(policy.purposes):
        path = f"purposes[{index}]"
        if counts[entry.key] > 1:
            yield Finding(f"{path}.key", f"{entry.key} is there more than once.", "Keep one of them.")
        if entry.key in policy.services:
            yield Finding(
                f"{path}.key", f"{entry.key} is a service too; get('{entry.key}') would be unclear.", "Rename it."
            )
        yield from _standing(path, entry)
        yield from _words(path, entry, policy.languages)


def _standing(path: str, entry: PurposeEntry) -> Iterator[Finding]:
    required = entry.key == REQUIRED_PURPOSE if entry.required is None else entry.required
    if entry.key == REQUIRED_PURPOSE and not required:
        yield Finding(f"{path}.required", f"{entry.key} cannot be optional.", "Leave `required` out.")
    if entry.key in DEFAULT_PURPOSES and entry.key != REQUIRED_PURPOSE and required:
        sentence = f"Nobody can be made to accept {entry.key}; consent must be free (GDPR, art. 7(4))."
        yield Finding(f"{path}.required", sentence, "Leave `required` out.")
    if entry.default and not required:
        sentence = f"{entry.key} is on by default; a box ticked beforehand is no consent (CJEU C-673/17)."
        yield Finding(f"{path}.default", sentence, "Leave `default` out.")


def _words(path: str, entry: PurposeEntry, languages: tuple[str, ...]) -> Iterator[Finding]:
    for language, texts in entry.texts.items():
        for field in ("title", "summary", "description"):
            if not getattr(texts, field).strip():
                yield Finding(
                    f"{path}.texts.{language}.{field}", "This is empty.", "Say in one sentence what it is for."
                )
    if entry.key in DEFAULT_PURPOSES:
        return
    for language in languages:
        if language in entry.texts:
            continue
        place, sentence = f"{path}.texts.{language}", f"{entry.key} has no texts in {language}."
        if language == languages[0]:
            yield Finding(place, sentence, "Add title, summary and description.")
        else:
            yield warning(place, f"{sentence} Visitors see {languages[0]} instead.", "Add them.")
