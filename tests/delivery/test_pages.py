"""Pages without script: the choice, the services, the signal."""

import re
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from consent.config import Config
from consent.db import Database
from consent.delivery.pages import reaches
from consent.delivery.words import Words, choose_language, load_words, plural
from consent.policy.policy import ChoiceCookie
from consent.records.cookie import decode
from tests.delivery.conftest import Running, running
from tests.policy.site import in_place, resolved


class Strict(HTMLParser):
    """Checks that what is opened is closed, and notes elements."""

    EMPTY = frozenset({"meta", "path"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.append(tag)
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def test_the_form_runs_nothing(service: Running) -> None:
    """The page has no script, loads nothing, and asks for nothing (US-03)."""
    answer = await service.client.get("/choices/demo")
    page = Strict(answer.text)

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert answer.headers["referrer-policy"] == "same-origin"
    assert page.seen.count("form") == page.seen.count("button") == 1
    assert not {"script", "img", "link", "input", "iframe"}.intersection(page.seen)
    assert "Your privacy choices" in answer.text
    assert "set-cookie" not in answer.headers


async def test_opting_out(service: Running) -> None:
    """One press records an objection to everything, sets the choice where the page is the site's own, and says so."""
    sent = await service.client.post(
        "/choices/demo?lang=de", headers={"Origin": service.config.base_url, "Sec-GPC": "1"}
    )
    shown = await service.client.get(
        sent.headers["location"], headers={"Cookie": sent.headers["set-cookie"].partition(";")[0]}
    )
    record = (await service.records())[0]

    assert sent.status_code == 303
    assert record["action"] == "refused"
    assert record["control"] == "object"
    assert (record["language"], record["layer"], bool(record["gpc"])) == ("de", 0, True)
    assert set(re.findall(r":\"(\w+)\"", record["purposes"])) == {"objected"}
    name, _, value = sent.headers["set-cookie"].partition(";")[0].partition("=")
    choice = decode(value)
    assert name == "consent"
    assert choice is not None
    assert set(choice.purposes.values()) == {"o"}
    assert record["id"] in shown.text
    assert "Ihr Widerspruch ist festgehalten." in shown.text
    assert shown.text.count("abgelehnt") == 4


async def test_opting_out_lasts(service: Running) -> None:
    """The objection is kept for the law's own time, and what refused services left on the host goes with it."""
    sent = await service.client.post("/choices/demo", headers={"Cookie": "_ga=1; session=1; consent=x"})
    choice, *gone = sent.headers.get_list("set-cookie")

    assert f"; Max-Age={180 * 86_400}; " in choice
    assert gone == ["_ga=; Path=/; Max-Age=0; SameSite=Lax"]


async def test_a_cookie_that_cannot_be_written_records_nothing(service: Running) -> None:
    """The fault comes before the commit."""
    live = service.sites.site("demo")
    assert live is not None
    faulty = msgspec.structs.replace(live.version.resolved, cookie=ChoiceCookie(domain="no domain"))
    live.version = msgspec.structs.replace(live.version, resolved=faulty)
    sent = await service.client.post("/choices/demo")

    assert sent.status_code == 500
    assert await service.records() == []


async def test_no_link_can_say_recorded(service: Running) -> None:
    """The page says "recorded" of a record that was made by the form, and of no other number in the address."""
    sent = (await service.client.post("/choices/demo")).headers["location"]
    for address in (
        sent[:-1] + ("A" if sent[-1] != "A" else "B"),
        "/choices/demo?done=01a1fa7b-ca5e-770b-a09c-087b0151ba94",
    ):
        assert "is recorded" not in (await service.client.get(address)).text
    assert "is recorded" in (await service.client.get(sent)).text


async def test_on_another_address(db: Database) -> None:
    """Away from the site's address the objection is recorded, and the page says that it cannot do more."""
    async with running(db, public_url="https://consent.example.net") as service:
        await service.publish(resolved("[services.youtube]"))
        sent = await service.client.post("/choices/shop", headers={"Origin": "https://www.shop.example"})
        shown = await service.client.get(sent.headers["location"])
        records = await service.records()

    assert sent.status_code == 303
    assert "set-cookie" not in sent.headers
    assert "cannot tell your browser" in shown.text
    assert len(records) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_other_pages_cannot_speak(service: Running, headers: dict[str, str]) -> None:
    """A form on someone else's page records nothing (CK-09)."""
    answer = await service.client.post("/choices/demo", headers=headers)

    assert answer.status_code == 403
    assert answer.json()["error"] == "wrong_origin"
    assert await service.records() == []


async def test_a_text_browser_can_opt_out(service: Running) -> None:
    """A browser that sends neither Origin nor Sec-Fetch-Site is heard."""
    assert (await service.client.post("/choices/demo")).status_code == 303
    assert len(await service.records()) == 1


async def test_the_signal_is_shown(service: Running) -> None:
    """With the signal the page says that it was honoured (US-02); anything but 1 is no signal (GC-01)."""
    for value, shown in (("1", True), ("0", False), ("true", False), (None, False)):
        headers = {} if value is None else {"Sec-GPC": value}
        page = await service.client.get("/choices/demo", headers=headers)

        assert ("Opt-out request honored" in page.text) is shown


async def test_what_the_browser_says(service: Running) -> None:
    """A stored choice is shown purpose by purpose; an unreadable, outdated or doubled one is none."""
    sent = await service.client.post("/choices/demo")
    good = sent.headers["set-cookie"].partition(";")[0]
    for cookie, known in ((good, True), (f"{good}; {good}", False), ("consent=xyz", False), ("other=1", False)):
        page = await service.client.get("/choices/demo", headers={"Cookie": cookie})

        assert ("No choice is stored" not in page.text) is known


async def test_hostile_values(service: Running) -> None:
    """Nothing from the address, the cookie or the policy becomes markup."""
    await service.publish(resolved(in_place(name="'<i>&\"x'", cookies='[{name="<b>",duration="1 day"}]')))
    for path in (
        "/choices/demo?done=<script>alert(1)</script>&lang=<x>",
        "/choices/demo?done=%22%3E%3Cscript%3E",
        "/c/shop/declaration?lang=%3Cscript%3E",
    ):
        page = await service.client.get(path, headers={"Accept-Language": "<script>", "Cookie": "consent=<script>"})

        assert page.status_code == 200
        assert "<script" not in page.text
        assert "<i>" not in page.text
        assert "<b>" not in page.text


async def test_declaration(service: Running) -> None:
    """Every service with provider, cookies, durations and recipients, in the language asked for."""
    english = await service.client.get("/c/demo/declaration")
    german = await service.client.get("/c/demo/declaration", headers={"Accept-Language": "fr;q=0.5, de-AT, en;q=0.8"})
    again = await service.client.get("/c/demo/declaration", headers={"If-None-Match": english.headers["etag"]})
    page = Strict(english.text)

    assert page.seen.count("article") == 13
    assert "script" not in page.seen
    for words in ("Google LLC", "_fbp", "2 years", "90 days", "until the browser is closed", "YouTube"):
        assert words in english.text
    assert '<html lang="de"' in german.text
    assert "2 Jahre" in german.text
    assert again.status_code == 304
    assert english.headers["vary"] == "Accept-Encoding, Accept-Language"


async def test_reason_for_what_is_necessary(service: Running) -> None:
    """The written reason of a strictly necessary service is shown (EU-13)."""
    await service.publish(resolved("[services.stripe]\nreason = 'Takes the payment that you start.'"))
    page = await service.client.get("/c/shop/declaration")

    assert "Takes the payment that you start." in page.text
    assert "<dt>" not in page.text


async def test_gpc_json(service: Running) -> None:
    """The site at this host says that it takes the signal, and since when; another host is no site of ours."""
    answer = await service.client.get("/.well-known/gpc.json")
    other = await service.client.get("/.well-known/gpc.json", headers={"Host": "other.example"})

    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["gpc"] is True
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", answer.json()["lastUpdate"])
    assert other.status_code == 404


async def test_gpc_json_is_honest(service: Running) -> None:
    """A site that follows no opt-out law does not claim to take the signal as one (GC-04)."""
    host = service.config.base_url.replace("127.0.0.1", "localhost")
    await service.publish(resolved("[regimes]\nenabled = ['eu']", origins=f'origins = ["{host}"]', site='site = "aaa"'))
    answer = await service.client.get("/.well-known/gpc.json", headers={"Host": host.partition("://")[2]})

    assert answer.json()["gpc"] is False


async def test_limits(db: Database) -> None:
    """One place cannot fill the log by the form."""
    async with running(db, rate_address=3) as service:
        codes = [(await service.client.post("/choices/demo")).status_code for _ in range(8)]

    assert codes.count(303) == 6
    assert codes[-1] == 429


@pytest.mark.parametrize(
    ("domain", "host", "expected"),
    [
        ("", "www.shop.example", True),
        ("", "www.shop.example:8443", False),
        ("", "consent.shop.example", False),
        ("shop.example", "consent.shop.example", True),
        ("shop.example", "consent.shop.example:8443", True),
        ("shop.example", "evilshop.example", False),
        ("shop.example", "", False),
    ],
)
def test_reaches(domain: str, host: str, expected: bool) -> None:
    """A cookie is set where the site's pages will see it, and nowhere else."""
    assert reaches(resolved(f"[cookie]\ndomain = '{domain}'"), host) is expected


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        (None, [], "en"),
        ("de", ["fr"], "de"),
        ("xx", ["fr"], "fr"),
        (None, ["pt-BR, fr;q=0.9"], "pt"),
        (None, ["fr;q=0.1, de;q=0.9"], "de"),
        (None, ["DE"], "de"),
        (None, ["*"], "en"),
        (None, ["fr;q=0"], "en"),
        (None, ["x" * 1000], "en"),
    ],
)
def test_language(asked: str | None, accepted: list[str], language: str) -> None:
    """The language asked for, else the best that the browser accepts, else the site's first."""
    assert choose_language(["en", "de", "fr", "pt"], asked, accepted) == language


def test_every_language_has_every_word() -> None:
    """The pages' texts have the same keys and {names} in each language, and units for every duration."""
    words = load_words()
    english, units = words["en"]

    assert set(words) == {"en", "de", "fr", "es", "it", "nl", "pl", "pt"}
    for language, (texts, forms) in words.items():
        assert set(texts) == set(english), language
        assert set(forms) == set(units), language
        assert all(len(form) == (3 if language == "pl" else 2) for form in forms.values()), language
        for key, text in texts.items():
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english[key])), (language, key)


def test_durations() -> None:
    """Durations are said in the visitor's language; what is no length stays as it is."""
    made = resolved("", origins='origins = ["https://a.example"]\nlanguages = ["en", "pl", "fr", "sv"]')
    said = {language: Words(made, language) for language in made.languages}

    assert [said["pl"].length(f"{n} months") for n in (1, 2, 5, 12, 22, 25)] == [
        "1 miesiąc", "2 miesiące", "5 miesięcy", "12 miesięcy", "22 miesiące", "25 miesięcy",
    ]  # fmt: skip
    assert said["fr"].length("1 year") == "1 an"
    assert said["sv"].length("2 years") == "2 years"
    assert said["en"].length("session") == "until the browser is closed"
    assert said["en"].length("as long as it lasts") == "as long as it lasts"
    assert [plural("pl", n) for n in (1, 3, 13, 23, 111)] == [0, 1, 2, 1, 2]


async def test_the_demo(service: Running) -> None:
    """The demo's page has the snippet first in its head, and links to choices that work without the banner."""
    page = await service.client.get("/demo/")
    for path in ("/demo/privacy", "/demo/imprint"):
        assert "<head>\n<script>" in (await service.client.get(path)).text
    thanks = await service.client.post("/demo/newsletter", data={"email": "a@example.com"})

    assert re.search(
        r"<head>\n<script>\(?.{1500,2000}</script>\n<meta http-equiv=\"Content-Security-Policy\"", page.text
    )
    assert "{{" not in page.text
    assert 'href="/choices/demo"' in page.text
    assert "not stored" in thanks.text
    assert (await service.client.get("/demo/style.css")).headers["content-type"].startswith("text/css")
    assert isinstance(service.config, Config)
