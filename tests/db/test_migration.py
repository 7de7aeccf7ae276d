"""Migrations: applied once, in order, whole, and portable."""

import re
import sqlite3
from pathlib import Path

import pytest

from consent.db import Database, migration
from consent.db.migration import Migration, pending, read, shipped
from consent.db.sqlite import open_sqlite
from consent.errors import StoreError

NOT_PORTABLE = r"\b(autoincrement|serial|trigger|strict|without|rowid|jsonb?|blob|datetime|timestamp|generated|view)\b"
FIRST = read("0001_first.sql", "-- why; and how\ncreate table a (id integer);\ncreate table b (id integer);\n")
SECOND = read("0002_second.sql", "create table c (id integer);\n")
FAULTY = read("0002_faulty.sql", "create table c (id integer);\ncreate table a (id integer);\n")


def test_a_file_is_split_into_its_statements() -> None:
    """Comments go, semicolons part, the number comes from the name."""
    assert FIRST.number == 1
    assert FIRST.statements == ("create table a (id integer)", "create table b (id integer)")


def test_what_is_pending() -> None:
    """Only what was not applied is, in order."""
    assert pending([], (FIRST, SECOND)) == [FIRST, SECOND]
    assert pending([(1, FIRST.checksum)], (FIRST, SECOND)) == [SECOND]
    assert pending([(1, FIRST.checksum), (2, SECOND.checksum)], (FIRST, SECOND)) == []


def test_a_newer_store_or_an_edited_migration_is_refused() -> None:
    """A store that this version does not know is not touched."""
    with pytest.raises(StoreError, match="newer version"):
        pending([(1, FIRST.checksum), (3, "x")], (FIRST, SECOND))
    with pytest.raises(StoreError, match=r"0001_first\.sql"):
        pending([(1, "x")], (FIRST, SECOND))


async def test_a_migration_and_its_record_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration that fails halfway leaves nothing; mended, the same store goes on from where it was."""
    path = tmp_path / "consent.sqlite"

    async def opened_with(*known: Migration) -> list[str]:
        monkeypatch.setattr(migration, "shipped", lambda: known)
        await (await open_sqlite(path)).close()
        connection = sqlite3.connect(path)
        try:
            return sorted(name for (name,) in connection.execute("select name from sqlite_schema where type = 'table'"))
        finally:
            connection.close()

    assert await opened_with(FIRST) == ["a", "b", "migration"]
    with pytest.raises(StoreError, match="already exists"):
        await opened_with(FIRST, FAULTY)
    assert await opened_with(FIRST) == ["a", "b", "migration"]
    assert await opened_with(FIRST, SECOND) == ["a", "b", "c", "migration"]
    assert await opened_with(FIRST, SECOND) == ["a", "b", "c", "migration"]


@pytest.mark.parametrize("store", ["consent.db", "consent.telemetry"])
def test_numbers_are_one_two_three(store: str) -> None:
    """The migrations shipped are numbered without gaps."""
    assert [m.number for m in shipped(store)] == list(range(1, len(shipped(store)) + 1))


@pytest.mark.parametrize("each", [*shipped(), *shipped("consent.telemetry")], ids=lambda m: m.name)
def test_migrations_are_portable(each: Migration) -> None:
    """No statement uses what PostgreSQL, Citus or SQLite alone understands, and every key begins with site_id."""
    for statement in each.statements:
        assert not re.search(NOT_PORTABLE, statement), statement
        for column in re.findall(r"^    (\w+ \w+)", statement, re.M):
            assert re.fullmatch(r"\w+ (integer|bigint|text|boolean)|primary key|foreign key", column), column
        for key in re.findall(r"(?:primary key|foreign key|unique) \((\w+)", statement):
            assert key == "site_id", statement
        for column in re.findall(r"create (?:unique )?index \w+ on \w+ \((\w+)", statement):
            assert column == "site_id" or "account_role (account)" in statement, statement  # a person's, at all sites


async def test_counts_are_kept_as_one_tree(db: Database) -> None:
    """On SQLite, what is read by spans of its key lies in that order; a row costs no second look."""
    kept = await db.fetch("select name from sqlite_schema where type = 'table' and sql like '%without rowid'")

    assert [row["name"] for row in kept] == ["consent_rollup"]
