"""docs/analysts.md names the views of `consent sql` and the rows of exports as they are."""

from pathlib import Path

from consent.reports.export import SOURCES
from consent.reports.shell import Shell
from tests.docs.page import names, read, section, tables
from tests.reports.taken import filled

TEXT = read("analysts.md")


def test_every_view_is_described(tmp_path: Path) -> None:
    """Each view stands in the table with its columns in their order, and no other does."""
    [rows] = tables(section(TEXT, "## SQL"))
    told = {names([row])[0]: tuple(row[2].strip("`").split()) for row in rows}

    with Shell(filled(tmp_path)) as shell:
        assert told == {view: shell.columns(view) for view in shell.views}


def test_every_export_is_described() -> None:
    """Each kind of rows stands in the table with its columns in their order, and no other does."""
    [rows] = tables(section(TEXT, "## Exports"))

    assert {names([row])[0]: tuple(row[3].strip("`").split()) for row in rows} == {
        name: source.names for name, source in SOURCES.items()
    }
