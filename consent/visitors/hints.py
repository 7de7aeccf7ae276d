"""Client Hints: what a Chromium browser says of itself in fields of its own (WICG UA Client Hints; RFC 8942).

The three low-entropy ones come unasked. The others come only when a page asked the device for them; that needs
consent, and so they are read only for callers who say that there was one.
"""

import re
from collections.abc import Mapping, Set
from typing import NamedTuple

from consent.visitors.structured import Member, read_boolean, read_list, read_string

LOW = (b"sec-ch-ua", b"sec-ch-ua-mobile", b"sec-ch-ua-platform")
HIGH = (
    b"sec-ch-ua-full-version-list",
    b"sec-ch-ua-platform-version",
    b"sec-ch-ua-model",
    b"sec-ch-ua-form-factors",
)

_VERSION = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,5}){0,4}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._()+\-]{0,59}")
_GREASE = re.compile(r"not(?:a|any)?brand")

BRANDS: Mapping[str, str] = {
    "HeadlessChrome": "HeadlessChrome",
    "Microsoft Edge": "Edge",
    "Microsoft Edge WebView2": "Edge WebView",
    "Edge Side Panel": "Edge",
    "OperaMobile": "Opera Mobile",
    "Opera Mobile": "Opera Mobile",
    "Opera Mini": "Opera Mini",
    "Opera Mini Android": "Opera Mini",
    "Opera GX": "Opera",
    "Opera Crypto": "Opera",
    "Opera": "Opera",
    "Samsung Internet": "Samsung Internet",
    "Yandex": "Yandex Browser",
    "YaBrowser": "Yandex Browser",
    "Yowser": "Yandex Browser",
    "Brave": "Brave",
    "Vivaldi": "Vivaldi",
    "DuckDuckGo": "DuckDuckGo",
    "Whale": "Whale",
    "Avast Secure Browser": "Avast Secure Browser",
    "AvastSecureBrowser": "Avast Secure Browser",
    "AVG Secure Browser": "AVG Secure Browser",
    "CCleaner Browser": "CCleaner Browser",
    "Norton Private Browser": "Norton Private Browser",
    "Avira Secure Browser": "Avira Secure Browser",
    "HuaweiBrowser": "Huawei Browser",
    "MiuiBrowser": "MiuiBrowser",
    "Atom": "Atom",
    "Sputnik": "Sputnik",
    "Ecosia": "Ecosia",
    "Arc": "Arc",
    "Silk": "Amazon Silk",
    "Amazon Silk": "Amazon Silk",
    "Gener8": "Gener8",
    "Cốc Cốc": "Coc Coc",
    "CocCoc": "Coc Coc",
    "Coc Coc": "Coc Coc",
    "Oculus Browser": "Oculus Browser",
    "Meta Quest Browser": "Oculus Browser",
    "Android WebView": "Chrome Mobile WebView",
    "WebView": "Chrome Mobile WebView",
    "Google Chrome": "Chrome",
}
"""Brands and the family of each, the more telling first. Others are not repeated: any text can be sent as a brand."""

_RANK = {brand: rank for rank, brand in enumerate(BRANDS)}

PLATFORMS: Mapping[str, str] = {
    "Android": "Android",
    "Chrome OS": "Chrome OS",
    "Chromium OS": "Chrome OS",
    "Fuchsia": "Fuchsia",
    "iOS": "iOS",
    "Linux": "Linux",
    "macOS": "Mac OS X",
    "Windows": "Windows",
}
"""The values the specification lists (WICG UA Client Hints, 3.8), as uap-core calls them."""


class Hints(NamedTuple):
    """What the hints say; empty or None where they say nothing, or nothing that is well formed."""

    browser: str = ""
    version: str = ""
    mobile: bool | None = None
    platform: str = ""
    platform_version: str = ""
    model: str = ""
    forms: Set[str] = frozenset()
    chromium: str = ""


NONE = Hints()


def read(lines: Mapping[bytes, str]) -> Hints:
    """The hints in these header lines; those of high entropy only where `lines` has them."""
    brands = read_list(lines.get(b"sec-ch-ua", ""))
    brand, engine = _brand(brands), _version_of(brands, "Chromium")
    full = read_list(lines.get(b"sec-ch-ua-full-version-list", ""))
    version = _version_of(full, brand) or _version_of(brands, brand) if brand else ""
    platform = PLATFORMS.get(read_string(lines.get(b"sec-ch-ua-platform", "")) or "", "")
    raw = read_string(lines.get(b"sec-ch-ua-platform-version", "")) or ""
    model = read_string(lines.get(b"sec-ch-ua-model", "")) or ""
    return Hints(
        browser=BRANDS.get(brand, ""),
        version=version,
        mobile=read_boolean(lines.get(b"sec-ch-ua-mobile", "")),
        platform=platform,
        platform_version=_system_version(platform, raw) if _VERSION.fullmatch(raw) else "",
        model=model if _MODEL.fullmatch(model) else "",
        forms=frozenset(one.text for one in read_list(lines.get(b"sec-ch-ua-form-factors", ""))),
        chromium=_version_of(full, "Chromium") or engine,
    )


def is_grease(brand: str) -> bool:
    """Whether it is one of the brands made up so that nobody relies on the list's order: `Not?A_Brand`."""
    return _GREASE.fullmatch(re.sub("[^a-z]", "", brand.lower())) is not None


def _brand(members: list[Member]) -> str:
    """The most telling brand that we know, whatever the order (the browser shuffles it)."""
    known = [member.text for member in members if member.text in _RANK and not is_grease(member.text)]
    return min(known, key=_RANK.__getitem__, default="")


def _version_of(members: list[Member], brand: str) -> str:
    found = next((member.version for member in members if member.text == brand), "")
    return found if _VERSION.fullmatch(found) else ""


def _system_version(platform: str, version: str) -> str:
    """Windows counts its platform versions otherwise: 13 and above is 11 (learn.microsoft.com, detect Windows 11)."""
    if platform != "Windows":
        return version
    major, _, minor = version.partition(".")
    if int(major) >= 13:
        return "11"
    return "10" if int(major) else {"1": "7", "2": "8", "3": "8.1"}.get(minor.partition(".")[0], "")
