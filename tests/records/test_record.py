"""Records as people and spreadsheets read them."""

import csv
import io

import msgspec
import pytest

from consent.records.record import COLUMNS, Record, as_csv, from_row

ROW = {
    "id": "01890000-0000-7000-8000-000000000000",
    "receipt": "r" * 22,
    "time": 1,
    "action": "partly",
    "control": "save",
    "layer": 2,
    "language": "en",
    "notice": "n" * 64,
    "version": 3,
    "hash": "h" * 64,
    "scope": "ab12cd34",
    "purposes": '{"statistics":"granted","marketing":"denied"}',
    "services": "{}",
    "regime": "eu",
    "region": "",
    "gpc": 0,
    "client_time": 2,
    "widget": "0.1.0",
}


def test_a_row_becomes_a_record() -> None:
    """States are objects again, booleans booleans, and the columns of both faces are the record's fields."""
    record = from_row(ROW)

    assert record.purposes == {"statistics": "granted", "marketing": "denied"}
    assert record.gpc is False
    assert Record.__struct_fields__ == COLUMNS


def test_csv_has_a_header_and_a_line_a_record() -> None:
    """RFC 4180, states in words."""
    lines = list(csv.DictReader(io.StringIO(as_csv([from_row(ROW)] * 2), newline="")))

    assert len(lines) == 2
    assert lines[0]["purposes"] == "statistics=granted marketing=denied"
    assert lines[0]["gpc"] == "false"
    assert as_csv([]).endswith("\r\n")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "\n+1", '=cmd|"/c calc"!A1', "\0x"]
)
def test_no_cell_is_a_formula(text: str) -> None:
    """Whatever a spreadsheet would run stands behind an apostrophe."""
    record = msgspec.structs.replace(from_row(ROW), widget=text, region=text)
    cells = next(csv.DictReader(io.StringIO(as_csv([record]), newline="")))

    assert cells["widget"] == cells["region"] == f"'{text}"
