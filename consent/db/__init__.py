"""The storage port: what every room knows of the database, and nothing more."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple, Protocol

Value = str | int | bool | None
"""What a column holds: text, integer, bigint, boolean. Times are milliseconds since 1970, JSON is text."""

Row = dict[str, Any]
"""A row by column name. A boolean may read as 0 or 1: take `bool()` of it."""


class Statement(NamedTuple):
    """One statement and the rows it is run for, in order.

    A row has the values by name; or, where the statement is a plain insert, it may be a tuple of them in the order of
    its columns.

    Where `changes` is given, exactly so many rows must change: else ContradictionError, and the batch is undone.
    """

    sql: str
    rows: Sequence[Mapping[str, Value] | tuple[Value, ...]]
    changes: int | None = None


class Database(Protocol):
    """Where rows live. Statements are portable SQL with :names; values never enter the text.

    A write is durable when its call returns. `execute` returns the number of rows changed, which is how
    compare-and-swap is done. Statements inside `transaction()` use the handle it yields; others never fall into
    someone's transaction.

    Raises ContradictionError when a row contradicts what is there, and StoreError when the store fails, cannot be
    reached in time, or is closed. After that the write was not acknowledged: it may or may not be there, so writes that
    matter are idempotent.
    """

    async def fetch(self, sql: str, /, **params: Value) -> list[Row]:
        """All rows of a query. It is cut off after some seconds: ask for bounded answers."""
        ...

    async def fetch_one(self, sql: str, /, **params: Value) -> Row | None:
        """The first row of a query, or None."""
        ...

    async def execute(self, sql: str, /, **params: Value) -> int:
        """Run one statement in a transaction of its own; returns the number of rows changed."""
        ...

    async def execute_many(self, sql: str, rows: Sequence[Mapping[str, Value]], /) -> int:
        """Run one statement for every row, all in one transaction; returns the number of rows changed."""
        ...

    async def batch(self, statements: Sequence[Statement], /) -> list[int]:
        """Run statements in one transaction, handed over at once; returns the rows changed by each.

        All or nothing, also inside a transaction, which goes on when a batch was refused. This is the group commit: one
        hand-over, one commit, however many rows.
        """
        ...

    def transaction(self) -> AbstractAsyncContextManager["Database"]:
        """One transaction: committed when the block ends, rolled back when it raises. Writers wait for each other."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager["Database"]:
        """Reads that all see the store as it is now, while others write: not for long, for both states are kept."""
        ...

    async def scrub(self, seconds: float) -> bool:
        """Overwrite what deleted rows left behind, in the log of writes and in the file. True when nothing is left.

        False when readers or writers were in the way for so long, or another scrub is at work: ask again.
        """
        ...

    async def close(self) -> None:
        """Finish what was begun and let go of the store."""
        ...
