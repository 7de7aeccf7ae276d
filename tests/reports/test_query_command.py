"""`consent query`: the same figures in the terminal."""

import asyncio
import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from consent.cli import main
from tests.records.shop import config_in, open_shop
from tests.reports import world

SPAN = ["--from", "2025-11-01", "--to", "2026-01-31"]


STEERS = "\x1b]0;x\x9b31m"
"""What gives a terminal another title and red letters."""


class Terminal:
    """Runs commands over one store."""

    def __init__(self, folder: Path) -> None:
        self.config = config_in(folder)

    def run(self, *words: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, [*words, "--data", str(self.config.data)])
        assert result.exit_code == code, result.output
        return result.output


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    made = Terminal(tmp_path)

    async def fill() -> None:
        async with open_shop(made.config) as db:
            await world.make(db, "shop", 300, 1)

    asyncio.run(fill())
    return made


def test_a_table_for_a_pipe(terminal: Terminal) -> None:
    """Values between tabs, the largest first, then all, then the span."""
    lines = terminal.run("query", "shop", "consent", "--by", "country", "--metric", "records", *SPAN).splitlines()
    assert lines[0] == "country\trecords"
    assert lines[1].startswith("DE\t")
    assert "(all)\t300" in lines
    assert lines[-1] == "2025-11-01 to 2026-01-31, UTC."


def test_totals_have_no_second_value(terminal: Terminal) -> None:
    """By two dimensions the lines of the rest and of all have a dash for the second, which is not unknown there."""
    words = ("--by", "regime", "--by", "control", "--metric", "records", *SPAN)
    lines = terminal.run("query", "shop", "consent", *words).splitlines()
    assert "(all)\t–\t300" in lines


def test_rates_read_as_percent(terminal: Terminal) -> None:
    """A rate is a percentage for people and a number for programs."""
    shown = terminal.run("query", "shop", "consent", "--metric", "opt_in", *SPAN)
    answer = json.loads(terminal.run("query", "shop", "consent", "--metric", "opt_in", *SPAN, "--json"))
    assert f"{answer['total']['opt_in']:.1%}" in shown


def test_csv_is_that_of_the_api(terminal: Terminal) -> None:
    """A header, a line for each row, formulas neutralised."""
    lines = terminal.run("query", "shop", "consent", "--by", "language", "--metric", "records", "--csv", *SPAN)
    assert lines.splitlines()[0] == "language,records"
    assert "'=cmd" in lines


@pytest.mark.parametrize("face", ["--csv", "--json"])
def test_nothing_steers_a_terminal(terminal: Terminal, face: str) -> None:
    """Characters that would are written out where a terminal shows them, and are left as they are in a pipe."""

    async def poison() -> None:
        async with open_shop(terminal.config) as db:
            await db.execute("update consent_rollup set val = :val where dim = 'language' and val = 'de'", val=STEERS)

    asyncio.run(poison())
    words = ["query", "shop", "consent", "--by", "language", *SPAN, face, "--data", str(terminal.config.data)]
    command = [str(Path(sys.executable).with_name("consent")), *words]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=theirs) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal ends
            while part := os.read(ours, 65_536):
                shown += part
        process.wait(60)
    os.close(ours)

    assert b"en" in shown and not {0x1B, 0x9B} & set(shown.decode().encode("utf-32-le")[::4])
    assert STEERS in subprocess.run(command, check=True, capture_output=True).stdout.decode().replace("\\u001b", "\x1b")


def test_a_question_by_its_name(terminal: Terminal) -> None:
    """The name of a question stands for it; options take the place of its own."""
    answer = json.loads(terminal.run("query", "shop", "withdrawals", *SPAN, "--json"))
    assert (answer["by"], answer["metrics"]) == (["week"], ["changed", "withdrawn", "records"])
    assert answer["total"]["records"] == 300


def test_two_spans_side_by_side(terminal: Terminal) -> None:
    """A comparison adds a column for each figure."""
    words = ("--by", "country", "--metric", "records", "--compare", "previous")
    head = terminal.run("query", "shop", "consent", *words, "--from", "2025-12-15", "--to", "2026-01-16").splitlines()[
        0
    ]
    assert head == "country\trecords\trecords before"


def test_what_is_wrong_is_a_sentence(terminal: Terminal) -> None:
    """A wrong dimension is named with what may be meant."""
    told = terminal.run("query", "shop", "consent", "--by", "contry", code=2)
    assert "Did you mean country?" in told


def test_what_can_be_asked_is_told(terminal: Terminal) -> None:
    """To a report that there is not the subjects are named, and the questions."""
    told = terminal.run("query", "shop", "opt-in", code=2)
    assert "pages, services, requests; and the questions opt-in-by-day" in told
