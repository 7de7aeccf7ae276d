"""What a request says of its browser, system and device: one function from headers, cached and bounded.

Client Hints win over the user agent string, which Chromium has frozen; where the string's fact is frozen and no hint
says better, it is unknown. No header can make this raise, and no text of the visitor's becomes a browser's name.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from consent.visitors import hints as client_hints
from consent.visitors.bots import bot
from consent.visitors.device import Device, classify
from consent.visitors.header import pick, printable
from consent.visitors.hints import Hints
from consent.visitors.matcher import Facts, fixed_families, hardware

CACHED = 4_096
"""Distinct headers remembered: at most some 10 MB, were all as long as they may be."""

_LOW = (b"user-agent", *client_hints.LOW)
_ALL = (*_LOW, *client_hints.HIGH)

_CHROMIUM = re.compile(r"\b(?:Chrome|Chromium|HeadlessChrome|CrMo)/[0-9]")
_REDUCED = re.compile(r"\bChrome/[0-9]+\.0\.0\.0\b")
_FROZEN = re.compile(
    r"Windows NT 10\.0|Intel Mac OS X 10_15_7|Intel Mac OS X 10\.15;|Linux; Android 10; K\)|CrOS x86_64 14541\.0\.0"
    r"|\(Android 10; (?:Mobile|Tablet); rv:|OS 18_[67] like Mac OS X\).* Version/(?:2[6-9]|[3-9][0-9])\."
)
"""Windows 11 as 10, macOS as 10.15.7, Android as 10 (Chromium's and Firefox's reduced strings), iOS 26 as 18.6."""

_PLAIN = re.compile(r"[^\x20-\x7e]|[<>\"'`=\\]")

_COMMON = (
    "Chrome,Chrome Mobile,Chrome Mobile iOS,Chrome Mobile WebView,Safari,Mobile Safari,Mobile Safari UI/WKWebView,"
    "Firefox,Firefox Mobile,Firefox iOS,Edge,Edge Mobile,Opera,Opera Mobile,Opera Mini,Opera Touch,Samsung Internet,"
    "IE,IE Mobile,Yandex Browser,Brave,Vivaldi,DuckDuckGo,UC Browser,MiuiBrowser,Huawei Browser,Amazon Silk,Chromium,"
    "Whale,Android,QQ Browser,QQ Browser Mobile,Facebook,Instagram,Google,Coc Coc,Sogou Explorer,HeadlessChrome"
)
_SYSTEMS = (
    "Windows,Mac OS X,iOS,Android,Linux,Ubuntu,Fedora,Debian,Chrome OS,Tizen,KaiOS,tvOS,WatchOS,webOS,HarmonyOS,FreeBSD"
)
COMMON = frozenset(_COMMON.split(","))
"""Browsers that an anonymous count may hold. A rarer one could be one person's."""

SYSTEMS = frozenset(_SYSTEMS.split(","))
"""Systems that an anonymous count may hold."""


class Agent(msgspec.Struct, frozen=True):
    """What is known; empty where it is not. Classes of devices exclude each other; of a bot no brand and no model."""

    browser: str = ""
    browser_version: str = ""
    system: str = ""
    system_version: str = ""
    device: Device = "unknown"
    brand: str = ""
    model: str = ""
    bot_name: str = ""

    def coarse(self) -> "Agent":
        """What an anonymous count may know: common names, the browser's major version, the class of device."""
        browser = self.browser if self.browser in COMMON else "Other"
        major = self.browser_version.partition(".")[0]
        return Agent(
            browser=browser,
            browser_version=major if browser != "Other" and len(major) <= 4 else "",
            system=self.system if self.system in SYSTEMS else "Other",
            device=self.device,
        )


def agent(headers: Iterable[tuple[bytes, bytes]], *, high_entropy: bool = False) -> Agent:
    """What the headers say (ASGI's: lower-case names, bytes).

    Args:
        headers: all of the request's; of a repeated one the last counts.
        high_entropy: whether the visitor granted the purpose that asked for further hints; else they are not read.
    """
    return _agent(*pick(headers, _ALL if high_entropy else _LOW))


@lru_cache(maxsize=CACHED)
def _agent(user_agent: bytes, *lines: bytes) -> Agent:
    text = printable(user_agent)
    name = bot(text)
    given = client_hints.NONE
    if any(lines) and (not text or _CHROMIUM.search(text)):  # only Chromium sends hints: others were added by somebody
        given = client_hints.read(dict(zip(_ALL[1:], map(printable, lines), strict=False)))
    facts = Facts(text)
    if given.browser == "HeadlessChrome":
        name = name or given.browser
    if facts.hardware.family == "Spider":
        name = facts.software.family if facts.software.family in fixed_families() else name or "bot"
    browser, browser_version = _browser(facts, given)
    system, system_version = _system(facts, given)
    brand, model = ("", "") if name else _device(facts, given)
    return Agent(
        browser=_clean(browser),
        browser_version=_clean(browser_version)[:40],
        system=_clean(system),
        system_version=_clean(system_version)[:40],
        device="bot" if name else classify(facts, given),
        brand=_clean(brand),
        model=_clean(model),
        bot_name=name,
    )


def _browser(facts: Facts, given: Hints) -> tuple[str, str]:
    """A family as uap-core names it. Its mobile editions have names of their own, which hints do not tell apart."""
    family, parts = facts.software
    said = "" if family == "Other" else family
    if not given.browser:
        reduced = family.startswith("Chrome") and _REDUCED.search(facts.ua_string)
        version = given.chromium if family.startswith("Chrome") else ""
        return said or ("Chromium" if given.chromium else ""), version or (
            parts[0] if reduced else facts.software.version
        )
    if given.browser in ("Chrome", "Edge", "Opera") and given.mobile:
        return f"{given.browser} Mobile", given.version
    if given.browser == "Chrome" and said and not said.startswith("Chrom"):
        return said, facts.software.version  # an app or browser on Chrome's engine that sends Chrome's brands
    if given.version == given.chromium and said == given.browser and said.startswith("Opera"):
        return said, facts.software.version  # it sends its engine's version for its own
    return given.browser, given.version


def _system(facts: Facts, given: Hints) -> tuple[str, str]:
    """A Linux by its own name stays it: hints know no distribution."""
    family = "" if facts.system.family == "Other" else facts.system.family
    named = family not in ("", *client_hints.PLATFORMS.values())
    if not given.platform or (named and given.platform in ("Linux", "Android")):
        return family, "" if _is_frozen(facts) else facts.system.version
    if given.platform_version or given.platform != family:
        return given.platform, given.platform_version
    return family, "" if _is_frozen(facts) else facts.system.version


def _is_frozen(facts: Facts) -> bool:
    """Whether the system's version is the one that everybody's browser of this kind says."""
    return _FROZEN.search(facts.ua_string) is not None


def _device(facts: Facts, given: Hints) -> tuple[str, str]:
    found = hardware(f"Mozilla/5.0 (Linux; Android 10; {given.model}) Mobile") if given.model else facts.hardware
    if found.brand.startswith("Generic") or ("Android 10; K)" in facts.ua_string and not given.model):
        return "", given.model
    return found.brand, given.model or found.model


@lru_cache(maxsize=CACHED)
def _clean(text: str) -> str:
    return text if len(text) <= 60 and text.isascii() and text.isalnum() else _PLAIN.sub(" ", text)[:60].strip()
