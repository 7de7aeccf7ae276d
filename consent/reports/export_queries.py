"""Rows to be exported, page by page, on a connection of its own: no reader of the service waits for an export.

Each page is read by itself, so that no old state of the store is held for long: what is erased meanwhile leaves the
files in time, and the log of writes can be written back.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self
from urllib.parse import quote

from consent.config import Config
from consent.errors import StoreError
from consent.reports.export import Values, Wanted, cursor

PAGE = 500
"""Rows of a page: some five milliseconds of work."""

BUSY = 5.0
"""Seconds to wait for another program."""


class Rows(AbstractContextManager["Rows"]):
    """The rows that are wanted of a site, in order. To be read by one thread at a time, whichever."""

    def __init__(self, config: Config, site_id: int, wanted: Wanted) -> None:
        """Raises StoreError when the store cannot be read."""
        source = wanted.source
        columns = ", ".join((*source.key, *(f"{expression} as {name}" for name, expression, _ in source.columns)))
        self._sql = f"select {columns} from {source.rows} order by {', '.join(source.key)} limit :page"  # noqa: S608  # only our own names
        self._source = source
        self._at: dict[str, str | int] = {"site_id": site_id, "page": PAGE, **wanted.first()}
        self._connection = opened(config.store if source.store == "records" else config.telemetry_store)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store."""
        self._connection.close()

    def page(self) -> list[Values]:
        """The next rows; none at the end. The values of the key come first. Raises StoreError."""
        try:
            rows: list[Values] = self._connection.execute(self._sql, self._at).fetchall()
        except sqlite3.Error as error:
            raise StoreError("store_failed", f"The store failed: {error}.", "Ask again for the rest.") from error
        if rows:
            key = rows[-1][: len(self._source.key)]
            self._at |= dict(zip(("low", "low_id"), key, strict=False))
        return rows

    def pages(self) -> Iterator[list[Values]]:
        """All of the rows, a page at a time."""
        while page := self.page():
            yield page

    def last(self, rows: list[Values]) -> str:
        """The cursor of a page's last row."""
        return cursor(self._source, rows[-1])


def opened(file: Path) -> sqlite3.Connection:
    """A connection that only reads. Raises StoreError when there is nothing to read."""
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(file.resolve()))}?mode=ro", uri=True, timeout=BUSY, isolation_level=None,
            check_same_thread=False,
        )  # fmt: skip
        connection.execute("pragma query_only = 1")
        connection.execute("pragma temp_store = memory")  # nothing personal is spilled where no erasure reaches it
        connection.execute("select 1 from sqlite_schema").fetchone()
    except sqlite3.Error as error:
        remedy = "Name the right folder with --data, or start with: consent serve."
        raise StoreError("store_unreadable", f"{file} cannot be read as a store: {error}.", remedy) from error
    return connection
