"""An export into a file is whole or not there, and goes on where it was interrupted."""

import json
from pathlib import Path

import pytest

from consent.config import Config
from consent.errors import Problem
from consent.reports import export_file
from consent.reports.export import Format, Wanted
from consent.reports.export_queries import PAGE
from tests.reports.taken import BEGAN, filled

MANY = (2 * export_file.EVERY + 1) * PAGE
SITE = (1, "shop")


class StoppedError(Exception):
    """The power goes."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A shop with so many records that an export is noted twice."""
    return filled(tmp_path_factory.mktemp("taken"), MANY)


def wanted(format_: Format = "ndjson", since: int = 0) -> Wanted:
    return Wanted(subject="log", format=format_, since=since)


def interrupt(config: Config, file: Path, one: Wanted, pages: int) -> None:
    """Begin an export that ends after so many pages."""

    def progress(rows: int, _: str) -> None:
        if rows >= pages * PAGE:
            raise StoppedError

    with pytest.raises(StoppedError):
        export_file.write(config, SITE, one, file, progress)


@pytest.mark.parametrize("format_", ["csv", "ndjson"])
def test_what_was_interrupted_is_gone_on_with(config: Config, tmp_path: Path, format_: Format) -> None:
    """The file is byte for byte that of an export in one go, and what was written is not read again."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    export_file.write(config, SITE, wanted(format_), whole)
    interrupt(config, broken, wanted(format_), export_file.EVERY + 5)
    assert not broken.exists()
    read: list[int] = []

    rows = export_file.write(config, SITE, wanted(format_), broken, lambda rows, _: read.append(rows))

    assert broken.read_bytes() == whole.read_bytes()
    assert rows == MANY
    assert read[0] == (export_file.EVERY + 1) * PAGE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "whole"]


def test_half_a_line_is_cut_off(config: Config, tmp_path: Path) -> None:
    """What lies beyond the last mark is written anew."""
    file = tmp_path / "log.ndjson"
    interrupt(config, file, wanted(), export_file.EVERY + 1)
    with (tmp_path / "log.ndjson.part").open("ab") as out:
        out.write(b'{"id":"half')

    export_file.write(config, SITE, wanted(), file)

    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert len({line["id"] for line in lines}) == len(lines) == MANY


@pytest.mark.parametrize("lost", ["part", "resume"])
def test_without_its_mark_or_its_part_it_begins_anew(config: Config, tmp_path: Path, lost: str) -> None:
    """Half of what is left of an earlier try is nothing."""
    file = tmp_path / "log.ndjson"
    interrupt(config, file, wanted(), export_file.EVERY + 1)
    (tmp_path / f"log.ndjson.{lost}").unlink()

    assert export_file.write(config, SITE, wanted(), file) == MANY
    assert len(file.read_bytes().splitlines()) == MANY


def test_another_question_begins_anew(config: Config, tmp_path: Path) -> None:
    """What is left of one export is not gone on with by another."""
    file = tmp_path / "log.ndjson"
    interrupt(config, file, wanted(), export_file.EVERY + 1)

    assert export_file.write(config, SITE, wanted(since=BEGAN + 1), file) == MANY - 1


def test_only_its_owner_reads_it(config: Config, tmp_path: Path) -> None:
    """Of the file nobody else has a byte, also while it is written."""
    file = tmp_path / "log.csv"
    interrupt(config, file, wanted("csv"), export_file.EVERY + 1)
    half = [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()]

    export_file.write(config, SITE, wanted("csv"), file)

    assert half == [0o600, 0o600]
    assert file.stat().st_mode & 0o777 == 0o600


def test_parquet_is_written_whole(config: Config, tmp_path: Path) -> None:
    """One file, nothing beside it, and every row in it."""
    import duckdb

    file = tmp_path / "log.parquet"

    assert export_file.write(config, SITE, wanted("parquet"), file) == MANY

    assert list(tmp_path.iterdir()) == [file]
    assert duckdb.connect().execute(f"select count(*) from '{file}'").fetchall() == [(MANY,)]


def test_a_place_that_cannot_be_written_is_told(config: Config, tmp_path: Path) -> None:
    """A sentence, not a traceback."""
    (tmp_path / "file").write_text("")

    with pytest.raises(Problem, match="cannot be written"):
        export_file.write(config, SITE, wanted(), tmp_path / "file" / "log.csv")
