"""`consent export`, as people and programs use it."""

import csv
import json
import sqlite3
from pathlib import Path

import pytest

from tests.reports.taken import BEGAN, SECOND, filled
from tests.test_cli import Terminal


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal in a folder with a shop that has a log and visits."""
    monkeypatch.chdir(tmp_path)
    filled(tmp_path, 30, 20)
    return Terminal(tmp_path)


def test_the_log_goes_into_a_file(terminal: Terminal) -> None:
    """A CSV with a line for each record; how many they are is said."""
    said = terminal.run("export", "log", "shop", "--out", "log.csv")

    with (terminal.folder / "log.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.reader(file))) == 31
    assert said.strip() == "30 rows are in log.csv."


def test_visits_are_three_files(terminal: Terminal) -> None:
    """Visitors, sessions and events, each in a file of its own, in the folder that was named."""
    answer = terminal.read("export", "visits", "shop", "--format", "ndjson", "--out", "visits")

    assert answer == {
        "exports": [
            {"subject": "visitors", "file": "visits/shop-visitors.ndjson", "rows": 20},
            {"subject": "sessions", "file": "visits/shop-sessions.ndjson", "rows": 20},
            {"subject": "events", "file": "visits/shop-events.ndjson", "rows": 40},
        ]
    }
    lines = (terminal.folder / "visits" / "shop-events.ndjson").read_text("utf-8").splitlines()
    assert [json.loads(line)["event"] for line in lines[:2]] == ["view", "buy"]


def test_a_span_is_exported(terminal: Terminal) -> None:
    """From a moment on, and before another."""
    since, until = str(BEGAN + 2 * SECOND), str(BEGAN + 5 * SECOND)
    answer = terminal.read("export", "log", "shop", "--from", since, "--to", until, "--out", "some.csv")

    assert answer["exports"][0]["rows"] == 3


def test_parquet_is_a_format(terminal: Terminal) -> None:
    """With DuckDB installed; the file begins as Parquet does."""
    terminal.run("export", "sessions", "shop", "--format", "parquet", "--out", ".")

    assert (terminal.folder / "shop-sessions.parquet").read_bytes()[:4] == b"PAR1"


def test_it_is_written_down(terminal: Terminal) -> None:
    """Who exported what stands in the access log."""
    terminal.run("export", "log", "shop", "--out", "log.csv")

    with sqlite3.connect(terminal.folder / "data" / "consent.sqlite") as db:
        rows = db.execute("select account, name <> '', how, what, about from access_log").fetchall()
    assert rows == [("", 1, "command", "export", "log")]


def test_wrong_words_are_told(terminal: Terminal) -> None:
    """A site that is not there, and a time that is none, stop it before a file is made."""
    assert "no site 'shoe'" in terminal.run("export", "log", "shoe", "--out", "log.csv", code=2)
    assert "from is no time" in terminal.run("export", "log", "shop", "--from", "soon", "--out", "log.csv", code=2)
    assert not (terminal.folder / "log.csv").exists()
