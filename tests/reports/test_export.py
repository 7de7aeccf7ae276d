"""What is exported: every row once, in order, in formats that do no harm."""

import csv
import io
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from consent.config import Config
from consent.errors import Problem, StoreError
from consent.reports import export, parquet
from consent.reports.export import FORMATS, SOURCES, Wanted, cursor, parse, position
from consent.reports.export_queries import PAGE, Rows
from tests.reports.taken import BEGAN, HOSTILE, SECOND, filled

MANY = 2 * PAGE + 7


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A shop with some pages of records and of visits."""
    return filled(tmp_path_factory.mktemp("taken"), MANY, MANY)


def taken(config: Config, subject: str, **asked: str) -> list[dict[str, Any]]:
    """The rows as NDJSON has them."""
    wanted = parse(subject, "ndjson", {name.rstrip("_"): text for name, text in asked.items()})
    with Rows(config, 1, wanted) as rows:
        return [json.loads(line) for page in rows.pages() for line in export.as_bytes(wanted, page).splitlines()]


@pytest.mark.parametrize(
    ("subject", "rows"), [("log", MANY), ("visitors", MANY), ("sessions", MANY), ("events", 2 * MANY)]
)
def test_every_row_comes_once_and_in_order(config: Config, subject: str, rows: int) -> None:
    """Over the ends of pages nothing is lost, doubled or out of order."""
    found = taken(config, subject)

    assert len({one["cursor"] for one in found}) == len(found) == rows
    positions = [position(subject, one["cursor"]) for one in found]
    assert positions == sorted(positions)


@pytest.mark.parametrize("subject", SOURCES)
@pytest.mark.parametrize("at", [0, 1, PAGE - 1, PAGE, MANY - 1])
def test_what_was_interrupted_goes_on_behind_a_row(config: Config, subject: str, at: int) -> None:
    """Behind the cursor of any row come exactly the rows that follow it."""
    every = taken(config, subject)

    assert taken(config, subject, after=every[at]["cursor"]) == every[at + 1 :]


@pytest.mark.parametrize("subject", SOURCES)
def test_a_span_has_its_first_moment_and_not_its_last(config: Config, subject: str) -> None:
    """`from` is within, `to` is not; an `after` from before the span changes nothing."""
    every = taken(config, subject)
    since, until = BEGAN + 3 * SECOND, BEGAN + 5 * SECOND
    lasts = 10 if subject == "visitors" else 0  # from their first event to their last

    found = taken(config, subject, from_=str(since + lasts), to=str(until + lasts))

    assert found == taken(config, subject, from_=str(since + lasts), to=str(until + lasts), after=every[0]["cursor"])
    moments = {one["last"] if subject == "visitors" else position(subject, one["cursor"]) for one in found}
    assert moments == {since + lasts, since + lasts + SECOND}


def test_another_site_has_nothing_of_it(config: Config) -> None:
    """Rows are those of the site asked for."""
    with Rows(config, 2, parse("log", "csv", {})) as rows:
        assert rows.page() == []


def test_a_visitor_who_is_leaving_is_not_exported(tmp_path: Path) -> None:
    """Rows that are being deleted are not taken along any more."""
    config = filled(tmp_path, visits=3)
    with sqlite3.connect(config.telemetry_store) as db:
        db.execute("update visitor set leaving = true where id = ?", (f"{1:032x}",))

    assert len(taken(config, "visitors")) == 2


@pytest.mark.parametrize("subject", SOURCES)
def test_queries_follow_an_index(config: Config, subject: str) -> None:
    """No page is sorted from scratch, or found by reading the rows before it."""
    wanted = parse(subject, "csv", {})
    with Rows(config, 1, wanted) as rows:
        plan = [row[3] for row in rows._connection.execute(f"explain query plan {rows._sql}", rows._at)]

    assert plan[0].startswith("SEARCH r USING INDEX")
    assert "site_id=? AND " in plan[0]
    assert not any("USE TEMP B-TREE FOR ORDER BY" in step for step in plan)


@pytest.mark.parametrize("subject", SOURCES)
def test_csv_reads_back_as_it_was(config: Config, subject: str) -> None:
    """Every cell is the row's text; those that a spreadsheet would run begin with an apostrophe."""
    wanted = parse(subject, "csv", {})
    with Rows(config, 1, wanted) as rows:
        page = rows.page()
        text = (export.head(wanted.source) + export.as_bytes(wanted, page)).decode()
    read = list(csv.reader(io.StringIO(text, newline="")))

    assert read[0] == [*wanted.source.names, "cursor"]
    assert len(read) == len(page) + 1
    for line, row in zip(read[1:], page, strict=True):
        assert line[-1].removeprefix("'") == cursor(wanted.source, row)
        for at, (_, _, kind) in enumerate(wanted.source.columns):
            if kind in ("text", "whole"):
                assert line[at] in (str(row[at + len(wanted.source.key)]), f"'{row[at + len(wanted.source.key)]}")


@pytest.mark.parametrize("subject", SOURCES)
def test_no_cell_is_a_formula(config: Config, subject: str) -> None:
    """Whatever visitors sent, no cell begins as one that a spreadsheet would run."""
    wanted = parse(subject, "csv", {})
    with Rows(config, 1, wanted) as rows:
        text = b"".join(export.as_bytes(wanted, page) for page in rows.pages()).decode()
    cells = [cell for line in csv.reader(io.StringIO(text, newline="")) for cell in line]

    assert [cell for cell in cells if cell.lstrip()[:1] in "=+-@＝＋－＠" and cell.strip()] == []
    assert any(cell.startswith("'=HYPERLINK") for cell in cells) == (subject != "visitors")


@pytest.mark.parametrize(
    ("subject", "format_", "given", "code"),
    [
        ("nothing", "csv", {}, "export"),
        ("log", "xlsx", {}, "export"),
        ("log", "csv", {"limit": "1"}, "unknown_parameter"),
        ("log", "csv", {"from": "yesterday"}, "moment"),
        ("log", "csv", {"from": "2026-02-01", "to": "2026-01-01"}, "moment"),
        ("log", "csv", {"after": "'; drop table consent_record; --"}, "cursor"),
        ("events", "csv", {"after": "0" * 32}, "cursor"),
        ("visitors", "csv", {"after": "0" * 31}, "cursor"),
    ],
)
def test_what_makes_no_sense_is_refused(subject: str, format_: str, given: dict[str, str], code: str) -> None:
    """Wrong names, spans and cursors get a sentence that says what to send instead."""
    with pytest.raises(Problem) as caught:
        parse(subject, format_, given)

    assert caught.value.code == code


@pytest.mark.parametrize("subject", SOURCES)
def test_parquet_has_the_same_rows(config: Config, tmp_path: Path, subject: str) -> None:
    """DuckDB reads back what NDJSON says, texts as they were sent."""
    import duckdb

    wanted, file = parse(subject, "parquet", {}), tmp_path / "rows.parquet"
    with Rows(config, 1, wanted) as rows:
        parquet.write(wanted.source, rows.pages(), file)

    names = wanted.source.names
    found = duckdb.connect().execute(f"select {', '.join(names)} from '{file}'").fetchall()
    said = [{name: value for name, value in one.items() if name != "cursor"} for one in taken(config, subject)]
    assert [_plain(dict(zip(names, row, strict=True))) for row in found] == [_plain(one) for one in said]
    assert file.stat().st_mode & 0o777 == 0o600


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """JSON columns as objects; an absent one is None."""
    return {
        name: json.loads(value)
        if name in ("campaign", "props", "customer_fields") and isinstance(value, str)
        else value
        for name, value in row.items()
    }


def test_a_failure_leaves_no_parquet(config: Config, tmp_path: Path) -> None:
    """When the rows cannot be read to their end, whoever asked is told, and there is no file."""
    wanted, file = parse("log", "parquet", {}), tmp_path / "rows.parquet"

    def broken() -> Any:
        with Rows(config, 1, wanted) as rows:
            yield rows.page()
        raise StoreError("store_failed", "The disk is gone.", "Look.")

    with pytest.raises(StoreError, match="disk is gone"):
        parquet.write(wanted.source, broken(), file)

    assert list(tmp_path.iterdir()) == []


def test_without_duckdb_parquet_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The extra is named; nothing is imported that is not there."""
    monkeypatch.setattr(parquet, "find_spec", lambda _: None)

    with pytest.raises(Problem, match=r"consent-manager\[export\]"):
        parquet.write(SOURCES["log"], [], tmp_path / "rows.parquet")


def test_hostile_texts_are_there() -> None:
    """The rows of these tests hold every hostile text, or they would prove nothing."""
    assert len(HOSTILE) < MANY
    assert Wanted(subject="log", format=FORMATS[0]).source is SOURCES["log"]


def test_parts_of_parquet_are_put_together_in_order(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever number of parts a file is made of, it has every row, in order."""
    import duckdb

    monkeypatch.setattr(parquet, "PAGES", 1)
    wanted, file = parse("log", "parquet", {}), tmp_path / "rows.parquet"
    with Rows(config, 1, wanted) as rows:
        parquet.write(wanted.source, rows.pages(), file)

    ids = [row[0] for row in duckdb.connect().execute(f"select id from '{file}'").fetchall()]
    assert ids == [one["id"] for one in taken(config, "log")]


def test_no_rows_are_a_file_with_columns(config: Config, tmp_path: Path) -> None:
    """An export of nothing can be read like any other."""
    import duckdb

    wanted, file = parse("log", "parquet", {"to": "1"}), tmp_path / "rows.parquet"
    with Rows(config, 1, wanted) as rows:
        parquet.write(wanted.source, rows.pages(), file)

    read = duckdb.connect().execute(f"select * from '{file}'")
    assert (tuple(name for name, *_ in read.description), read.fetchall()) == (wanted.source.names, [])
