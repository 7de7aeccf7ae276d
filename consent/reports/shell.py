"""A connection that answers people's questions in SQL: of the documented views, and of the sites they may see.

SQLite itself asks, for every table, column and function of a statement, whether it may be read: one that writes,
attaches a file or names a table of ours is refused before it runs. It tells within which view a table is read, but a
subquery can be given a view's name: so the views read tables through others, whose names nobody can guess.
"""

import re
import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from importlib.resources import files
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from consent.config import Config
from consent.db.migration import read
from consent.delivery.outline import safe
from consent.errors import NotFound, Problem
from consent.reports.export_queries import opened

SECONDS = 30.0
"""How long a statement may take."""

LONGEST = 10_000_000
"""Bytes of a value, and of what a statement puts together."""

HEAP = 1_000_000_000
"""Bytes of memory that SQLite may use in this process."""

_STEPS = 10_000
"""Instructions of SQLite's between two looks at the clock."""

_EXPLAIN = re.compile(r"(?:\s|;|--[^\n]*(?:\n|$)|/\*.*?\*/)*explain\b", re.IGNORECASE | re.DOTALL)
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE}
_NO_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"})
_INNER = ("sqlite_", "pragma_", "dbstat", "bytecode", "tables_used")
"""How the names of SQLite's own tables begin."""

_TABLE_FUNCTIONS = frozenset({"json_each", "json_tree"})


class Answer(NamedTuple):
    """The names of the columns, and the rows, to be read while the shell is open."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


class Shell(AbstractContextManager["Shell"]):
    """Answers statements about one site, or about all of them.

    Args:
        config: the settings; its stores are only read.
        site: the key of the only site that can be seen; empty: every site can.

    Raises StoreError when a store cannot be read, NotFound when there is no such site.
    """

    def __init__(self, config: Config, site: str = "") -> None:
        self._views = {one.split()[3]: one for one in read("0000_views.sql", _text()).statements}
        self._inner = {name: f"{name}_{secrets.token_hex(16)}" for name in self._views}
        self._readers = frozenset(self._inner.values())
        self._tables: frozenset[str] = frozenset()
        self._deadline = 0.0
        self._connection = opened(config.store)
        try:
            self._prepare(config, site)
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def views(self) -> tuple[str, ...]:
        """The names of the views."""
        return tuple(self._views)

    def columns(self, view: str) -> tuple[str, ...]:
        """The columns of a view."""
        return self.ask(f"select * from {view} limit 0").columns  # noqa: S608  # one of our names, or it is refused

    def ask(self, statement: str, seconds: float = SECONDS) -> Answer:
        """Ask one statement. Raises Problem for one that is wrong, may not be asked, or takes too long."""
        self._deadline = time.monotonic() + seconds
        if _EXPLAIN.match(statement):
            raise Problem("sql_refused", "Plans are not shown.", "Ask for the rows themselves.")
        with _told():
            cursor = self._connection.execute(statement)
            if cursor.description is None:
                raise Problem("sql", "The statement asks nothing.", "Begin it with select or with.")
        return Answer(tuple(name for name, *_ in cursor.description), self._rows(cursor))

    def _rows(self, cursor: sqlite3.Cursor) -> Iterator[tuple[Any, ...]]:
        with _told():
            yield from cursor

    def _prepare(self, config: Config, site: str) -> None:
        connection = self._connection
        connection.execute(f"pragma hard_heap_limit = {HEAP}")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        connection.execute("pragma query_only = 0")  # of the stores nothing can be written, they are opened to be read
        connection.execute("pragma trusted_schema = 0")
        where = config.telemetry_store
        connection.execute("attach ? as visits", (f"file:{quote(str(where.resolve()))}?mode=ro",))
        connection.execute("create temp table asked (site_id integer primary key, site text)")
        connection.execute(
            "insert into asked select site_id, key from main.site where :site = '' or key = :site", {"site": site}
        )
        if site and not connection.execute("select 1 from asked").fetchall():
            raise NotFound("unknown_site", f"There is no site {site[:40]!r}.", "List them: consent site list.")
        for name, view in self._views.items():
            inner = self._inner[name]
            connection.execute(view.replace(name, inner, 1))
            connection.execute(f"create temp view {name} as select * from {inner}")  # noqa: S608  # our own names
        for function in _TABLE_FUNCTIONS:
            connection.execute(f"select * from {function}('{{}}')")  # noqa: S608  # it is declared when it is first used
        stores = ("main", "visits")
        found = [connection.execute(f"select lower(name) from {one}.sqlite_schema").fetchall() for one in stores]  # noqa: S608
        self._tables = frozenset(name for rows in found for (name,) in rows)
        connection.execute("pragma query_only = 1")
        connection.set_authorizer(self._may)
        connection.set_progress_handler(lambda: time.monotonic() > self._deadline, _STEPS)

    def _may(self, action: int, one: str | None, two: str | None, store: str | None, view: str | None) -> int:
        """SQLite's question about a part of a statement: what is done, with which names, within which view.

        No column is named where only rows are counted; then what the statement itself makes has no store, but tables
        that it names without their store have none, either.
        """
        if action in _ALLOWED:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            return sqlite3.SQLITE_DENY if str(two).lower() in _NO_FUNCTIONS else sqlite3.SQLITE_OK
        if action != sqlite3.SQLITE_READ:
            return sqlite3.SQLITE_DENY
        one = str(one).lower()  # as the statement has it, where only rows are counted
        if view in self._readers or one in self._views or one in self._readers or one in _TABLE_FUNCTIONS:
            return sqlite3.SQLITE_OK
        counted = one == "asked" and two == ""  # no column of it is read: how many sites there are to see
        made = store is None and two == "" and one not in self._tables and not one.startswith(_INNER)
        return sqlite3.SQLITE_OK if counted or made else sqlite3.SQLITE_DENY


class _told(AbstractContextManager[None]):  # noqa: N801  # reads as a verb where it is used
    """Says in a sentence what SQLite finds wrong."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, sqlite3.Error | sqlite3.Warning):
            return
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_INTERRUPT:
            raise slow() from error
        if code == sqlite3.SQLITE_AUTH:
            remedy = "Ask the views alone, with select: .views lists them."
            raise Problem("sql_refused", f"That may not be asked: {error}.", remedy) from error
        raise Problem("sql", f"SQLite says: {safe(str(error)).rstrip('.')}.", MEND) from error


MEND = "Mend the statement; .columns VIEW tells the columns."


def slow() -> Problem:
    """What is said of a statement that was stopped."""
    remedy = "Ask for less: a shorter span, one site, or a view that counts by day."
    return Problem("sql_slow", "The statement took too long and was stopped.", remedy)


def _text() -> str:
    return (files("consent.reports") / "views.sql").read_text("utf-8")


def cells(row: Sequence[Any]) -> list[Any]:
    """A row's values as they can be written: bytes in hex."""
    return [value.hex() if isinstance(value, bytes) else value for value in row]
