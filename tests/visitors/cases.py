"""Published cases: uap-core's own, and facts of Matomo device-detector's Client Hints fixtures put down anew."""

import json
import lzma
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from consent.visitors import matcher
from consent.visitors.agent import Agent

_FILE = Path(__file__).parent / "published" / "uap-core.jsonl.xz"


class Case(NamedTuple):
    """One of uap-core's cases: what it says of a user agent string, empty where it says nothing."""

    kind: str
    source: str
    text: str
    said: tuple[str, ...]

    @property
    def found(self) -> tuple[str, ...]:
        """What we find in its string, in the same order."""
        if self.kind == "device":
            return tuple(matcher.hardware(self.text))
        found = (matcher.browser if self.kind == "browser" else matcher.system)(self.text)
        return (found.family, *found.parts, *[""] * 4)[: len(self.said)]


@cache
def cases() -> tuple[Case, ...]:
    """All of them."""
    rows = map(json.loads, lzma.decompress(_FILE.read_bytes()).decode().splitlines())
    return tuple(Case(kind, source, text, tuple(said)) for kind, source, text, *said in rows)


def of(kind: str, *sources: str) -> list[Case]:
    """Those of one kind, and of these lists when any are named."""
    return [case for case in cases() if case.kind == kind and (not sources or case.source in sources)]


def browsers() -> Iterator[str]:
    """User agent strings of uap-core's lists which it does not call a spider's."""
    for source in ("test_device", "pgts_browser_list", "firefox_user_agent_strings", "opera_mini_user_agent_strings"):
        for case in cases():
            if case.source == source and matcher.hardware(case.text).family != "Spider":
                yield case.text


def spiders() -> list[str]:
    """User agent strings of devices that uap-core calls spiders."""
    return [case.text for case in of("device") if case.said[0] == "Spider"]


class Hinted(NamedTuple):
    """A user agent, its hints, and what they mean."""

    text: str
    brands: str
    mobile: bool
    platform: str
    platform_version: str
    model: str
    browser: str
    version: str
    system: str
    system_version: str
    device: str
    known: frozenset[str] = frozenset()

    def differs(self, found: Agent) -> set[str]:
        """In which words we differ. A version may be told less of; for rows the rest would need hints nobody sent."""
        version = found.browser_version
        told = self.version.startswith(version) and bool(version)
        words = {"version"} if not told else set()
        return words | {
            word
            for word in ("browser", "system", "system_version", "device")
            if getattr(found, word) != getattr(self, word)
        }

    def headers(self, *, high: bool = True) -> list[tuple[bytes, bytes]]:
        """The request's headers."""
        brands = ", ".join(
            f'"{brand}";v="{v}"' for brand, _, v in (one.rpartition("/") for one in self.brands.split("|"))
        )
        lines = {
            "user-agent": self.text,
            "sec-ch-ua": brands if self.brands else "",
            "sec-ch-ua-mobile": f"?{self.mobile:d}",
            "sec-ch-ua-platform": f'"{self.platform}"',
        }
        if high:
            lines |= {
                "sec-ch-ua-platform-version": f'"{self.platform_version}"',
                "sec-ch-ua-model": f'"{self.model}"',
            }
        return [(name.encode(), line.encode()) for name, line in lines.items() if line]


def _chrome(system: str, version: str, rest: str = "") -> str:
    return f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} {rest}Safari/537.36"


_PC = "Windows NT 10.0; Win64; x64"
_ANDROID = "Linux; Android 10; K"
_ZEN = "Linux; Android 8.1.0; ZC554KL"


def _pc(
    brand: str,
    version: str,
    platform: str,
    family: str,
    system: str,
    *,
    rest: str = "",
    engine: str = "",
    known: str = "",
) -> Hinted:
    text = _chrome(_PC, "98.0.4758.102", rest)
    brands = f" Not A;Brand/99|Chromium/{engine or version}|{brand}/{version}"
    told = re.search(r"(?:Edg|OPR)/([0-9.]+)", rest)
    said = told[1] if told else version
    words = frozenset(known.split())
    return Hinted(text, brands, False, "Windows", platform, "", family, said, "Windows", system, "desktop", words)


def _handset(
    version: str,
    system: str,
    model: str,
    *,
    grease: str,
    mobile: bool = True,
    brand: str = "Google Chrome",
    tv: bool = False,
) -> Hinted:
    text = _chrome(_ANDROID, f"{version.partition('.')[0]}.0.0.0", "Mobile " * mobile)
    family = {"Google Chrome": "Chrome"}.get(brand, brand)
    family += " Mobile" if mobile and family == "Chrome" else ""
    kind = "tv" if tv else "phone" if mobile else "tablet"
    known = frozenset({"device"} if tv else ())
    brands = f"{grease}/99.0.0.0|{brand}/{version}|Chromium/{version}"
    return Hinted(text, brands, mobile, "Android", system, model, family, version, "Android", system, kind, known)


HINTED = (
    Hinted(
        _chrome(_ZEN, "98.0.4758.87", "Mobile "),
        " Not A;Brand/99|Chromium/98|Google Chrome/98",
        True,
        "Android",
        "8.1.0",
        "ZC554KL",
        "Chrome Mobile",
        "98.0.4758.87",
        "Android",
        "8.1.0",
        "phone",
    ),
    Hinted(
        _chrome(
            "Linux; arm_64; Android 8.1.0; ZC554KL",
            "96.0.4664.174",
            "YaApp_Android/22.14.1 YaSearchBrowser/22.14.1 Mobile ",
        ),
        " Not A;Brand/99|Chromium/96|Yandex/22",
        True,
        "Android",
        "8.1.0",
        "ZC554KL",
        "Yandex Browser",
        "22.1.4.706",
        "Android",
        "8.1.0",
        "phone",
    ),
    Hinted(
        _chrome(_ZEN, "96.0.4664.104", "Mobile ") + " OPR/67.1.3508.63168",
        " Not A;Brand/99|Chromium/96|Opera/82|OperaMobile/67",
        True,
        "Android",
        "8.1.0",
        "ZC554KL",
        "Opera Mobile",
        "67.1.3508.63168",
        "Android",
        "8.1.0",
        "phone",
    ),
    _pc("Google Chrome", "97", "14.0.0", "Chrome", "11"),
    _pc("Google Chrome", "97", "", "Chrome", "10", known="system_version"),
    _pc("Microsoft Edge", "95", "14.0.0", "Edge", "11", rest="Edg/95.0.1020.44 "),
    _pc("Opera", "84", "10.0.0", "Opera", "10", rest="OPR/84.0.4316.19 ", engine="98"),
    _pc("CCleaner Browser", "98.0.14335.105", "10.0.0", "CCleaner Browser", "10"),
    _pc("AVG Secure Browser", "98.0.14335.104", "10.0.0", "AVG Secure Browser", "10"),
    _pc("Avast Secure Browser", "98.0.14335.103", "10.0.0", "Avast Secure Browser", "10"),
    _pc("Microsoft Edge", "98.0.1108.56", "10.0.0", "Edge", "10", rest="Edg/98.0.1108.56 "),
    _pc("Opera Crypto", "99.0.4844.16", "10.0.0", "Opera Crypto", "10", rest="OPR/85.0.4338.0 ", known="browser"),
    _pc("Gener8", "98.0.4758.109", "10.0.0", "Gener8", "10"),
    Hinted(
        _chrome("Linux; Android 9; KFKAWI", "98.0.4758.101").replace("Chrome/", "Silk/98.1.148 like Chrome/"),
        " Not A;Brand/99.0.0.0|Chromium/98.0.4758.101",
        False,
        "Android",
        "9.0.0",
        "KFKAWI",
        "Amazon Silk",
        "98.1.148",
        "Fire OS",
        "7",
        "tablet",
        frozenset({"system", "system_version"}),
    ),
    Hinted(
        _chrome("Linux; Android 11; sohKwhigbQ; U; en", "98.0.4758.101", "Mobile AvastSecureBrowser/6.6.0 "),
        "AvastSecureBrowser/6.6.0| Not A;Brand/99.0.0.0|Chromium/98.0.4758.101",
        True,
        "Android",
        "11",
        "",
        "Avast Secure Browser",
        "6.6.0",
        "Android",
        "11",
        "phone",
    ),
    Hinted(
        "",
        "AvastSecureBrowser/6.6.0| Not A;Brand/99.0.0.0|Chromium/98.0.4758.101",
        True,
        "Android",
        "11",
        "",
        "Avast Secure Browser",
        "6.6.0",
        "Android",
        "11",
        "",
        frozenset({"device"}),
    ),  # a request without a user agent is no browser's
    Hinted(
        _chrome("Macintosh; Intel Mac OS X 10_14_6", "98.0.4758.109"),
        " Not A;Brand/99|Chromium/98.0.4758.109|Google Chrome/98.0.4758.109",
        False,
        "macOS",
        "10.14.6",
        "",
        "Chrome",
        "98.0.4758.109",
        "Mac OS X",
        "10.14.6",
        "desktop",
    ),
    Hinted(
        _chrome("Macintosh; Intel Mac OS X 10_15_7", "98.0.4758.102") + " OPR/84.0.4316.21",
        " Not A;Brand/99|Chromium/98.0.4758.102|Opera/98.0.4758.102",
        False,
        "macOS",
        "11.6.0",
        "",
        "Opera",
        "84.0.4316.21",
        "Mac OS X",
        "11.6.0",
        "desktop",
    ),
    Hinted(
        _chrome("X11; Linux x86_64", "98.0.4758.102"),
        " Not A;Brand/99|Chromium/98.0.4758.102",
        False,
        "Linux",
        "5.4.0",
        "",
        "Chrome",
        "98.0.4758.102",
        "Linux",
        "5.4.0",
        "desktop",
    ),
    Hinted(
        _chrome("Linux; Android 10; X30", "98.0.4758.101", "Mobile "),
        " Not A;Brand/99|Chromium/98.0.4758.101|Google Chrome/98.0.4758.101",
        True,
        "Android",
        "10.0.0",
        "X30",
        "Chrome Mobile",
        "98.0.4758.101",
        "Android",
        "10.0.0",
        "phone",
    ),
    Hinted(
        _chrome("Linux; Android 11; DN2103", "98.0.4758.101", "Mobile "),
        " Not A;Brand/99|Chromium/98|Google Chrome/98",
        True,
        "Android",
        "11.0.0",
        "DN2103",
        "Chrome Mobile",
        "98.0.4758.101",
        "Android",
        "11.0.0",
        "phone",
    ),
    Hinted(
        _chrome(_PC, "97.0.4692.71") + " Edg/97.0.1072.66",
        "",
        False,
        "Windows",
        "14.0.0",
        "Xbox",
        "Edge",
        "97.0.1072.66",
        "Windows",
        "11",
        "desktop",
    ),
    _handset("121.0.6167.143", "8.1.0", "CAMON 20 Pro", grease="Not A(Brand"),
    _handset("121.0.6167.178", "10.0.0", "LRNS10GIL0", grease="Not A(Brand", mobile=False),
    _handset("118.0.5993.80", "12.0.0", "LIV_3S", grease="Not=A?Brand"),
    _handset("116.0.5845.172", "12.0.0", "LS1542QW", grease="Not)A;Brand"),
    _handset("118.0.5993.80", "14.0.0", "M-KOPA X20", grease="Not=A?Brand"),
    _handset("118.0.5993.80", "14.0.0", "M-KOPA X2", grease="Not=A?Brand"),
    _handset("113.0.5672.163", "10.0.0", "meanIT_X20", grease="Not-A.Brand", mobile=False),
    _handset("116.0.5845.114", "11.0.0", "MEP2Q421G", grease="Not)A;Brand"),
    _handset("118.0.5993.80", "10.0.0", "MobileMapper60_2", grease="Not=A?Brand"),
    _handset("120.0.6099.231", "13.0.0", "Ocean K10", grease="Not_A Brand", mobile=False),
    _handset("114.0.5735.61", "10.0.0", "Okapi10", grease="Not.A/Brand"),
    _handset("125.0.6422.165", "14.0.0", "OPD2202", grease="Not.A/Brand", mobile=False, brand="DuckDuckGo"),
    _handset("121.0.6167.164", "13.0.0", "Rugged60Q", grease="Not A(Brand"),
    _handset("125.0.6422.147", "11.0.0", "RxIS202", grease="Not.A/Brand"),
    _handset("128.0.6613.127", "13.0.0", "EBY33", grease="Not;A=Brand"),
    _handset("114.0.5735.60", "13.0.0", "Elio", grease="Not.A/Brand"),
    _handset("123.0.6312.80", "13.0.0", "ELN-L03", grease="Not:A-Brand", mobile=False),
    _handset("125.0.6422.147", "11.0.0", "EA520", grease="Not.A/Brand"),
    _handset("119.0.6045.193", "7.1.2", "NOGAPC ULTRA", grease="Not?A_Brand", mobile=False, tv=True),
    _handset("119.0.6045.193", "7.1.2", "ELE-GATE", grease="Not?A_Brand", mobile=False, tv=True),
)
"""Facts of 42 cases, the first and some later ones, of Matomo device-detector's `Tests/fixtures/clienthints.yml`, its
names put in uap-core's words; `known` is where we say otherwise: a system whose version is frozen, Amazon's name for
its Android, Opera's editions, set-top boxes that no word of theirs tells, a request without any user agent."""
