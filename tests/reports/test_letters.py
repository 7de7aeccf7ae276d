"""Letters: off until asked for, once a day, about what their reader may see, stopped by one click."""

import asyncio
import email
import re
from collections.abc import AsyncIterator, Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiosmtpd.smtp import SMTP, Envelope
from starlette.testclient import TestClient

from consent.accounts.account import Role
from consent.app import create_app
from consent.config import Config
from consent.db import Database
from consent.db.sqlite import open_sqlite
from consent.errors import Problem, StoreError
from consent.mail import Mailer
from consent.reports import letter_queries
from consent.reports.export import DAY
from consent.reports.health_pages import Vitals
from consent.reports.letters import Day as Told
from consent.reports.letters import Fault, Stops, agreed, daily, outage
from consent.reports.outages import ABSENT, AGAIN, FILE, PATIENCE, Outages, Watch
from consent.reports.summaries import MORNING, Summaries
from consent.telemetry.store import open_telemetry
from tests.accounts.people import add, signed_in
from tests.records.shop import config_in, publish_shop
from tests.reports.taken import BEGAN, fill

STOPS = Stops(b"secret", "https://consent.example.com")
TODAY = BEGAN // DAY
FAULT = Fault("disk", "The disk is full.")


class Box:
    """A mail server that keeps what it is sent."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.refuses = False

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        if self.refuses:
            return "554 no"
        assert isinstance(envelope.content, bytes)
        letter = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        return "250 OK"

    def read(self) -> list[tuple[str, str, str]]:
        """Reader, subject and text of each."""
        return [(one["to"], one["subject"], one.get_content()) for one in self.letters]


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
async def mailer(box: Box) -> AsyncIterator[Mailer]:
    made = await asyncio.get_running_loop().create_server(lambda: SMTP(box, hostname="here"), "127.0.0.1", 0)
    async with made:
        port = made.sockets[0].getsockname()[1]
        yield Mailer(Config(mail_server=f"smtp://127.0.0.1:{port}", mail_from="consent@example.com"))


@pytest.fixture
async def config(tmp_path: Path) -> Config:
    """A shop with records and visits of one day."""
    made = config_in(tmp_path)
    await fill(made, 30, 20)
    return made


@pytest.fixture
async def store(config: Config) -> AsyncIterator[Database]:
    db = await open_sqlite(config.store)
    await count(db)
    yield db
    await db.close()


@pytest.fixture
async def visits(config: Config) -> AsyncIterator[Database]:
    db = await open_telemetry(config)
    yield db
    await db.close()


async def count(db: Database) -> None:
    """Counts of the shop's day, as they are kept with the records."""
    await db.execute(
        "insert into consent_rollup (site_id, dim, grain, kind, bucket, val, also, given, partly, refused, changed,"
        " withdrawn) values (1, 'total', 'day', 'said', :day, '', '', 6, 2, 8, 1, 1)",
        day=TODAY,
    )


async def reader(db: Database, roles: dict[int, Role], *kinds: str, address: str) -> str:
    account = await add(db, roles, address)
    for kind in kinds:
        await letter_queries.wish(db, account, kind, 1)
    return account


def summaries(store: Database, visits: Database, mailer: Mailer, now: int) -> Summaries:
    return Summaries(store, visits, mailer, STOPS, lambda: now)


NEXT = (TODAY + 1) * DAY + MORNING
"""The morning after the day with records."""


async def test_yesterday_is_told_once(store: Database, visits: Database, mailer: Mailer, box: Box) -> None:
    """To who asked for it, from the morning on; not again by the next run, and the next day again."""
    await reader(store, {0: Role.ANALYST}, "daily", address="ann@example.com")
    await reader(store, {0: Role.ANALYST}, "outage", address="bob@example.com")
    await reader(store, {0: Role.ANALYST}, address="cid@example.com")

    for now in (NEXT - 1, NEXT, NEXT + 1, NEXT + DAY):
        await summaries(store, visits, mailer, now).run()

    told = [(to, subject) for to, subject, _ in box.read()]
    assert told == [
        ("ann@example.com", "Consent on 2026-09-20"),
        ("ann@example.com", "Consent on 2026-09-21"),
        ("ann@example.com", "Consent on 2026-09-22"),
    ]
    text = box.read()[1][2]
    assert re.search(r"shop\r?\n +choices +18", text)
    assert "agreed        50.0%" in text
    assert re.search(r"visits +20 +visitors 20, pages 20", text.replace("(", ""))


async def test_nobody_is_told_of_sites_that_are_not_theirs(
    store: Database, visits: Database, mailer: Mailer, box: Box
) -> None:
    """An analyst of another site hears of that one alone; who may see no figures gets no letter."""
    await publish_shop(store, key="other")
    await reader(store, {2: Role.ANALYST}, "daily", address="ann@example.com")
    await reader(store, {1: Role.AUDITOR}, "daily", address="bob@example.com")
    await reader(store, {}, "daily", address="cid@example.com")

    await summaries(store, visits, mailer, NEXT).run()

    [(to, _, text)] = box.read()
    assert to == "ann@example.com"
    assert "shop" not in text


async def test_what_was_not_sent_is_tried_again(store: Database, visits: Database, mailer: Mailer, box: Box) -> None:
    """A server that refuses is told to the operator, and the letter comes with the next run."""
    await reader(store, {0: Role.ANALYST}, "daily", address="ann@example.com")
    box.refuses = True
    with pytest.raises(Problem, match="refuses"):
        await summaries(store, visits, mailer, NEXT).run()
    box.refuses = False

    await summaries(store, visits, mailer, NEXT).run()

    assert len(box.letters) == 1


async def test_a_closed_account_gets_nothing(store: Database, visits: Database, mailer: Mailer, box: Box) -> None:
    """Who may not sign in any more is not told anything, either."""
    account = await reader(store, {0: Role.OWNER}, "daily", address="ann@example.com")
    await store.execute("update account set state = 'closed' where site_id = 0 and id = :id", id=account)

    await summaries(store, visits, mailer, NEXT).run()

    assert box.letters == []


async def test_a_letter_says_how_to_stop_it(store: Database, visits: Database, mailer: Mailer, box: Box) -> None:
    """In its head for programs and at its end for people, with the same link, which is ours."""
    account = await reader(store, {0: Role.ANALYST}, "daily", address="ann@example.com")
    await summaries(store, visits, mailer, NEXT).run()

    [letter] = box.letters
    link = STOPS.link(account, "daily")
    assert letter["list-unsubscribe"].replace(" ", "") == f"<{link}>"
    assert letter["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert link in letter.get_content()
    assert STOPS.read(link.rpartition("/")[2]) == (account, "daily")


@pytest.mark.parametrize("token", ["", "daily", "daily.a.b", "daily..", f"daily.{'a' * 32}.{'0' * 32}", "ü.ü.ü", "\0"])
def test_other_links_stop_nothing(token: str) -> None:
    """A link that we did not sign is none; one kind's link is not the other's."""
    mine = STOPS.link("a" * 32, "daily").rpartition("/")[2]

    assert STOPS.read(token) is None
    assert STOPS.read(mine.replace("daily", "outage")) is None
    assert Stops(b"another", "").read(mine) is None


def test_a_day_without_anything_is_told_as_such() -> None:
    """Sites at which nothing happened take no room; where none did, the letter says so."""
    quiet = Told(site="shop", choices={}, week={})

    assert "Nothing happened" in daily(TODAY, [quiet], "https://c.example")[1]
    assert agreed({"changed": 3}) is None


class TestWatch:
    """What is told of outages, and when."""

    def test_what_passes_quickly_is_not_told(self) -> None:
        """Only what lasts for a minute."""
        watch = Watch()

        assert watch.look(0, [FAULT]) == ([], [])
        assert watch.look(PATIENCE - 1, [FAULT]) == ([], [])
        assert watch.look(PATIENCE, []) == ([], [])
        assert watch.look(2 * PATIENCE, [FAULT]) == ([], [])

    def test_it_is_told_once_and_that_it_is_over(self) -> None:
        """One letter at its beginning, one at its end."""
        watch = Watch()
        watch.look(0, [FAULT])

        assert watch.look(PATIENCE, [FAULT]) == ([FAULT], [])
        assert watch.look(2 * PATIENCE, [FAULT]) == ([], [])
        assert watch.look(3 * PATIENCE, []) == ([], [FAULT])
        assert watch.look(4 * PATIENCE, []) == ([], [])

    def test_what_comes_and_goes_is_told_once_an_hour(self) -> None:
        """It fills no letter box."""
        watch = Watch()
        told = 0
        for number in range(AGAIN // PATIENCE):
            begun, over = watch.look(number * PATIENCE, [FAULT] if number % 4 < 3 else [])
            told += len(begun) + len(over)

        assert told == 2


def vitals(failure: str = "", **refused: str) -> Vitals:
    parts = SimpleNamespace(failure=failure), SimpleNamespace(refused=refused), None
    return Vitals(*cast(Any, parts))


async def delivered(mailer: Mailer) -> None:
    """Send what is queued."""
    task = asyncio.create_task(mailer.run())
    await mailer.emptied()
    task.cancel()


async def test_an_outage_is_told_to_who_may_know(store: Database, config: Config, mailer: Mailer, box: Box) -> None:
    """What concerns all to everybody who asked, a site's log to who may see that log."""
    await publish_shop(store, key="other")
    await reader(store, {1: Role.AUDITOR}, "outage", address="ann@example.com")
    await reader(store, {2: Role.OWNER}, "outage", address="bob@example.com")
    await reader(store, {0: Role.OWNER}, "daily", address="cid@example.com")
    clock = [0]
    outages = Outages(
        store, mailer, STOPS, config, vitals=vitals("the disk failed", shop="The log is behind."),
        visits=lambda: "", now=lambda: clock[0],
    )  # fmt: skip
    await outages.run()
    clock[0] = PATIENCE
    await outages.run()
    await outages.run()

    await delivered(mailer)

    told = {to: text for to, _, text in box.read()}
    assert told.keys() == {"ann@example.com", "bob@example.com"}
    assert all("cannot be recorded: the disk failed" in text for text in told.values())
    assert ("The log is behind" in told["ann@example.com"], "The log is behind" in told["bob@example.com"]) == (
        True,
        False,
    )


async def test_readers_are_known_when_the_store_is_not(
    store: Database, config: Config, mailer: Mailer, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the store cannot be read, those are told who were known before."""
    await reader(store, {0: Role.OWNER}, "outage", address="ann@example.com")
    clock = [0]
    outages = Outages(
        store, mailer, STOPS, config, vitals=vitals("the disk failed"), visits=lambda: "", now=lambda: clock[0]
    )
    await outages.run()

    async def broken(*_: object, **__: object) -> list[Any]:
        raise StoreError("store_failed", "The disk is gone.", "Look.")

    monkeypatch.setattr(letter_queries, "readers", broken)
    clock[0] = PATIENCE
    await outages.run()
    await delivered(mailer)

    assert [to for to, _, _ in box.read()] == ["ann@example.com"]


async def test_that_the_service_was_not_running_is_told(
    store: Database, config: Config, mailer: Mailer, box: Box
) -> None:
    """After its next start, with the time from and to; a short restart is no outage."""
    await reader(store, {0: Role.OWNER}, "outage", address="ann@example.com")

    async def start(last: int) -> None:
        (config.data / FILE).write_text(str(BEGAN - last))
        made = Outages(store, mailer, STOPS, config, vitals=vitals(), visits=lambda: "", now=lambda: BEGAN)
        await made.run()
        await made.run()
        await delivered(mailer)

    await start(ABSENT - 1)
    assert box.letters == []
    await start(ABSENT + 1)
    [(_, subject, text)] = box.read()
    assert subject == "The consent service is not well"
    assert "was not running from" in text
    assert (config.data / FILE).read_text() == str(BEGAN)


def test_an_outage_reads_well() -> None:
    """Begun and over in one letter; over alone has a subject of its own."""
    subject, text = outage([FAULT], [Fault("ledger shop", "The log is behind.", "shop")], "https://c.example")

    assert subject == "The consent service is not well"
    assert (
        text == "- The disk is full.\n\nThis is over:\n- shop: The log is behind.\n\nMore: https://c.example/sites/\n"
    )
    assert outage([], [FAULT], "")[0] == "The consent service is well again"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[TestClient, Config]]:
    """A service without a mail server."""
    config = config_in(tmp_path, public_url="http://consent.example")
    asyncio.run(fill(config, 1))
    with TestClient(create_app(config), base_url="http://consent.example", raise_server_exceptions=False) as client:
        yield client, config


def test_letters_are_asked_for_and_stopped(served: tuple[TestClient, Config]) -> None:
    """A form for who is signed in; off before, on and off by it; a page of letters has a JSON face."""
    client, config = served
    who = signed_in(config, Role.ANALYST)
    assert client.get("/account/letters.json", headers=who).json() == {"mail": False, "letters": []}

    client.post("/account/letters", data={"daily": "yes", "outage": "yes"}, headers=who)
    assert client.get("/account/letters.json", headers=who).json()["letters"] == ["daily", "outage"]
    client.post("/account/letters", data={"outage": "yes"}, headers=who)
    assert client.get("/account/letters.json", headers=who).json()["letters"] == ["outage"]
    page = client.get("/account/letters", headers=who).text
    assert re.findall(r'name="(\w+)" value="yes"( checked)?', page) == [("daily", ""), ("outage", " checked")]
    assert "No mail server is set" in page


def test_one_click_stops_letters_without_signing_in(served: tuple[TestClient, Config]) -> None:
    """Following the link changes nothing; a mail program's POST does, as often as it likes; a stranger's does not."""
    client, config = served
    who = signed_in(config, Role.ANALYST)
    client.post("/account/letters", data={"daily": "yes", "outage": "yes"}, headers=who)
    account = client.get("/account/letters.json", headers=who)
    assert account.json()["letters"] == ["daily", "outage"]
    link = client.app.service.letters._stops  # type: ignore[attr-defined]
    [reader_id] = [row["account"] for row in client.portal.call(wishes_of, client.app.service.db)]  # type: ignore[union-attr, attr-defined]
    path = link.link(reader_id, "daily").removeprefix("http://consent.example")

    assert "Stop them" in client.get(path).text
    assert client.get("/account/letters.json", headers=who).json()["letters"] == ["daily", "outage"]
    assert client.post(path[:-1] + ("0" if path[-1] != "0" else "1")).status_code == 404
    for _ in range(2):
        assert client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert client.get("/account/letters.json", headers=who).json()["letters"] == ["outage"]


async def wishes_of(db: Database) -> list[dict[str, Any]]:
    return await db.fetch("select distinct account from letter_wish where site_id = 0")
