"""`consent sql`, as people and programs use it; and Datasette over the same files."""

import asyncio
import csv
import io
import json
import os
import pty
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from consent.cli import main
from consent.config import Config
from consent.reports.shell import Shell
from tests.reports.taken import HOSTILE, filled
from tests.test_cli import Terminal


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal in a folder with a shop that has a log and visits."""
    monkeypatch.chdir(tmp_path)
    filled(tmp_path, 30, 30)
    return Terminal(tmp_path)


COUNT = "select action, count(*) as n from consent_log group by action"


@pytest.mark.parametrize("engine", [(), ("--duckdb",)], ids=["sqlite", "duckdb"])
def test_one_statement_is_answered(terminal: Terminal, engine: tuple[str, ...]) -> None:
    """As a table, as CSV and as JSON."""
    asked = ("sql", "shop", "-c", COUNT, *engine)

    assert terminal.run(*asked).split() == ["action", "n", "given", "30"]
    assert list(csv.reader(io.StringIO(terminal.run(*asked, "--format", "csv")))) == [["action", "n"], ["given", "30"]]
    assert terminal.read(*asked) == [{"action": "given", "n": 30}]


def test_statements_come_through_a_pipe(terminal: Terminal) -> None:
    """Without a statement of its own the command reads one."""
    environment = {"CONSENT_DATA": str(terminal.data)}
    result = CliRunner().invoke(main, ["sql", "--json"], env=environment, input=COUNT)

    assert json.loads(result.output) == [{"action": "given", "n": 30}]


def test_there_is_a_limit_of_rows(terminal: Terminal) -> None:
    """No more rows than asked for; that there are more is said."""
    said = terminal.run("sql", "-c", "select id from consent_log", "--limit", "3")

    assert len(said.splitlines()) == 5
    assert "more rows than 3" in said


def test_there_is_a_limit_of_time(terminal: Terminal) -> None:
    """What takes longer is stopped, with a sentence."""
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"

    assert "too long" in terminal.run("sql", "-c", endless, "--seconds", "0.2", code=2)


@pytest.mark.parametrize("engine", [(), ("--duckdb",)], ids=["sqlite", "duckdb"])
def test_what_visitors_sent_steers_no_terminal(terminal: Terminal, engine: tuple[str, ...]) -> None:
    """No control character of a path reaches the terminal, whatever table it stands in."""
    said = terminal.run("sql", "-c", "select path, referrer from page_views", *engine)

    assert "\\x1b]0;x" in said
    assert [one for one in said if not one.isprintable() and one not in "\n\t"] == []


def test_csv_holds_no_formula(terminal: Terminal) -> None:
    """A cell that a spreadsheet would run begins with an apostrophe."""
    said = terminal.run("sql", "-c", "select path from page_views", "--format", "csv")
    cells = [row[0] for row in csv.reader(io.StringIO(said, newline="")) if row]

    assert f"'{HOSTILE[0]}" in cells
    assert [cell for cell in cells if cell.lstrip()[:1] in "=+-@＝" and cell.strip()] == []


def test_it_is_written_down(terminal: Terminal) -> None:
    """The statement, who asked it, and about which site."""
    terminal.run("sql", "shop", "-c", "select 1")

    with sqlite3.connect(terminal.data / "consent.sqlite") as db:
        assert db.execute("select site_id, how, what, path from access_log").fetchall() == [
            (1, "command", "sql", "select 1")
        ]


def test_nothing_is_changed(terminal: Terminal) -> None:
    """A statement that writes is refused."""
    assert "Error" in terminal.run("sql", "-c", "delete from consent_log", code=2)


def test_people_type_statements(terminal: Terminal) -> None:
    """On a terminal statements are read until .quit; views and columns are listed, mistakes told."""
    ours, theirs = pty.openpty()
    command = [str(Path(sys.executable).with_name("consent")), "sql", "shop", "--data", str(terminal.data)]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        os.write(ours, b".views\n.columns visits_by_day\nselect count(*)\nfrom consent_log;\nselekt;\n.help\n.quit\n")
        out, error = (text.decode() for text in process.communicate(timeout=60))
    os.close(ours)
    os.close(theirs)

    assert process.returncode == 0
    assert {"consent_log", "visitors", "newcomers", "30"} <= set(out.split())
    assert "SQLite says" in error


def test_the_views_are_copied_into_a_file(terminal: Terminal) -> None:
    """Each view is a table with its rows; only its owner reads the file; it is not written over."""
    answer = terminal.read("sql", "shop", "--copy", "copy.sqlite")
    file = terminal.folder / "copy.sqlite"

    assert answer["rows"]["consent_log"] == 30
    assert file.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(file) as db, Shell(Config(data=terminal.data)) as shell:
        for view in shell.views:
            assert db.execute(f"select * from {view}").fetchall() == list(shell.ask(f"select * from {view}").rows)
    assert "is there already" in terminal.run("sql", "--copy", "copy.sqlite", code=2)


def test_datasette_opens_the_copy_and_the_stores(terminal: Terminal) -> None:
    """Every view of the copy, and every table of the two stores, is a page of Datasette's."""
    terminal.run("sql", "shop", "--copy", "copy.sqlite")
    asyncio.run(look_with_datasette(terminal))


async def look_with_datasette(terminal: Terminal) -> None:
    from datasette.app import Datasette

    files = [terminal.folder / "copy.sqlite", terminal.data / "consent.sqlite", terminal.data / "telemetry.sqlite"]
    shown = Datasette(files=[str(file) for file in files])
    await shown.invoke_startup()

    async def read(path: str) -> Any:
        answer = await shown.client.get(path)
        assert answer.status_code == 200, path
        return answer.json()

    assert (await read("/copy/consent_log.json?_shape=array&_size=max"))[0]["country"] == "AT"
    assert await read("/copy.json?sql=select+count(*)+as+n+from+page_views&_shape=array") == [{"n": 30}]
    for name in ("copy", "consent", "telemetry"):
        tables = [one["name"] for one in (await read(f"/{name}.json"))["tables"]]
        assert tables
        for table in tables:
            await read(f"/{name}/{table}.json?_shape=array")
