"""Bringing a store of SQLite up to this version of the software."""

import re
import sqlite3
import time

from consent.db import migration
from consent.db.migration import Migration
from consent.db.writing import begin, commit, rollback
from consent.errors import StoreError

APPLICATION_ID = 0x436E7374
"""Marks the file as ours ("Cnst"), so that another program's database is never migrated by mistake."""

_COUNTS = re.compile(r"create table (?:consent_)?rollup \(.*\)", re.DOTALL)
"""Tables that are read by spans of their key: kept as one tree they take half the room and half the time (measured on
2.7 million counts), where SQLite else looks each row up in a second one. The files stay portable."""


def migrate(connection: sqlite3.Connection, known: tuple[Migration, ...] | None = None) -> None:
    """Apply what is pending, each migration in one transaction with its record. Other processes wait meanwhile.

    `known`: the migrations of this store; None for the store of records.
    """
    [mark] = connection.execute("pragma application_id").fetchone().values()
    tables = connection.execute("select count(*) as n from sqlite_schema").fetchone()["n"]
    if mark != APPLICATION_ID and tables:
        raise StoreError(
            "store_foreign", "The file is a database of another program.", "Name another folder with --data."
        )
    connection.execute(f"pragma application_id = {APPLICATION_ID}")
    connection.execute(migration.TABLE)
    while _apply_next(connection, migration.shipped() if known is None else known):
        pass


def _apply_next(connection: sqlite3.Connection, known: tuple[Migration, ...]) -> bool:
    begin(connection)
    try:
        applied = [(row["number"], row["checksum"]) for row in connection.execute("select * from migration")]
        waiting = migration.pending(applied, known)
        for next_one in waiting[:1]:
            for statement in next_one.statements:
                connection.execute(f"{statement} without rowid" if _COUNTS.fullmatch(statement) else statement)
            connection.execute(
                "insert into migration (number, name, checksum, applied) values (?, ?, ?, ?)",
                (next_one.number, next_one.name, next_one.checksum, int(time.time() * 1000)),
            )
        commit(connection)
    except BaseException:
        rollback(connection)
        raise
    return len(waiting) > 1
