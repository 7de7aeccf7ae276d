"""Writing on one connection of SQLite: transactions, parts of them, statements for many rows. Synchronous."""

import sqlite3
from collections.abc import Mapping, Sequence

from consent.db import Statement, Value, spread
from consent.errors import ContradictionError


def batch(connection: sqlite3.Connection, statements: Sequence[Statement]) -> list[int]:
    begin(connection)
    try:
        counts = _statements(connection, statements)
        commit(connection)
    except BaseException:
        rollback(connection)
        raise
    return counts


def part(connection: sqlite3.Connection, statements: Sequence[Statement]) -> list[int]:
    """A batch inside a transaction: what fails takes only itself back."""
    connection.execute("savepoint part")
    try:
        counts = _statements(connection, statements)
    except BaseException:
        if connection.in_transaction:  # a full disk ends the transaction itself
            connection.execute("rollback to part")
            connection.execute("release part")
        raise
    connection.execute("release part")
    return counts


def _statements(connection: sqlite3.Connection, statements: Sequence[Statement]) -> list[int]:
    counts = []
    for sql, rows, changes in statements:
        counts.append(_many(connection, sql, rows))
        if changes is not None and counts[-1] != changes:
            raise ContradictionError(f"The store changed {counts[-1]} rows where {changes} were to change.")
    return counts


def _many(connection: sqlite3.Connection, sql: str, rows: Sequence[Mapping[str, Value] | tuple[Value, ...]]) -> int:
    """Run a statement for every row; returns the number of rows changed."""
    found = spread.shape(sql) if len(rows) > 1 or (rows and isinstance(rows[0], tuple)) else None
    if found is None:
        return connection.executemany(sql, rows).rowcount
    return sum(connection.execute(text, values).rowcount for text, values in spread.blocks(found, rows))


def begin(connection: sqlite3.Connection) -> None:
    connection.execute("begin immediate")  # a lock taken late could fail a transaction that was half done


def commit(connection: sqlite3.Connection) -> None:
    connection.execute("commit")


def rollback(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("rollback")
