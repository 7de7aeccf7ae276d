"""What the widget's source shows to pages: members, events, keys, attributes, elements. Read, not run."""

import re

from tests.docs.page import ROOT

SOURCE = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "widget" / "src").glob("*.js"))}
LAYERS = "".join(
    path.read_text("utf-8")
    for room in ("banner", "choices")
    for path in sorted((ROOT / "widget" / "src" / room).glob("*.js"))
)
ALL = "".join(SOURCE.values()) + LAYERS


def members() -> set[str]:
    """The members of `window.consent`, once the widget is complete."""
    [body] = re.findall(r"const api = \{\n(.*?)\n  \};", SOURCE["api.js"], re.S)
    return set(re.findall(r"^    (\w+)[:(]", body, re.M))


def queued() -> set[str]:
    """The methods that the core queues."""
    [names] = re.findall(r'for \(const name of "([a-z ]+)"', SOURCE["core.js"])
    return set(names.split()) | {"get"}


def document_events() -> set[str]:
    """Events sent to `document`."""
    return {f"consent:{name}" for name in re.findall(r'\btell\("(\w+)"', SOURCE["api.js"])}


def store_events() -> set[str]:
    """Types for `consent.on`."""
    return set(re.findall(r'\bemit\("(\w+)"', ALL))


def kept() -> set[str]:
    """Cookies and storage keys with a fixed name."""
    return set(re.findall(r'"(consent[._][a-z]+)"', ALL))


def marks() -> set[str]:
    """Attributes of the page's own elements that start or cover them."""
    found = re.findall(r"\bdata-(\w+)\b|dataset\.(\w+)", SOURCE["marked.js"])
    return {f"data-{one or other}" for one, other in found}


def actions() -> set[str]:
    """Values of `data-consent` on the widget's buttons."""
    return set(re.findall(r'(?:\bbutton\(|"data-consent": )"(\w+)"', ALL))


def elements() -> set[str]:
    """Elements that the widget adds to the page."""
    return set(re.findall(r'\bmakeRoot\(store, "([a-z-]+)"', ALL))
