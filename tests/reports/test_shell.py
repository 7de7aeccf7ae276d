"""`consent sql` answers about the documented views, and about nothing else."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from consent.accounts import queries as accounts
from consent.config import Config
from consent.errors import NotFound, Problem, StoreError
from consent.reports.shell import Shell
from consent.reports.shell_duckdb import WHOLE, DuckShell
from tests.records.shop import config_in, open_shop, publish_shop
from tests.reports.taken import HOSTILE, fill, filled

RECORDS = 40


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A shop with a log and visits, beside a site of which nobody asks."""
    return filled(tmp_path_factory.mktemp("taken"), RECORDS, RECORDS)


@pytest.fixture
def shell(config: Config) -> Iterator[Shell]:
    """Questions about the shop alone."""
    with Shell(config, "shop") as opened:
        yield opened


def asked(shell: Shell | DuckShell, statement: str) -> list[tuple[Any, ...]]:
    return list(shell.ask(statement, 5).rows)


def test_every_view_answers(shell: Shell) -> None:
    """Each view has columns, and can be counted and read."""
    for view in shell.views:
        assert shell.columns(view)
        [(rows,)] = asked(shell, f"select count(*) from {view}")
        assert len(asked(shell, f"select * from {view}")) == rows


def test_time_of_pages(tmp_path: Path) -> None:
    """The time and depth of pages are in the rows that tell them, which are no views."""
    config = filled(tmp_path, 3, 3)
    with closing(sqlite3.connect(config.telemetry_store)) as store, store:
        store.execute("update event set event = 'engagement', engaged = 12, scrolled = 2 where event = 'buy'")
    with Shell(config, "shop") as opened:
        assert asked(opened, "select count(*), sum(engaged), sum(scrolled) from engagements") == [(3, 36, 6)]
        assert asked(opened, "select count(*) from page_views") == [(3,)]
        assert "engaged" not in opened.columns("page_views")


def test_records_and_visits_are_what_was_stored(shell: Shell) -> None:
    """Every record and event of the shop, and of a record its states one by one."""
    assert asked(shell, "select count(*), min(country), max(at) from consent_log") == [
        (RECORDS, "AT", "2026-09-21T14:13:59Z")
    ]
    assert asked(shell, "select kind, key, state, count(*) from consent_states group by 1, 2, 3") == [
        ("purpose", "marketing", "denied", RECORDS),
        ("purpose", "statistics", "granted", RECORDS),
    ]
    assert asked(shell, "select count(*), sum(load_time) from page_views") == [(RECORDS, 120 * RECORDS)]
    assert asked(shell, "select event, count(*), max(props) from events group by 1") == [
        ("buy", RECORDS, '{"price":3}')
    ]
    assert asked(shell, "select sum(views), sum(sessions), sum(newcomers) from visits_by_day") == [(RECORDS,) * 3]


REFUSED = """
select * from account
select password from main.account
select hash from log_token
select * from asked
select * from consent_record
select count(*) from consent_record
select count(*) from CONSENT_RECORD
select 1 from visits.visitor
select count(*) from Visitor
select * from sqlite_master
select count(*) from sqlite_schema
select count(*) from SQLITE_MASTER
select * from sqlite_temp_schema
select count(*) from temp.sqlite_temp_master
with consent_log as (select * from main.account) select * from consent_log
select * from (select email from account) consent_log
select count(*) from (select 1 from main.account) consent_log
select (select max(password) from account) from consent_log
select * from consent_log where id in (select id from account)
with a(x) as (select email from account union select 'x') select * from a
explain select * from consent_log
/* a */ ; explain query plan select * from consent_log
delete from consent_log
delete from main.consent_record
update consent_log set id = 'x'
insert into sites values ('a', 'b')
drop table main.account
create table t (a)
create temp table t (a)
create view v as select 1
attach '{other}' as other
attach ':memory:' as other
detach visits
vacuum
vacuum into '{other}'
begin
commit
savepoint a
pragma table_info(account)
pragma query_only = 0
pragma writable_schema = 1
select * from pragma_table_info('account')
select * from pragma_database_list
select load_extension('x')
reindex
analyze
select 1; select 2
select * from dbstat
-- nothing
selekt
""".strip().split("\n")
"""What must not be answered: tables with secrets, other sites' rows, SQLite's own tables, and all that writes."""


@pytest.mark.parametrize("statement", REFUSED)
def test_nothing_else_is_answered(shell: Shell, statement: str, tmp_path: Path) -> None:
    """It is refused with a sentence, no file appears, and no row is seen."""
    with pytest.raises(Problem) as caught:
        asked(shell, statement.format(other=tmp_path / "other"))

    assert caught.value.code in ("sql", "sql_refused")
    assert list(tmp_path.iterdir()) == []


async def test_secrets_are_there_to_be_refused(config: Config) -> None:
    """There is an account in the store, so that a table that could be read would show one."""
    async with open_shop(config) as db:
        await accounts.add(db, "a" * 32, "ann@example.com", "secret", 1)
    with Shell(config) as shell, pytest.raises(Problem, match="account"):
        asked(shell, "select * from account")
    with sqlite3.connect(config.store) as db_:
        assert db_.execute("select email from account").fetchall() == [("ann@example.com",)]


async def test_one_site_sees_nothing_of_another(tmp_path: Path) -> None:
    """Asked about one site, no view shows rows of another; asked about all, each row names its site."""
    config = config_in(tmp_path)
    await fill(config, 3)
    async with open_shop(config) as db:
        await publish_shop(db, key="other")

    with Shell(config, "other") as other, Shell(config) as every:
        assert asked(other, "select site from sites") == [("other",)]
        assert asked(other, "select * from consent_log") == []
        assert asked(every, "select site from sites order by 1") == [("other",), ("shop",)]
        assert asked(every, "select distinct site from consent_log") == [("shop",)]


@pytest.mark.parametrize(
    "statement",
    [
        "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n",
        "select count(*) from consent_log a, consent_log b, consent_log c, consent_log d, consent_log e",
    ],
)
def test_what_takes_too_long_is_stopped(shell: Shell, statement: str) -> None:
    """After the time that was given, with a sentence."""
    with pytest.raises(Problem) as caught:
        list(shell.ask(statement, 0.2).rows)

    assert caught.value.code == "sql_slow"


def test_no_value_grows_without_bound(shell: Shell) -> None:
    """A value that would fill the memory is refused."""
    with pytest.raises(Problem, match="too big"):
        asked(shell, "select zeroblob(2000000000)")


def test_counts_of_what_a_statement_makes_are_answered(shell: Shell) -> None:
    """Common table expressions, subqueries and JSON functions work as everywhere."""
    assert asked(
        shell, "with recursive n(i) as (select 1 union all select i + 1 from n where i < 9) select count(*) from n"
    ) == [(9,)]
    assert asked(shell, "select count(*) from (select 1 from consent_log) x") == [(RECORDS,)]
    assert asked(shell, "select value from json_each('[7]')") == [(7,)]


def test_a_site_that_is_not_there(config: Config) -> None:
    """It is said, with how to list them."""
    with pytest.raises(NotFound, match="no site 'shoe'"):
        Shell(config, "shoe")


def test_a_folder_without_stores(tmp_path: Path) -> None:
    """It is said, and no file is made."""
    with pytest.raises(StoreError):
        Shell(Config(data=tmp_path))

    assert list(tmp_path.iterdir()) == []


def test_duckdb_says_the_same(shell: Shell) -> None:
    """Every view has the same rows in DuckDB, with whatever visitors sent in them."""
    with DuckShell(shell) as duck:
        for view in shell.views:
            assert duck.ask(f"select * from {view}").columns == shell.columns(view)
            ours = sorted(map(repr, asked(shell, f"select * from {view}")))
            assert sorted(map(repr, asked(duck, f"select * from {view}"))) == ours
        assert {path for (path,) in asked(duck, "select path from page_views")} == set(HOSTILE)
        assert asked(duck, "select country, count(*) from consent_log group by all") == [("AT", RECORDS)]


def test_whole_numbers_are_whole_numbers(shell: Shell) -> None:
    """Of every column that holds a number DuckDB knows that, and of no other."""
    for view in shell.views:
        columns = shell.columns(view)
        for row in asked(shell, f"select * from {view}"):
            assert {name for name, value in zip(columns, row, strict=True) if isinstance(value, int)} == WHOLE & {
                *columns
            }


@pytest.mark.parametrize(
    "statement",
    ["select * from read_csv('/etc/passwd')", "copy sites to '{other}'", "attach '{other}' as o", "install sqlite",
     "set enable_external_access = true", "set memory_limit = '100GB'", "select * from account", "select 1; select 2",
     "load '{other}'", "export database '{other}'", "select * from '/etc/passwd'", "selekt"],
)  # fmt: skip
def test_duckdb_reaches_nothing_else(shell: Shell, statement: str, tmp_path: Path) -> None:
    """No file, no extension, no setting."""
    with DuckShell(shell) as duck, pytest.raises(Problem) as caught:
        asked(duck, statement.format(other=tmp_path / "other"))

    assert caught.value.code == "sql"
    assert list(tmp_path.iterdir()) == []


def test_duckdb_is_stopped_in_time(shell: Shell) -> None:
    """A statement that takes too long ends with a sentence."""
    with DuckShell(shell) as duck, pytest.raises(Problem) as caught:
        list(duck.ask("select count(*) from range(100000000) a, range(100000000) b", 0.2).rows)

    assert caught.value.code == "sql_slow"


def test_a_view_that_is_too_large_for_duckdb(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused: half of its rows would answer another question."""
    monkeypatch.setattr("consent.reports.shell_duckdb.MOST", RECORDS - 1)
    with DuckShell(shell) as duck, pytest.raises(Problem) as caught:
        asked(duck, "select count(*) from consent_log")

    assert caught.value.code == "sql_large"
