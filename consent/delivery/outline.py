"""All that a notice says, as sections of labels and texts: for a terminal, and for browsers without script. Pure."""

import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

#: What moves a terminal's cursor, changes its colours or turns the direction of a text around.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

WIDTH = 100


class Section(NamedTuple):
    """A heading and what stands under it; a row without a label is a text of its own."""

    title: str
    rows: list[tuple[str, str]]


def outline(body: Mapping[str, Any]) -> list[Section]:
    """Every text, purpose, service and token of a notice, in the order of its layers."""
    if body["kind"] == "form":
        asked = [(p["title"], p["description"]) for p in body["purposes"]]
        words = [("title", body["title"]), ("intro", body["intro"]), ("button", body["button"])]
        return [Section("The page with the form", words), Section("Purposes", asked)]
    first, second = body["banner"], body["preferences"]
    services = {service["key"]: service for purpose in second["purposes"] for service in purpose["services"]}
    return [
        Section("First layer", [*first["texts"].items(), *_links(first)]),
        Section("First layer: purposes", [(p["title"], p["summary"]) for p in first["purposes"]]),
        Section("Second layer", list(second["texts"].items())),
        *(_purpose(purpose) for purpose in second["purposes"]),
        *(_service(service) for service in services.values()),
        Section("Laws", [(key, _facts(law)) for key, law in body["regimes"].items()]),
        Section("Look", [(name, str(value)) for name, value in body["theme"].items()]),
        Section("Code", [("version", body["code"])]),
    ]


def as_text(sections: Iterable[Section]) -> str:
    """Sections for a terminal; control characters of the texts are shown, not sent."""
    lines: list[str] = []
    for title, rows in sections:
        lines += ["", safe(title), "-" * len(safe(title))]
        for label, text in rows:
            told = f"{safe(label)}: {safe(text)}" if label else safe(text)
            lines += textwrap.wrap(told, WIDTH, subsequent_indent="    ", break_long_words=False) or [""]
    return "\n".join(lines).strip("\n")


def safe(text: str) -> str:
    """A text in which every control character is written out as `\\x1b`."""
    return _UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def _links(first: Mapping[str, Any]) -> list[tuple[str, str]]:
    who = first["controller"]
    return [
        ("controller", who["name"]),
        ("privacy_url", who["privacy_url"]),
        ("imprint_url", who["imprint_url"]),
        ("third parties", str(first["third_parties"])),
    ]


def _purpose(purpose: Mapping[str, Any]) -> Section:
    listed = ", ".join(service["name"] for service in purpose["services"])
    rows = [
        ("", purpose["description"]),
        ("asked", "no, always on" if purpose["required"] else "yes, off until granted"),
    ]
    return Section(f"Purpose: {purpose['title']}", [*rows, ("services", listed or "none")])


def _service(service: Mapping[str, Any]) -> Section:
    rows = [
        ("provider", ", ".join(filter(None, (service["provider"], service["country"])))),
        ("privacy", service["privacy_url"]),
        ("description", service["description"]),
        ("reason", service["reason"]),
    ]
    stored = [
        (
            one["kind"],
            f"{one['name']}, for {one['duration'] or 'as long as it is not deleted'}, read by {one['recipient']}",
        )
        for one in service["cookies"]
    ]
    return Section(f"Service: {service['name']}", [row for row in rows if row[1]] + stored)


def _facts(law: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {str(value).lower()}" for name, value in law.items())
