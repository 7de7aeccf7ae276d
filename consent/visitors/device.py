"""What kind of device: one of nine, exclusive. The package's predicates, put right where two or none would hold."""

import re
from functools import cache
from typing import Any, Literal, cast

import ua_parser_rs

from consent.visitors.hints import Hints
from consent.visitors.matcher import Facts

Device = Literal["desktop", "phone", "tablet", "tv", "console", "car", "watch", "bot", "unknown"]

_TV = (
    r"smart-?tv|smart tv|google ?tv|\bapple ?tv|appletv|tvos\b|hbbtv|netcast|web0s|\bwebos[. ]?tv|bravia|\broku\b|roku/"
    r"|\baft[a-z]{1,5}\b|crkey|android ?tv|opera tv|\bviera\b|\bce-html|\bdtv\b|inettvbrowser|\bmitv\b|mibox|mi box"
    r"|large screen|\btv safari|\bvidaa\b|whaletv|philipstv|nettv/|shield android|\bsony ?dtv|maple[ _]?20"
    r"|\btizen.{1,40}\btv\b|tv bro|\bpov_tv|aquos-?tv|freebox|\bespial|set-?top"
)
_TELLING: tuple[tuple[Device, str], ...] = (
    ("tv", _TV),
    ("console", r"playstation|nintendo|\bxbox\b|\bwiiu?\b|\bouya\b|dreamcast|steam deck"),
    ("car", r"\btesla/|qtcarbrowser|\bautomotive\b|\baaos\b|android ?auto\b|\bcarplay\b|polestar"),
    ("watch", r"watch ?os\b|apple watch|\bwatch\d|galaxy watch|\bwear ?os\b|\bsm-r[78]\d\d|\bgear s\d?\b"),
    ("unknown", r"oculusbrowser|\bquest\b|\bpico (?:neo|4)|vision ?os\b"),
    ("tablet", r"\bandroid[^;)]{0,12}; tablet\b"),
)
"""Words that say what a device is, the first that holds. Headsets are none of the nine."""

_MOBILE = re.compile(r"\bMobile\b")

_FORMS: tuple[tuple[str, Device], ...] = (
    ("Watch", "watch"),
    ("Automotive", "car"),
    ("XR", "unknown"),
    ("Tablet", "tablet"),
    ("EInk", "tablet"),
    ("Mobile", "phone"),
    ("Desktop", "desktop"),
)


@cache
def telling() -> Any:
    """The words, compiled."""
    return ua_parser_rs.UserAgentExtractor([(f"(?i){words}", kind, None, None, None, None) for kind, words in _TELLING])


def classify(facts: Facts, hints: Hints) -> Device:
    """The class of a device that is no bot's. What says so in words goes first, then hints, then the predicates."""
    for form, kind in _FORMS:
        if form in hints.forms:
            return kind
    told = telling().extract(facts.ua_string)
    if told is not None:
        return cast(Device, told.family)
    if hints.mobile is not None and hints.platform:
        return _hinted(hints)
    return _predicated(facts)


def _hinted(hints: Hints) -> Device:
    """Android without `?1` is a tablet: Chrome's own rule for its user agent string."""
    if hints.mobile:
        return "phone"
    return "tablet" if hints.platform == "Android" else "desktop"


def _predicated(facts: Facts) -> Device:
    """The package's words, the narrower first; an Android app's string does not say whether it is a tablet's."""
    told = facts.ua_string.startswith(("Mozilla/", "Opera/")) or facts.os.family != "Android"
    if not told and "mobile" not in facts.ua_string.lower():
        return "unknown"
    if "Windows NT" in facts.ua_string and not facts.os.version_string.startswith("RT"):
        return "desktop"
    if facts.is_tablet and not (facts.os.family == "Android" and _MOBILE.search(facts.ua_string)):
        return "tablet"
    if facts.is_mobile or facts.is_tablet:
        return "phone"
    if facts.is_pc:
        return "desktop"
    return "phone" if facts.hardware.brand and not facts.hardware.brand.startswith("Generic") else "unknown"
