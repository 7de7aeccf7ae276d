"""Figures of visits: counts and rows say the same, anonymous counts are among them, and blocked requests by host."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from consent.config import Config
from consent.db import Row, Value
from consent.db.reading import Reader, Readers, open_readers
from consent.db.sqlite import open_sqlite
from consent.errors import Problem
from consent.reports import row_queries, rows, visit_queries
from consent.reports.answer import Answer
from consent.reports.answers import Answers, Stores, is_counted
from consent.reports.question import Question, parse
from consent.reports.rows import SESSIONS, VIEWS
from consent.sites.site import Site
from consent.telemetry.hit import Anonymous, Facts, Hit
from consent.telemetry.log import Log
from consent.telemetry.rollup import Sums
from consent.telemetry.store import open_telemetry
from tests.telemetry.made import DAY, HOUR, NOW, event, hit

START = NOW // DAY * DAY
DAYS = 5
SITE = Site(1, "shop", 0)


class Visits:
    """What answers questions about a log of visits, and reads its rows."""

    def __init__(self, answers: Answers, readers: Readers) -> None:
        self.answers = answers
        self.readers = readers

    async def ask(self, subject: str, *given: tuple[str, str]) -> Answer:
        return await self.answers.ask(SITE, asked(subject, *given))


def asked(subject: str, *given: tuple[str, str]) -> Question:
    names = {name for name, _ in given}
    span = [("from", str(START)), ("to", str(START + DAYS * DAY))]
    return parse(subject, [*(pair for pair in span if pair[0] not in names), *given], NOW)


def _hits(chance: random.Random) -> list[Hit]:
    found = []
    for number in range(200):
        began = START + chance.randrange(DAYS * DAY - 2 * HOUR)
        facts = Facts(
            browser=chance.choice(("Firefox", "Chrome", "")),
            browser_version=chance.choice(("131.0", "132.1")),
            system="Windows",
            system_version="11",
            device=chance.choice(("desktop", "phone")),
            brand=chance.choice(("", "Apple")),
            language=chance.choice(("de", "en")),
            country=chance.choice(("AT", "DE", "")),
            region=chance.choice(("", "DE-BY")),
            screen="large",
            isp_domain=chance.choice(("", "a1.net")),
            policy_version=1,
        )
        events = [
            event(number * 10 + at, began + at * 1_000, path=chance.choice(("/", "/a", "/b")), load_time=at * 100)
            for at in range(chance.randrange(1, 4))
        ]
        if chance.random() < 0.3:
            events.append(event(number * 10 + 8, began + 5_000, "blocked", target="ads.example", service="ads"))
        if chance.random() < 0.5:
            events.append(event(number * 10 + 9, began + 9_000, "engagement", engaged=chance.randrange(60)))
        more = {
            "source": chance.choice(("", "search.example")),
            "campaign": chance.choice(("", '{"utm_campaign":"x"}')),
        }
        visit = chance.choice((1, 2, 5, 20))
        found.append(hit(number, *events, session=number + 1, began=began, visit=visit, facts=facts, **more))
    return found


@pytest.fixture(scope="module")
async def visits(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Visits]:
    config = Config(data=tmp_path_factory.mktemp("visits"))
    main = await open_sqlite(config.store)
    store = await open_telemetry(config)
    log = Log(store)
    counted = Sums()
    for number in range(30):
        seen: dict[str, Any] = {"time": START + number * HOUR, "event": "view", "host": "shop.example", "path": "/"}
        counted.anonymous(Anonymous(site_id=1, country="AT", entered=1, load_time=50, **seen))
    for chunk in _hits(random.Random(3)):
        await log.write([chunk], {})
    await log.write([], {1: counted}, [{"site_id": 1, "hour": START // HOUR + 3, "reason": "bot", "n": 4}])
    while await log.fold():
        pass
    readers = await open_readers(config.telemetry_store, 1)
    counts = Stores(await open_readers(config.store), await open_readers(config.telemetry_store))
    answers = Answers(counts, Stores(await open_readers(config.store, 1), readers))
    yield Visits(answers, readers)
    await answers.close()
    await store.close()
    await main.close()


async def test_both_levels_are_told_apart(visits: Visits) -> None:
    """All are full and counted ones together; by level each is told by itself."""
    both = await visits.ask("pages", ("metrics", "views"))
    by_level = await visits.ask("pages", ("metrics", "views"), ("by", "level"))
    told = {line.keys[0]: line.values["views"] for line in by_level.lines}
    assert told["count"] == 30
    assert both.total["views"] == sum(number or 0 for number in told.values())


async def test_bounces_are_those_of_logged_visits(visits: Visits) -> None:
    """What was only counted is no visit that ended: it takes nothing off the rate, and has none by itself."""
    asked_for = ("metrics", "sessions,bounces,bounce_rate")
    both = await visits.ask("visits", asked_for)
    lines = (await visits.ask("visits", asked_for, ("by", "level"))).lines
    told = {line.keys[0]: line.values for line in lines}
    assert told["count"] == {"sessions": 30, "bounces": 0, "bounce_rate": None}
    assert both.total["sessions"] == 30 + (told["full"]["sessions"] or 0)
    assert both.total["bounce_rate"] == told["full"]["bounce_rate"] != 0
    assert told["full"]["bounces"]


async def test_blocked_requests_by_host(visits: Visits) -> None:
    """Hosts with the service that they belong to, and how often."""
    answer = await visits.ask("services", ("by", "host,service"))
    [line] = answer.lines
    assert line.keys == ("ads.example", "ads")
    assert line.values == answer.total


async def test_drops_by_reason_and_day(visits: Visits) -> None:
    """Hours are folded into the day that is asked for."""
    answer = await visits.ask("requests", ("by", "day,reason"))
    assert [(line.keys[1], line.values) for line in answer.lines] == [("bot", {"dropped": 4})]


async def test_what_is_not_counted_under_a_dimension_is_unknown(visits: Visits) -> None:
    """Views are not counted by entry, visits not by event: null, not nothing."""
    entries = await visits.ask("visits", ("by", "entry"), ("metrics", "sessions,views"))
    assert {line.values["views"] for line in entries.lines} == {None}
    assert all(line.values["sessions"] for line in entries.lines)
    events = await visits.ask("visits", ("by", "event"), ("metrics", "events,sessions"))
    assert [(line.keys, line.values["sessions"]) for line in events.lines] == [(("blocked",), None)]


async def test_pages_are_averaged(visits: Visits) -> None:
    """How long a page takes to load is a mean of those that told it."""
    answer = await visits.ask("pages", ("by", "page"), ("metrics", "views,load"))
    assert {line.keys for line in answer.lines} == {(f"shop.example/{path}",) for path in ("", "a", "b")}
    assert all(line.values["load"] is None or 0 < line.values["load"] <= 300 for line in answer.lines)


class Planned:
    """A reader that tells how each query would be answered."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def fetch(self, sql: str, /, **params: Value) -> list[Row]:
        return await self._reader.fetch(f"explain query plan {sql}", **params)


async def test_frequent_visitors_are_read_in_their_order(visits: Visits) -> None:
    """Those who came most often are read off an index, the latest first, and none but them, however many there are."""
    async with visits.readers.snapshot() as reader:
        [plan] = await visit_queries.frequent(Planned(reader), 1)
        found = await visit_queries.frequent(reader, 1, limit=20)
    assert plan["detail"] == "SEARCH visitor USING INDEX visitor_often (site_id=?)"
    order = [(row["visits"], row["last"]) for row in found]
    assert order == sorted(order, reverse=True)
    assert len(order) == 20


async def test_who_is_leaving_is_not_shown(tmp_path: Path) -> None:
    """A visitor who withdrew and whose rows are being deleted is neither in the list nor shown with a history."""
    config = Config(data=tmp_path)
    store = await open_telemetry(config)
    for number in (1, 2):
        await store.execute(
            "insert into visitor (site_id, id, first, last, visits, views, customer, customer_fields, leaving)"
            " values (1, :id, 0, 0, 1, 1, '', '', :leaving)",
            id=f"{number:032x}", leaving=number == 2,
        )  # fmt: skip
    await store.close()
    readers = await open_readers(config.telemetry_store, 1)
    async with readers.snapshot() as reader:
        listed = [row["id"] for row in await visit_queries.frequent(reader, 1)]
        shown = [await visit_queries.visitor(reader, 1, f"{number:032x}") is not None for number in (1, 2)]
    await readers.close()

    assert (listed, shown) == ([f"{1:032x}"], [True, False])


SUMMED = "sessions,visitors,newcomers,bounces,views,engaged"
MEASURES = {"visits": SUMMED, "pages": "views,events,engaged,load"}


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    subject=some.sampled_from(["visits", "pages"]),
    picks=some.lists(some.integers(0, 100), max_size=2, unique=True),
    filtered=some.one_of(some.none(), some.sampled_from([("device", "phone"), ("source", ""), ("browser", "Firefox")])),
    grain=some.sampled_from(["", "hour", "day", "week"]),
    first=some.integers(0, DAYS - 1),
)
async def test_counts_and_rows_say_the_same(
    visits: Visits, *, subject: str, picks: list[int], filtered: tuple[str, str] | None, grain: str, first: int
) -> None:
    """Of visits that are logged in full, whatever is counted is what the rows come to."""
    names = sorted(SESSIONS if subject == "visits" else VIEWS)
    by = list(dict.fromkeys(names[pick % len(names)] for pick in picks))
    parameters = [("metrics", MEASURES[subject]), ("by", ",".join([grain, *by])), ("limit", "150")]
    parameters += [("from", str(START + first * DAY))]
    parameters += [("filter", ":".join(filtered))] if filtered else []
    try:
        question = asked(subject, *parameters)
    except Problem:
        return
    if not is_counted(question) or not rows.readable(question):
        return
    answer = await visits.answers.ask(SITE, question)
    async with visits.readers.snapshot(10) as reader:
        found = await row_queries.read(reader, 1, question)
    right = {((at, *key) if at else key): sums for (at, key), sums in found.lines.items()}
    only_full = subject == "visits" and not {"country", "page"} & {*by, *question.filter} and by
    for line in answer.lines:
        if only_full and line.keys in right:
            names = [name for name in SUMMED.split(",") if line.values[name] is not None]
            assert len(names) >= 5
            exact = {name: right[line.keys][name] for name in names}
            assert {name: line.values[name] for name in exact} == exact
    if only_full:
        empty = {key for key, sums in right.items() if not any(sums.values())}
        assert {line.keys for line in answer.lines} - empty == right.keys() - empty
