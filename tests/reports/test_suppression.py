"""Shared figures say nothing of few people, and no difference of two answers does."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as some

from consent.cli import main
from consent.db import Row
from consent.db.reading import open_readers
from consent.errors import Forbidden, Problem
from consent.reports.answer import Answer
from consent.reports.answers import Answers, Stores
from consent.reports.question import parse
from consent.reports.sharing import OPEN, Month, published
from consent.reports.sharing_queries import set_threshold
from consent.reports.subjects import SUBJECTS
from consent.reports.suppression import THRESHOLD, shown
from consent.sites.site import Site
from tests.records.shop import config_in, open_shop
from tests.reports import world
from tests.reports.world import DAY, START

numbers = some.one_of(some.integers(0, 8), some.integers(0, 60))
tables = some.dictionaries(some.sampled_from("abcdefg"), some.tuples(numbers, numbers), max_size=7)
MONTHS = ("2026-01", "2026-02", "2026-03")


def test_few_are_hidden_and_never_alone() -> None:
    """A small line goes, and with it the smallest other one: else the total would tell it."""
    rows = {"DE": (60, 40), "FR": (30, 20), "IS": (3, 0)}
    assert shown(rows, (93, 60), THRESHOLD) == frozenset({"DE"})


def test_several_that_are_small_together_take_one_along() -> None:
    """Two lines of which both are hidden, but come to less than the threshold, are not enough."""
    rows = {"DE": (60,), "FR": (30,), "IS": (1,), "LI": (2,)}
    assert shown(rows, (93,), THRESHOLD) == frozenset({"DE"})


def test_where_the_total_is_small_nothing_is_shown() -> None:
    """Three who refused are told neither by a line nor by the total."""
    assert shown({"DE": (60, 3)}, (60, 3), THRESHOLD) is None


def test_large_numbers_are_all_shown() -> None:
    """Nothing is hidden where nothing is small; nought says nothing."""
    assert shown({"DE": (60, 0), "FR": (30, 20)}, (90, 20), THRESHOLD) == frozenset({"DE", "FR"})


@settings(max_examples=1_000)
@given(tables, some.tuples(numbers, numbers), some.integers(THRESHOLD, 12))
def test_what_is_hidden_is_not_told_by_the_total(
    rows: dict[str, tuple[int, int]], loose: tuple[int, int], threshold: int
) -> None:
    """Total less what is shown is nothing or no small number, and never one line's alone; no shown number is small."""
    rows = {key: row for key, row in rows.items() if any(row)}
    total = [sum(row[place] for row in rows.values()) + loose[place] for place in (0, 1)]
    kept = shown(rows, total, threshold)
    if kept is None:
        assert any(0 < number < threshold for number in total)
        return
    for place in (0, 1):
        assert not [key for key in kept if 0 < rows[key][place] < threshold]
        rest = total[place] - sum(rows[key][place] for key in kept)
        assert rest == 0 or rest >= threshold
    parts = [row for key, row in rows.items() if key not in kept] + ([loose] if any(loose) else [])
    assert len(parts) != 1 or not kept  # alone it is the total, which is not small


def _row(agreed: int, refused: int) -> Row:
    return {"given": agreed, "partly": 0, "refused": refused, "changed": 0, "withdrawn": 0}


@settings(max_examples=500)
@given(some.lists(tables, min_size=3, max_size=3))
def test_no_difference_of_answers_tells_a_hidden_number(found: list[dict[str, tuple[int, int]]]) -> None:
    """Every span of months, with and without a dimension, asked and subtracted from every span around it: what a line
    or the total grows by is nothing, or no small number; and so is what is left of a total beside its lines.
    """
    months = []
    for name, table in zip(MONTHS, found, strict=True):
        total = _row(*(sum(row[place] for row in table.values()) for place in (0, 1)))
        months.append(Month(name, {key: _row(*row) for key, row in table.items()}, total))
    spans = [(first, last) for first in range(3) for last in range(first + 1, 4)]
    answers = {span: published("consent", months[slice(*span)], THRESHOLD, by_month=False, by=True) for span in spans}
    for (first, last), outer in answers.items():
        for column in ("given", "refused"):
            lines = {key: sums[column] for key, sums in outer.lines}
            _harmless(outer.total[column] - sum(lines.values()))
            for (start, end), inner in answers.items():
                if first <= start and end <= last:
                    _harmless(outer.total[column] - inner.total[column])
                    for key, sums in inner.lines:
                        _harmless(lines.get(key, 0) - sums[column])
    alone = [published("consent", [month], THRESHOLD, by_month=True, by=True) for month in months]
    whole = published("consent", months, THRESHOLD, by_month=True, by=True)
    assert [line for one in alone for line in one.lines] == whole.lines


def _harmless(number: int) -> None:
    assert number == 0 or number >= THRESHOLD


class Sharing:
    """A site with choices of some months, a few of them by people who can be told apart."""

    def __init__(self, site: Site, answers: Answers, folder: Path) -> None:
        self.site = site
        self.answers = answers
        self.folder = folder

    async def ask(self, *given: tuple[str, str]) -> Answer:
        return await self.answers.ask(self.site, parse("consent", [("shared", "yes"), *given], START + 80 * DAY))


@pytest.fixture(scope="module")
async def sharing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sharing]:
    config = config_in(tmp_path_factory.mktemp("sharing"))
    async with open_shop(config) as db:
        site, _ = await world.make(db, "shop", 600, 9)
        stores = [Stores(await open_readers(config.store, 1), None) for _ in (0, 1)]
        answers = Answers(*stores)
        yield Sharing(site, answers, config.data)
        await answers.close()


SPAN = (("from", "2025-11-01"), ("to", "2025-12-31"))


async def test_a_shared_answer_hides_the_few(sharing: Sharing) -> None:
    """By language the rare one is left out, with its number in `hidden`; the answer says below what."""
    answer = await sharing.ask(("by", "language"), *SPAN)
    assert answer.metrics == OPEN["consent"].metrics
    assert answer.threshold == THRESHOLD
    assert answer.hidden >= 1
    assert answer.rest is None
    for line in answer.lines:
        assert all(line.values[name] == 0 or (line.values[name] or 0) >= THRESHOLD for name in ("agreed", "refused"))
    assert "few people" in answer.notes[-1]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ([("filter", "country:DE")], "filter"),
        ([("by", "day")], "by"),
        ([("by", "country,language")], "by"),
        ([("by", "region")], "by"),
        ([("metrics", "withdrawn")], "metrics"),
        ([("compare", "previous")], "compare"),
        ([("from", "2025-11-02"), ("to", "2025-12-31")], "from"),
        ([("from", "2026-01-01"), ("to", "2026-01-31")], "from"),
    ],
)
async def test_what_would_tell_by_differences_is_not_answered(
    sharing: Sharing, given: list[tuple[str, str]], field: str
) -> None:
    """No filters, no days, no pairs, no months that are not over."""
    names = {name for name, _ in given}
    with pytest.raises(Problem) as caught:
        await sharing.ask(*given, *(pair for pair in SPAN if pair[0] not in names))
    assert (caught.value.code, caught.value.field) == ("not_shared", field)


async def test_a_site_says_what_it_shares(sharing: Sharing) -> None:
    """A higher threshold hides more; off, nothing is answered."""
    run = CliRunner()
    words = ["site", "sharing", "shop", "--data", str(sharing.folder)]
    before = await sharing.ask(("by", "country"), *SPAN)
    result = run.invoke(main, [*words, "--threshold", "4"])
    assert result.exit_code != 0
    async with open_shop(config_in(sharing.folder.parent)) as db:
        await set_threshold(db, sharing.site.site_id, 40)
        after = await sharing.ask(("by", "country"), *SPAN)
        assert (after.threshold, after.hidden > before.hidden) == (40, True)
        await set_threshold(db, sharing.site.site_id, 0)
        with pytest.raises(Forbidden, match="not shared"):
            await sharing.ask(("by", "country"), *SPAN)
        await set_threshold(db, sharing.site.site_id, THRESHOLD)


def test_the_command_sets_it(tmp_path: Path) -> None:
    """Without an option it says how it is."""
    import asyncio

    config = config_in(tmp_path)

    async def fill() -> None:
        async with open_shop(config) as db:
            await world.make(db, "shop", 10, 1)

    asyncio.run(fill())
    words = ["site", "sharing", "shop", "--data", str(config.data), "--json"]
    run = CliRunner()
    assert json.loads(run.invoke(main, words).output) == {"site": "shop", "threshold": 5}
    assert json.loads(run.invoke(main, [*words, "--threshold", "10"]).output)["threshold"] == 10
    assert json.loads(run.invoke(main, [*words, "--off"]).output)["threshold"] == 0


def test_what_is_open_is_counted() -> None:
    """Every dimension that may be shared is one of the subject, and every metric is made of the counts judged."""
    for name, rules in OPEN.items():
        subject = SUBJECTS[name]
        assert set(rules.dims) <= set(subject.dims)
        judged = {column for count in rules.counts for column in subject.metrics[count].plus}
        for metric in rules.metrics:
            assert {*subject.metrics[metric].plus, *subject.metrics[metric].per} <= judged
