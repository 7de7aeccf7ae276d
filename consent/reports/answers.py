"""Answers: a question, and the counts that are read for it, from a store's own readers and within a time."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

import msgspec

from consent.config import Config
from consent.db.reading import Reader, Readers, open_readers
from consent.errors import Problem, StoreError
from consent.reports import queries, row_queries, rows
from consent.reports.answer import Answer
from consent.reports.compose import compared, composed
from consent.reports.question import MOST_LINES, Question
from consent.reports.shared import shared_answer
from consent.reports.side import Side, counted, of_rows, unknown
from consent.reports.subjects import held
from consent.sites.site import Site

SECONDS = 2.0
"""How long one answer may take, whatever is asked."""

ROWS = "This is not counted: it was read from the rows that are there, without what was erased."


class Stores(NamedTuple):
    """Readers of the store of records, and of the visitors' log, where there is one."""

    main: Readers
    visitors: Readers | None

    def of(self, name: str) -> Readers | None:
        """Those of one store."""
        return self.main if name == "main" else self.visitors

    async def close(self) -> None:
        """Let go of them."""
        for readers in self:
            if readers is not None:
                await readers.close()


class Answers:
    """Answers questions.

    Args:
        counts: for what is counted.
        rows: for what is not: one question after the other, so that counts wait for none of them.
    """

    def __init__(self, counts: Stores, rows: Stores) -> None:
        self._counts = counts
        self._rows = rows

    async def close(self) -> None:
        """Let go of the stores."""
        await self._counts.close()
        await self._rows.close()

    async def ask(self, site: Site, question: Question) -> Answer:
        """Answer. Raises Problem where it is asked for too much."""
        return (await self.ask_all(site, [question]))[0]

    async def ask_all(self, site: Site, questions: Sequence[Question]) -> list[Answer]:
        """Answer several questions; those about what is counted are about one moment."""
        answers: dict[int, Answer] = {}
        from_counts = [place for place, one in enumerate(questions) if is_counted(one)]
        if from_counts:
            async with self.reading(questions[place].about.store for place in from_counts) as readers:
                for place in from_counts:
                    answers[place] = await _answer(readers, site, questions[place])
        for place, one in enumerate(questions):
            if place not in answers:
                answers[place] = await self._from_rows(site, one)
        return [answers[place] for place in range(len(questions))]

    @asynccontextmanager
    async def reading(self, stores: Iterable[str] = ()) -> AsyncIterator[dict[str, Reader]]:
        """One moment of the stores by name, `main` always, `visitors` where it is asked for and there is one."""
        async with AsyncExitStack() as open_:
            readers: dict[str, Reader] = {}
            for name in sorted({"main", *stores}):
                store = self._counts.of(name)
                if store is not None:
                    readers[name] = await open_.enter_async_context(store.snapshot(SECONDS))
            yield readers

    async def _from_rows(self, site: Site, asked: Question) -> Answer:
        """An answer from the rows themselves. Raises Problem where there are none, or it takes too long."""
        store = self._rows.of(asked.about.store)
        if not rows.readable(asked):
            raise not_counted(asked)
        if store is None:
            return composed(site, asked, unknown(asked))
        try:
            async with store.snapshot(SECONDS) as reader:
                side = await _side(reader, site, asked)
                other = None
                if asked.other is not None:
                    wide = msgspec.structs.replace(asked.other, limit=MOST_LINES)
                    other = await _side(reader, site, wide)
        except StoreError as error:
            if error.code != "store_slow":
                raise
            raise too_slow() from error
        answer = composed(site, asked, side)
        answer = msgspec.structs.replace(answer, source="rows", notes=(*answer.notes, ROWS))
        return compared(answer, asked, other) if other is not None else answer


async def open_answers(config: Config) -> Answers:
    """Answers from the stores of a service, which are there already."""
    async with AsyncExitStack() as opened:
        stores = []
        for number in (2, 1):
            main = await open_readers(config.store, number)
            opened.push_async_callback(main.close)
            visitors = await _open_visits(config, number)
            if visitors is not None:
                opened.push_async_callback(visitors.close)
            stores.append(Stores(main, visitors))
        opened.pop_all()
    return Answers(*stores)


async def _open_visits(config: Config, number: int) -> Readers | None:
    """The visitors' log; None where there is none, or it cannot be read: choices are told all the same."""
    try:
        return await open_readers(config.telemetry_store, number) if config.telemetry_store.exists() else None
    except StoreError:
        return None


def is_counted(asked: Question) -> bool:
    """Whether a question is answered from counts."""
    return held(asked.about, asked.dims, hours=asked.hours) is not None


async def _answer(readers: dict[str, Reader], site: Site, asked: Question) -> Answer:
    """An answer from counts."""
    if asked.shared:
        return await shared_answer(readers, site, asked)
    reader = readers.get(asked.about.store)
    where = held(asked.about, asked.dims, hours=asked.hours)
    assert where is not None
    side = await counted(reader, site.site_id, asked, where)
    answer = composed(site, asked, side)
    if asked.about.store == "main":
        complete = await queries.is_counted(readers["main"], site.site_id)
        answer = msgspec.structs.replace(answer, complete=complete)
    if asked.other is None:
        return answer
    keys = None if asked.grain else [key for key, _ in side.lines]
    return compared(answer, asked, await counted(reader, site.site_id, asked.other, where, keys))


async def _side(reader: Reader, site: Site, asked: Question) -> Side:
    """What the rows of a span come to; put in order in a thread, for there may be many."""
    return await asyncio.to_thread(of_rows, asked, await row_queries.read(reader, site.site_id, asked))


def too_slow() -> Problem:
    """The answer to a question whose rows are too many."""
    return Problem(
        "too_slow",
        f"This is not counted, and reading the rows takes longer than {SECONDS:g} seconds.",
        "Ask for a shorter time, or for what is counted: see /reports/SITE/questions.",
        status=503,
        field="by",
    )


def not_counted(asked: Question) -> Problem:
    """The answer to a combination that is neither counted nor can be read from rows."""
    pairs = ", ".join(pair.replace("*", " with ") for pair in asked.about.pairs)
    return Problem(
        "combination",
        f"{asked.subject} is not counted by {' and '.join(sorted(asked.dims))} together.",
        f"Counted together are: {pairs}; each dimension by itself." if pairs else "Leave out a dimension.",
        field="by",
    )
