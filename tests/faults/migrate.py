"""Migrations cut off by SIGKILL before every statement, on an empty store and on stores of every earlier version.

`python -m tests.faults.migrate FOLDER [EVERY]` prints one line of JSON; it forks, so it is a process of its own.
"""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from consent.db import migration
from consent.db.sqlite import open_sqlite

ROWS = 40
Shipped = Callable[[], tuple[migration.Migration, ...]]


def store_of(path: Path, version: int) -> None:
    """A store as an earlier version left it: records since its first migration, the later ones applied over them."""
    shipped = migration.shipped
    try:
        for known in range(1, version + 1):
            migration.shipped = lambda known=known: shipped()[:known]  # type: ignore[assignment]
            asyncio.run(_open(path))
            if known == 1:
                _fill(path)
    finally:
        migration.shipped = shipped


async def _open(path: Path) -> None:
    await (await open_sqlite(path)).close()


def _fill(path: Path) -> None:
    """Rows in every table of the first version."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("insert into site values (1, 'shop', 1)")
        connection.execute("insert into log_token values (1, 'hash', 1)")
        connection.execute("insert into policy_version values (1, 1, 'hash', 'scope', '{}', 1)")
        for n in range(ROWS):
            connection.execute("insert into receipt values (1, ?, 'hash', 1)", (f"receipt{n}",))
            connection.execute(
                "insert into consent_record values (1, ?, ?, 'd', ?, ?, 'given', 'accept', 1, 'en', '', 1, '{}', '{}',"
                " 'eu', '', 0, 1, '0.1.0')",
                (f"id{n:03}", f"key{n}", f"receipt{n}", n),
            )
    connection.close()


def schema(path: Path) -> list[Any]:
    """Tables and indexes as they are written down, and which migrations ran."""
    connection = sqlite3.connect(path)
    rows = connection.execute("select type, name, sql from sqlite_schema order by type, name").fetchall()
    ran = connection.execute("select number, name, checksum from migration order by number").fetchall()
    sound = connection.execute("pragma integrity_check").fetchall()
    connection.close()
    return [rows, ran, sound]


def rows_of(path: Path) -> list[Any]:
    """What the rows of the first version say, in the columns that they had."""
    connection = sqlite3.connect(path)
    found = connection.execute("select id, key, receipt, time, action from consent_record order by id").fetchall()
    found += connection.execute("select id, write_hash from receipt order by id").fetchall()
    connection.close()
    return found


def die_at(number: int) -> None:
    """Have this process killed before its n-th SQL statement from now on."""
    seen = 0
    connect = sqlite3.connect

    def count(_: str) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def connected(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        made: sqlite3.Connection = connect(*args, **kwargs)
        made.set_trace_callback(count)
        return made

    sqlite3.connect = connected  # type: ignore[assignment]


def cut_off(path: Path, number: int) -> bool:
    """Open a store in a process that dies before its n-th statement; whether it died."""
    child = os.fork()
    if child == 0:
        die_at(number)
        asyncio.run(_open(path))
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or status == 0, status
    return os.WIFSIGNALED(status)


def run(folder: Path, every: int) -> dict[str, Any]:
    """Every n-th statement of every opening: the next start must come to the same schema, with every row."""
    fresh = folder / "fresh.sqlite"
    asyncio.run(_open(fresh))
    wanted = schema(fresh)
    points, faults = 0, []
    for version in range(len(migration.shipped())):
        template = folder / f"version{version}.sqlite"
        template.touch()
        store_of(template, version)
        rows = rows_of(template) if version else []
        number = 1
        while True:
            path = folder / "store.sqlite"
            shutil.copy(template, path)
            died = cut_off(path, number)
            asyncio.run(_open(path))
            if sorted(map(repr, schema(path)[0])) != sorted(map(repr, wanted[0])) or schema(path)[1:] != wanted[1:]:
                faults.append(f"version {version}, statement {number}: another schema")
            if version and rows_of(path) != rows:
                faults.append(f"version {version}, statement {number}: rows were lost")
            for part in folder.glob("store.sqlite*"):
                part.unlink()
            if not died:
                break
            points += 1
            number += every
    return {"points": points, "versions": len(migration.shipped()), "faults": faults}


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)))
