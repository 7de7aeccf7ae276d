"""The same views in DuckDB (extra `export`): what a statement names is read into memory first, bounded, and then asked.

DuckDB's own reader of SQLite files is an extension that would have to be fetched; the rows go through a pipe instead.
"""

import os
import re
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import msgspec

from consent.delivery.outline import safe
from consent.errors import Problem
from consent.reports import parquet
from consent.reports.shell import MEND, SECONDS, Answer, Shell, cells, slow

MOST = 5_000_000
"""Rows of a view that are read; one with more is refused, for half of the rows would answer another question."""

CHUNK = 1_000
MEMORY = "1GB"

_JSON = msgspec.json.Encoder()


class DuckShell(AbstractContextManager["DuckShell"]):
    """Answers statements in DuckDB's SQL. Views are read when they are first named. Raises Problem without DuckDB."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._loaded: set[str] = set()
        self._connection = parquet.connect()
        self._connection.execute(f"set memory_limit = '{MEMORY}'")
        self._connection.execute("set temp_directory = ''")  # nothing personal is spilled
        self._folder = tempfile.TemporaryDirectory(prefix="consent-")
        self._connection.execute("set allowed_directories = [?]", [self._folder.name])
        self._connection.execute("set enable_external_access = false")
        self._connection.execute("set lock_configuration = true")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._folder.cleanup()

    @property
    def views(self) -> tuple[str, ...]:
        """The names of the views."""
        return self._shell.views

    def columns(self, view: str) -> tuple[str, ...]:
        """The columns of a view."""
        return self._shell.columns(view)

    def ask(self, statement: str, seconds: float = SECONDS) -> Answer:
        """Ask one statement. Raises Problem for one that is wrong, or takes too long."""
        named = set(re.findall(r"\w+", statement.lower()))
        for view in self._shell.views:
            if view in named and view not in self._loaded:
                self._load(view)
        rows = self._rows(statement, seconds)
        next(rows)  # it is asked now, not when the first row is looked at
        return Answer(tuple(str(name) for name, *_ in self._connection.description or ()), rows)

    def _rows(self, statement: str, seconds: float) -> Iterator[tuple[Any, ...]]:
        """An empty row when the statement was asked, then its rows."""
        timer = threading.Timer(seconds, self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            with _told():
                self._ask(statement)
                yield ()
                while chunk := self._connection.fetchmany(CHUNK):
                    yield from chunk
        finally:
            timer.cancel()

    def _ask(self, statement: str) -> None:
        import duckdb  # noqa: PLC0415  # an extra

        if len(duckdb.extract_statements(statement)) != 1:
            raise Problem("sql", "One statement can be asked at a time.", "Leave out the others.")
        self._connection.execute(statement)

    def _load(self, view: str) -> None:
        """Read a view into a table of its name."""
        answer = self._shell.ask(f"select * from {view} limit {MOST + 1}", seconds=600)  # noqa: S608  # one of our names
        pipe, counted = Path(self._folder.name) / view, [0]
        os.mkfifo(pipe, 0o600)
        failed: list[BaseException] = []
        feeder = threading.Thread(target=_feed, args=(pipe, _counted(answer, counted), failed), daemon=True)
        feeder.start()
        columns = ", ".join(f"\"{name}\": '{_type(name)}'" for name in answer.columns)
        self._connection.execute(
            f"create table {view} as select * from read_json('{pipe}', format = 'newline_delimited',"  # noqa: S608
            f" compression = 'none', columns = {{{columns}}})"
        )
        feeder.join()
        if failed:
            raise failed[0]
        if counted[0] > MOST:
            remedy = "Name one site, or ask without --duckdb."
            raise Problem("sql_large", f"The view {view} has more than {MOST:,} rows.", remedy)
        self._loaded.add(view)


class _told(AbstractContextManager[None]):  # noqa: N801  # reads as a verb where it is used
    """Says in a sentence what DuckDB finds wrong."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import duckdb  # noqa: PLC0415  # an extra

        if isinstance(error, duckdb.InterruptException):
            raise slow() from error
        if isinstance(error, duckdb.Error):
            said = safe(str(error).partition("\n")[0])
            raise Problem("sql", f"DuckDB says: {said}.", MEND) from error


def _counted(answer: Answer, counted: list[int]) -> Iterator[dict[str, Any]]:
    for row in answer.rows:
        counted[0] += 1
        yield dict(zip(answer.columns, cells(row), strict=True))


def _feed(pipe: Path, rows: Iterable[dict[str, Any]], failed: list[BaseException]) -> None:
    try:
        with pipe.open("wb") as out:
            for row in rows:
                out.write(_JSON.encode(row) + b"\n")
    except BaseException as error:
        failed.append(error)


WHOLE = frozenset(
    {
        "time", "client_time", "version", "layer", "epoch", "leaf", "given", "partly", "refused", "changed",
        "withdrawn", "shown", "records", "visits", "views", "events", "sessions",
        "visitors", "newcomers", "bounces", "engaged",
        "loaded", "load_time", "scrolled", "visit", "began", "last", "asn", "policy_version", "gpc", "opens_day", "n",
    }
)  # fmt: skip
"""Columns that are whole numbers; every other is a text."""


def _type(name: str) -> str:
    return "BIGINT" if name in WHOLE else "VARCHAR"
