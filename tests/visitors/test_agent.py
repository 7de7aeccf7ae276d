"""Agents: browser, system, device and bot, from headers of anybody's making."""

import ast
import random
import re
import time
from pathlib import Path

import pytest
import user_agents
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.visitors import hints, structured
from consent.visitors.agent import CACHED, Agent, _agent, agent
from consent.visitors.behaviour import PAGES_A_MINUTE, Signs, suspicion
from consent.visitors.bots import bot
from consent.visitors.language import MOST, languages, primary
from consent.visitors.matcher import Facts
from tests.visitors.cases import HINTED, Hinted, browsers, of, spiders

CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{} Safari/537.36"
WINDOWS = CHROME.format("Windows NT 10.0; Win64; x64", "131.0.0.0")
DEVICES = Path(__file__).parent / "published" / "devices.tsv"
FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
BRANDS = b'"Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"'


def read(text: str, *more: tuple[bytes, bytes], high: bool = False) -> Agent:
    return agent([(b"user-agent", text.encode()), *more], high_entropy=high)


@pytest.mark.parametrize("kind", ["browser", "system", "device"])
def test_uap_core(kind: str) -> None:
    """At least 99 % of uap-core's own cases are found as it says."""
    rows = of(kind, *(["test_ua"] if kind == "browser" else []))
    wrong = [case for case in rows if case.found != case.said]
    assert len(rows) > 480
    assert len(wrong) <= len(rows) / 100, wrong[:5]


def package_fixtures() -> tuple[dict[str, str], list[tuple[str, str, bool]]]:
    """The strings in the user-agents package's own test file, and what it expects of each: name, predicate, value.

    The file is read, not imported: the wheel lacks a file of its.
    """
    text = (Path(str(user_agents.__file__)).parent / "tests.py").read_text("utf-8")
    strings = {
        re.sub("_usa?_string$|_ua_string$", "", node.targets[0].id): str(node.value.value)
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    found = re.findall(r"assert(True|False)\((\w+?)(?:_ua)?\.(is_\w+)\)", text)
    return strings, [(name, word, held == "True") for held, name, word in found]


def test_package_predicates() -> None:
    """What the user-agents package expects of its own fixtures holds of them, fed by the Rust matcher."""
    strings, expected = package_fixtures()
    assert len(strings) >= 22 and len(expected) > 100
    wrong = [(name, word) for name, word, held in expected if getattr(Facts(strings[name]), word) != held]
    assert not wrong


def test_device_of_package_fixtures() -> None:
    """Where exactly one predicate of the package holds for its own fixture, that is the class."""
    kinds = {"is_tablet": "tablet", "is_mobile": "phone", "is_pc": "desktop", "is_bot": "bot"}
    for name, text in package_fixtures()[0].items():
        holds = [kind for word, kind in kinds.items() if getattr(Facts(text), word)]
        if len(holds) == 1:
            assert read(text).device == holds[0], name


@pytest.mark.parametrize(("device", "text"), [line.split("\t") for line in DEVICES.read_text("utf-8").splitlines()])
def test_device(device: str, text: str) -> None:
    """Each kind of device is told by its own words."""
    assert read(text).device == device


def test_frozen() -> None:
    """What every browser of a kind says alike is unknown, not repeated: the system's version, and versions' zeros."""
    assert read(WINDOWS) == Agent("Chrome", "131", "Windows", "", "desktop")
    android = read(CHROME.format("Linux; Android 10; K", "131.0.0.0 Mobile"))
    assert (android.system_version, android.brand, android.model) == ("", "", "")
    iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS {} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{}"
    assert read((iphone + " Mobile/15E148 Safari/604.1").format("18_6", "26.0")).system_version == ""
    assert read((iphone + " Mobile/15E148 Safari/604.1").format("17_5", "17.5")).system_version == "17.5"
    assert read("Mozilla/5.0 (Windows NT 6.1; rv:52.0) Gecko/20100101 Firefox/52.0").system_version == "7"


@pytest.mark.parametrize("case", HINTED, ids=lambda case: (case.model or case.browser) + case.version)
def test_published_hints(case: Hinted) -> None:
    """What published cases say of hints and string together is found, but for differences that are known and named."""
    found = agent(case.headers(), high_entropy=True)
    assert case.differs(found) == case.known
    assert found.model == case.model or not case.model


def test_few_differences_are_known() -> None:
    """At least 95 % of what the published cases say is found."""
    assert sum(len(case.known) for case in HINTED) <= 0.05 * 5 * len(HINTED)


@given(
    order=st.permutations(['"Google Chrome";v="131"', '"Chromium";v="131"', '"Not_A Brand";v="24"', '"Opera";v="116"'])
)
def test_brands_in_any_order(order: list[str]) -> None:
    """The order of brands, which browsers shuffle, says nothing."""
    found = read(WINDOWS, (b"sec-ch-ua", ", ".join(order).encode()))
    assert (found.browser, found.browser_version) == ("Opera", "116")


def test_high_entropy_needs_leave() -> None:
    """Further hints are not read, though they were sent, unless the caller says that they are allowed."""
    case = next(case for case in HINTED if case.model == "CAMON 20 Pro")
    assert agent(case.headers()).model == "" and agent(case.headers()).system_version == ""
    assert agent(case.headers(), high_entropy=True).model == "CAMON 20 Pro"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"sec-ch-ua", b'"Jane Doe 0151 234";v="1"'),
        (b"sec-ch-ua", b'"Google Chrome";v="jane@example.com"'),
        (b"sec-ch-ua", b"x" * 10_000),
        (b"sec-ch-ua", b'"Brave' + b'\\"' * 400),
        (b"sec-ch-ua", b'"Brave";v="1",'),
        (b"sec-ch-ua", ", ".join(f'"b{i}"' for i in range(50)).encode()),
        (b"sec-ch-ua-platform", b'"Jane OS"'),
        (b"sec-ch-ua-platform", b"\xff\xfe\x00"),
        (b"sec-ch-ua-mobile", b"?2"),
        (b"sec-ch-ua-mobile", b"true"),
    ],
)
def test_bad_hints(name: bytes, value: bytes) -> None:
    """A hint that is malformed, endless or of nobody we know changes nothing but, at most, a version told."""
    found = read(WINDOWS, (name, value))
    assert (found.browser, found.system, found.device) == ("Chrome", "Windows", "desktop")
    assert found.browser_version in ("131", "")


def test_contradicting_hints() -> None:
    """Hints beside the string of a browser that sends none were put there by somebody: the string stands."""
    lines = [(b"sec-ch-ua", BRANDS), (b"sec-ch-ua-platform", b'"Android"'), (b"sec-ch-ua-mobile", b"?1")]
    assert read(FIREFOX, *lines) == read(FIREFOX)


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"user-agent", *hints.LOW, *hints.HIGH, b"accept-language"]),
            st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))),
        ),
        max_size=12,
    )
)
def test_any_bytes(lines: list[tuple[bytes, bytes]]) -> None:
    """No header makes it raise, and whatever comes out is short and printable."""
    found = agent(lines, high_entropy=True)
    for word in (
        found.browser,
        found.browser_version,
        found.system,
        found.system_version,
        found.brand,
        found.model,
        found.bot_name,
    ):
        assert len(word) <= 60 and (not word or word.isprintable()) and not set(word) & set("<>\"'\\")


def test_endless_strings() -> None:
    """Ten thousand characters take no longer than a thousand, and no pattern of ours runs away."""
    began = time.perf_counter()
    for text in (
        "A" * 10_000,
        "Mozilla/5.0 (" * 800,
        "bot" * 3_000,
        " " * 9_999 + "x",
        "(;" * 5_000,
        "Chrome/" + "1." * 4_000,
    ):
        assert isinstance(read(text), Agent)
    assert time.perf_counter() - began < 5


def test_nothing_of_the_string_survives_coarsely() -> None:
    """An anonymous count knows common names only: what a visitor made up is "Other"."""
    found = read("JaneDoe/4711 CFNetwork/1.0 Darwin/23.0", *()).coarse()
    assert (found.browser, found.browser_version, found.model, found.brand) == ("Other", "", "", "")
    assert read(WINDOWS).coarse() == Agent("Chrome", "131", "Windows", "", "desktop")


def test_cache_is_bounded() -> None:
    """However many strings there are, only so many are remembered."""
    for number in range(CACHED + 200):
        read(f"Nobody/{number}")
    assert _agent.cache_info().currsize <= CACHED


def test_bots_by_name() -> None:
    """Every bot of the published list is found, nearly all of uap-core's spiders, and few who are none."""
    listed = [text for one in CRAWLER_USER_AGENTS_DATA for text in one["instances"]]
    assert len(listed) > 2_000 and all(bot(text) for text in listed)
    assert all(read(text).device == "bot" for text in spiders())
    sample = random.Random(4).sample(list(browsers()), 6_000)
    assert sum(bool(bot(text)) for text in sample) <= 0.01 * len(sample)


def test_bot_names() -> None:
    """A bot's name is the list's word for it, never what was sent."""
    found = read("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)")
    assert (found.bot_name, found.device, found.model) == ("Googlebot", "bot", "")
    assert read("JaneDoe-0151-bot/1.0").bot_name == "bot"
    headless = read(WINDOWS, (b"sec-ch-ua", b'"HeadlessChrome";v="131", "Chromium";v="131"'))
    assert headless.device == "bot"


def test_bots_by_behaviour() -> None:
    """A driven browser, one without languages and one too fast to read are suspected; a reader is not."""
    assert suspicion(Signs(webdriver=True)) == "webdriver"
    assert suspicion(Signs(languages=False)) == "no-language"
    assert suspicion(Signs(a_minute=PAGES_A_MINUTE + 1)) == "too-fast"
    assert suspicion(Signs(a_minute=20, engaged=False)) == "never-engaged"
    assert suspicion(Signs(a_minute=5, engaged=False)) == suspicion(Signs(a_minute=PAGES_A_MINUTE)) == ""


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", ("de-AT", "de", "en")),
        ("en;q=0.1, FR-fr , zh-hant-tw;q=0.5", ("fr-FR", "zh-Hant-TW", "en")),
        ("*, en;q=0, de;q=1.5, fr;q=x, é, <script>", ()),
        ("es-419;q=1.000", ("es-419",)),
        ("de-CH-1996", ("de-CH",)),
        ("", ()),
        ("," * 10_000 + "de", ()),
    ],
)
def test_languages(value: str, tags: tuple[str, ...]) -> None:
    """Languages come by weight, normalised; what is malformed or not wanted is left out."""
    assert languages(value) == tags


def test_languages_are_bounded() -> None:
    """A list as long as a header may be gives a few; an anonymous count knows the first, without its region."""
    found = languages(",".join(f"{a}{b}" for a in "abcdefgh" for b in "abcdefgh"))
    assert len(found) == MOST
    assert primary(("de-AT", "en")) == "de" and primary(()) == ""


@pytest.mark.parametrize(
    ("value", "members"),
    [
        ('"a";v="1", b;x=2;v="3"', [("a", "1"), ("b", "3")]),
        (r'"a\"b\\c"', [('a"b\\c', "")]),
        ('"a" ,\t"b"', [("a", ""), ("b", "")]),
        ('"a",', []),
        ('"a" "b"', []),
        ('"a\tb"', []),
        ('"a\\n"', []),
        ('"é"', []),
        ("", []),
    ],
)
def test_structured_lists(value: str, members: list[tuple[str, str]]) -> None:
    """Lists are read as RFC 8941 has them; one fault and the whole field is ignored."""
    assert structured.read_list(value) == members
