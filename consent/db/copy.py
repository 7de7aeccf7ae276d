"""A copy of an SQLite store, made beside a service at work, and the check that a copy is whole."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Waiting
from pathlib import Path

from consent.db.place import sync
from consent.errors import StoreError

LOOK = 0.2
"""Seconds between looks at how far a copy is."""

Progress = Callable[[int, int], None]
"""Told how many bytes of about how many are done."""


def copy(source: Path, target: Path, progress: Progress) -> None:
    """Copy a store as it is at this moment into a new file, on disk when this returns.

    What is deleted is not in the copy, for it is written anew row by row; writers do not wait, only the log of writes
    grows meanwhile. Raises StoreError.
    """
    size = source.stat().st_size
    with ThreadPoolExecutor(1) as pool:
        copying = pool.submit(_vacuum, source, target)
        while True:
            try:
                copying.result(LOOK)
                break
            except Waiting:
                progress(target.stat().st_size if target.exists() else 0, size)
            except sqlite3.Error as error:
                remedy = "Look at the disk and at the room that is left on it."
                raise StoreError("backup_failed", f"The store could not be copied: {error}.", remedy) from error
    progress(size, size)
    target.chmod(0o600)
    sync(target)


def inspect(store: Path) -> dict[str, int]:
    """The number of rows of each table, when every page and reference of the file is sound. Raises StoreError."""
    try:
        connection = sqlite3.connect(f"{store.resolve().as_uri()}?mode=ro", uri=True)
        try:
            return _inspect(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise _unsound(str(error)) from error


def _vacuum(source: Path, target: Path) -> None:
    connection = sqlite3.connect(source, timeout=5, isolation_level=None)
    try:
        connection.execute("vacuum into ?", (str(target),))
    finally:
        connection.close()


def _inspect(connection: sqlite3.Connection) -> dict[str, int]:
    [said] = connection.execute("pragma integrity_check(1)").fetchone()
    if said != "ok":
        raise _unsound(said)
    if connection.execute("pragma foreign_key_check").fetchone():
        raise _unsound("a row refers to another that is not there")
    names = [row[0] for row in connection.execute("select name from sqlite_schema where type = 'table' order by name")]
    count = "select count(*) from "
    return {name: connection.execute(f'{count}"{name}"').fetchone()[0] for name in names}


def _unsound(why: str) -> StoreError:
    return StoreError("copy_unsound", f"The copy is not sound: {why}.", "Do not use it; make or take another one.")
