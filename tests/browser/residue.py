"""What still gets through, as data: `residue.json`, which may only shrink, and the bounds that it may never exceed.

A kind is noted with how far it comes: `request`, or `connection` where the host sees no more than a name look-up or a
greeting (TCP, TLS) without a word about the page.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("residue.json")
RECORD = "RECORD_RESIDUE"  # set to 1 to write what was measured into FILE: the union with what is there

# Kinds that a browser never makes, measured on the bare page: not blocked, but not there.
NEVER: dict[str, frozenset[str]] = {
    "chromium": frozenset(),
    "firefox": frozenset({"a-ping", "s-importmap", "s-manifest", "s-specrules", "d-link-prefetch", "s-prefetch"}),
    "webkit": frozenset(
        {"d-link-prefetch", "d-stun", "s-dns-prefetch", "s-manifest", "s-prefetch", "s-specrules", "s-track"}
    ),
}

# Of a policy in a static meta no browser applies these: connections without a request, documents and workers with a
# policy of their own, windows, forms, WebRTC, and prefetching by rules.
META = frozenset(
    {
        "s-preconnect",
        "s-dns-prefetch",
        "d-preconnect",
        "s-specrules",
        "s-fp-iframe",
        "d-worker-file-import",
        "d-sharedworker-fetch",
        "d-stun",
        "a-popup",
        "a-form-blank",
        "d-form-iframe",
    }
)
# What is left of that where hooks close what a page can close from inside (variant `strict`).
STRICT = frozenset({"s-preconnect", "s-dns-prefetch", "s-fp-iframe"})
# With the barrier and its hooks: connections that markup asks for, and an own document without the snippet.
STRICT = frozenset({"s-preconnect", "s-dns-prefetch", "s-fp-iframe"})
# Firefox loads these ahead of the policy when a script is written above them or the policy is written by one.
FIREFOX_AHEAD = frozenset({"s-img-srcset", "s-picture"})
# Chromium connects for a frame before it looks at the policy, header or meta alike, and sends no request.
CHROMIUM_FRAMES = frozenset(
    {
        "s-iframe",
        "s-iframe-lazy",
        "w-iframe",
        "d-iframe",
        "d-iframe-late-src",
        "d-iframe-navigate",
        "d-innerhtml-iframe",
        "d-form-iframe",
    }
)


def bound(browser: str, variant: str) -> dict[str, frozenset[str]]:
    """The kinds that may arrive at most, as `request` and as `connection`, whatever the file says."""
    at_most = META if variant == "meta" else STRICT
    ahead = FIREFOX_AHEAD if browser == "firefox" and variant == "meta" else frozenset()
    frames = CHROMIUM_FRAMES if browser == "chromium" else frozenset()
    requests = (at_most | ahead) - NEVER[browser]
    return {"request": requests, "connection": requests | frames}


def committed() -> dict[str, Any]:
    """The file: browser, variant, state, kind, how far."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.is_file() else {}


def known(browser: str, variant: str, state: str) -> dict[str, str]:
    """The committed residue of one browser, variant and state."""
    return dict(committed().get(browser, {}).get(variant, {}).get(state, {}))


def record(browser: str, variant: str, state: str, measured: Mapping[str, str]) -> None:
    """Add what was measured to the file, when asked to: for the one who commits it, never for a test run."""
    if os.environ.get(RECORD) != "1":
        return
    everything = committed()
    kinds = everything.setdefault(browser, {}).setdefault(variant, {}).setdefault(state, {})
    for kind, reach in measured.items():
        kinds[kind] = further(kinds.get(kind), reach)
    everything[browser][variant][state] = dict(sorted(kinds.items()))
    FILE.write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")


def further(one: str | None, other: str) -> str:
    """The farther of two reaches."""
    return "request" if "request" in (one, other) else other


def excess(measured: Mapping[str, str], allowed: Mapping[str, str]) -> dict[str, str]:
    """What came farther than allowed."""
    return {
        kind: reach
        for kind, reach in measured.items()
        if kind not in allowed or (reach == "request" and allowed[kind] != "request")
    }
