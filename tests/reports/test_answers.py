"""Answers from counts are what looking at every record would give."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from consent.errors import Problem
from consent.reports import row_queries, rows, side
from consent.reports.answer import Answer
from consent.reports.period import HOUR
from consent.reports.question import Question, parse
from consent.reports.subjects import SUBJECTS, held
from tests.reports import oracle
from tests.reports.conftest import World
from tests.reports.world import ACTIONS, DAY, DAYS, LANGUAGES, START

NOW = START + DAYS * DAY
SPAN = [("from", str(START)), ("to", str(NOW))]
ALL = ("metrics", ",".join(ACTIONS))


def asked(*given: tuple[str, str]) -> Question:
    names = {name for name, _ in given}
    return parse("consent", [*(pair for pair in (*SPAN, ALL) if pair[0] not in names), *given], NOW)


async def answered(world: World, *given: tuple[str, str]) -> Answer:
    return await world.answers.ask(world.site, asked(*given))


def lines(answer: Answer) -> dict[tuple[str, ...], dict[str, object]]:
    return {line.keys: dict(line.values) for line in answer.lines}


async def test_by_day_every_day_has_a_line(two_sites: World) -> None:
    """All 70 days are there in order, with what was said on them and nothing of the other site."""
    answer = await answered(two_sites, ("by", "day"))
    right = oracle.sums(asked(("by", "day")), two_sites.rows)
    assert len(answer.lines) == DAYS
    assert [line.keys for line in answer.lines] == sorted(line.keys for line in answer.lines)
    assert {key: values for key, values in lines(answer).items() if any(values.values())} == right
    assert sum(answer.total[name] or 0 for name in ACTIONS) == 3_000


async def test_the_largest_come_first_and_the_rest_is_told(two_sites: World) -> None:
    """Two of the languages, the others as the rest, and the next page goes on where it ended."""
    first = await answered(two_sites, ("by", "language"), ("limit", "2"), ("metrics", "records"))
    assert [line.keys for line in first.lines] == [("en",), ("de",)]
    assert first.rest is not None
    assert sum(line.values["records"] or 0 for line in first.lines) + (first.rest["records"] or 0) == 3_000
    second = await answered(
        two_sites, ("by", "language"), ("limit", "2"), ("metrics", "records"), ("after", first.next)
    )
    assert [line.keys for line in second.lines] == [("fr",), (LANGUAGES[3],)]
    assert second.next == ""


async def test_rates_are_of_first_choices(two_sites: World) -> None:
    """The opt-in rate is given and partly of given, partly and refused; None where nobody chose."""
    answer = await answered(two_sites, ("metrics", "agreed,choices,opt_in"))
    agreed, choices = answer.total["agreed"], answer.total["choices"]
    assert agreed is not None and choices
    assert answer.total["opt_in"] == round(agreed / choices, 6)
    none = await answered(two_sites, ("metrics", "opt_in"), ("filter", "country:XX"))
    assert none.total["opt_in"] is None


async def test_two_spans_are_compared(two_sites: World) -> None:
    """Each line has the figures of the span before, by its value, and over time by its place."""
    middle = START + DAYS // 2 * DAY
    span = [("from", str(middle)), ("to", str(NOW))]
    answer = await answered(two_sites, *span, ("by", "country"), ("compare", "previous"))
    before = oracle.sums(asked(("by", "country"), ("from", str(START)), ("to", str(middle))), two_sites.rows)
    assert {line.keys: line.before for line in answer.lines} == before
    assert answer.before is not None
    assert sum(answer.before.total[name] or 0 for name in ACTIONS) == sum(sum(one.values()) for one in before.values())
    daily = await answered(two_sites, *span, ("by", "day"), ("compare", "previous"))
    first = daily.lines[0].before
    assert first == oracle.sums(asked(("by", "day")), two_sites.rows).get(("2025-11-08",))
    face = daily.face()
    assert {"before", "change"} <= face["rows"][0].keys()


async def test_no_cell_of_a_spreadsheet_is_a_formula(two_sites: World) -> None:
    """A hostile language stands behind an apostrophe in CSV, and as it is in JSON."""
    answer = await answered(two_sites, ("by", "language"))
    cells = [line.split(",")[0] for line in answer.as_csv().splitlines()]
    assert "'=cmd|'x'!A1" in cells
    assert LANGUAGES[3] in json.dumps(answer.face())


async def test_what_is_not_counted_together_is_said(two_sites: World) -> None:
    """Browsers are on no record: by browser and language nobody can tell, and the answer says what can."""
    with pytest.raises(Problem, match="browser and language") as caught:
        await answered(two_sites, ("by", "browser,language"))
    assert caught.value.field == "by"


async def test_what_is_not_counted_together_is_read_from_rows(two_sites: World) -> None:
    """By language and control: from rows, told as such, paged like counts."""
    asked_ = (("by", "language,control"), ("metrics", "records"), ("limit", "5"))
    first = await answered(two_sites, *asked_)
    second = await answered(two_sites, *asked_, ("after", first.next))
    right = oracle.sums(asked(*asked_), two_sites.rows)
    assert first.source == second.source == "rows"
    told = {**lines(first), **lines(second)}
    assert len(told) == 10
    assert told == {key: {"records": sum(right[key].values())} for key in told}
    assert list(told) == sorted(told, key=lambda key: (-sum(right[key].values()), key))


async def test_rows_are_put_together_beside_the_loop(two_sites: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes to add them up and to put them in order, choices are answered meanwhile."""
    threads: set[int] = set()

    def told(work: Callable[..., Any]) -> Callable[..., Any]:
        def telling(*given: Any) -> Any:
            threads.add(threading.get_ident())
            return work(*given)

        return telling

    monkeypatch.setattr(rows, "summed", told(rows.summed))
    monkeypatch.setattr("consent.reports.answers.of_rows", told(side.of_rows))
    answer = await answered(two_sites, ("by", "purpose,region"))

    assert answer.source == "rows" and answer.lines
    assert threads and threading.get_ident() not in threads


async def test_rows_that_take_too_long_are_a_sentence(two_sites: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that rows cannot answer in time says so, and counts go on being read."""
    monkeypatch.setattr("consent.reports.answers.SECONDS", 0.0001)
    with pytest.raises(Problem, match="not counted") as caught:
        await answered(two_sites, ("by", "language,control"))
    assert (caught.value.code, caught.value.status) == ("too_slow", 503)
    monkeypatch.undo()
    assert (await answered(two_sites, ("by", "day"))).lines


async def test_without_a_log_of_visitors_there_are_no_visits(two_sites: World) -> None:
    """Subjects of the visitors' log answer with zeros and say why."""
    for subject in ("visits", "visitors", "pages", "services", "requests"):
        answer = await two_sites.answers.ask(two_sites.site, parse(subject, [("by", "day")], NOW))
        assert {value for line in answer.lines for value in line.values.values()} <= {0, None}
        assert "[telemetry]" in answer.notes[0]


dims = SUBJECTS["consent"].dims
VALUES = {
    "country": ("DE", "FR", "IT", "US", "", "XX"),
    "region": ("DE-BY", "FR"),
    "language": LANGUAGES,
    "regime": ("eu", "uk"),
    "control": ("accept", "save"),
    "state": ("granted", "denied"),
    "purpose": ("statistics",),
    "gpc": ("yes",),
    "device": ("phone", "tablet"),
    "layer": ("1",),
}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    by=some.lists(some.sampled_from(dims), max_size=2, unique=True),
    grain=some.sampled_from(["", "hour", "day", "week", "month"]),
    filters=some.lists(
        some.sampled_from([(dim, value) for dim, values in VALUES.items() for value in values]), max_size=3
    ),
    start=some.integers(0, DAYS - 1),
    length=some.integers(1, DAYS),
    hour=some.sampled_from([0, 0, 0, 5]),
)
async def test_counts_and_records_say_the_same(
    two_sites: World,
    *,
    by: list[str],
    grain: str,
    filters: list[tuple[str, str]],
    start: int,
    length: int,
    hour: int,
) -> None:
    """Any question that can be answered has the lines and the total that every record looked at gives, from
    counts or from rows; what comes from counts comes from rows as well."""
    parameters = [("by", ",".join(filter(None, [grain, *by]))), ("limit", "200"), ALL]
    parameters += [("filter", f"{dim}:{value}") for dim, value in filters]
    begin = START + start * DAY + hour * HOUR
    parameters += [("from", str(begin)), ("to", str(begin + length * DAY + hour * HOUR))]
    try:
        question = parse("consent", parameters, NOW)
    except Problem:
        return
    counted = held(question.about, question.dims, hours=question.hours) is not None
    if not counted and not rows.readable(question):
        return
    answer = await two_sites.answers.ask(two_sites.site, question)
    right = oracle.sums(question, two_sites.rows)
    told = {key: values for key, values in lines(answer).items() if any(values.values())}
    assert answer.source == ("rollups" if counted else "rows")
    if question.columns:
        assert told == right
    if rows.readable(question) and question.by:
        async with two_sites.readers.snapshot(10) as reader:
            found = await row_queries.read(reader, two_sites.site.site_id, question)
        assert {((at, *key) if at else key): sums for (at, key), sums in found.lines.items()} == right
    bare = Question(subject="consent", metrics=ACTIONS, period=question.period, filter=question.filter)
    if held(question.about, frozenset(question.filter), hours=question.hours):
        [total] = oracle.sums(bare, two_sites.rows).values() or [dict.fromkeys(ACTIONS, 0)]
        assert answer.total == total
