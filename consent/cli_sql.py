"""`consent sql`: documented views of the stores, asked in SQL, on the machine where the stores are."""

import asyncio
import csv
import io
import json
import os
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import click

from consent.cli import _config, _noted, _say, _site, _store, _table, main, settings
from consent.config import Config
from consent.delivery.outline import safe
from consent.errors import Problem
from consent.records.record import cell
from consent.reports.shell import SECONDS, Answer, Shell, cells
from consent.reports.shell_duckdb import DuckShell

LIMIT = 1_000
MOST = 1_000_000

_PROMPT = "consent> "
_HELP = ".views lists the views, .columns VIEW their columns, .quit ends; a statement ends with a semicolon."


@main.command()
@click.argument("key", metavar="SITE", required=False)
@click.option("-c", "--command", "statement", help="Ask this one statement (default: those that are typed).")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    show_default=True,
    help="How rows are shown.",
)
@click.option("--limit", type=click.IntRange(1, MOST), default=LIMIT, show_default=True, help="Rows shown at most.")
@click.option("--seconds", type=click.FloatRange(0.1, 3_600), default=SECONDS, show_default=True, help="Time at most.")
@click.option("--duckdb", is_flag=True, help="Ask in DuckDB's SQL; what is named is read into memory first.")
@click.option("--copy", type=click.Path(path_type=Path), help="Write the views into a new SQLite file.")
@settings
def sql(
    key: str | None,
    *,
    statement: str | None,
    format_: str,
    limit: int,
    seconds: float,
    duckdb: bool,
    copy: Path | None,
    data: Path | None,
    file: Path | None,
    as_json: bool,
) -> None:
    """Ask the stores in SQL, of one site or of all, also while the service runs. Nothing can be changed.

    What is asked is written into the access log.
    """
    config = _config(file, data)
    site = key or ""
    format_ = "json" if as_json else format_
    with ExitStack() as stack:
        shell = stack.enter_context(Shell(config, site))
        if copy is not None:
            _note(config, site, "--copy")
            rows = _copy(shell, copy)
            _say(as_json, {"file": str(copy), "rows": rows}, f"{sum(rows.values())} rows are in {copy}.")
            return
        asked = stack.enter_context(DuckShell(shell)) if duckdb else shell
        if statement is None and sys.stdin.isatty():
            _talk(config, asked, site, format_, limit=limit, seconds=seconds)
            return
        text = sys.stdin.read() if statement is None else statement
        _note(config, site, text)
        _tell(asked.ask(text, seconds), format_, limit)


def _talk(config: Config, shell: Shell | DuckShell, site: str, format_: str, *, limit: int, seconds: float) -> None:
    """Read statements, and answer each, until there are no more."""
    import readline  # noqa: F401, PLC0415  # makes lines that can be edited

    click.echo(_HELP, err=True)
    lines: list[str] = []
    while True:
        try:
            line = input(" " * len(_PROMPT) if lines else _PROMPT)
        except EOFError:
            return
        except KeyboardInterrupt:
            lines.clear()
            click.echo()
            continue
        word, _, rest = line.strip().partition(" ")
        if not lines and word in (".quit", ".exit"):
            return
        try:
            if not lines and word.startswith("."):
                click.echo(_described(shell, word, rest.strip()))
                continue
            lines.append(line)
            if line.rstrip().endswith(";"):
                text = "\n".join(lines)
                lines.clear()
                _note(config, site, text)
                _tell(shell.ask(text, seconds), format_, limit)
        except Problem as problem:
            click.echo(safe(str(problem)), err=True)


def _described(shell: Shell | DuckShell, word: str, view: str) -> str:
    if word == ".views":
        return "\n".join(shell.views)
    if word == ".columns" and view in shell.views:
        return "\n".join(shell.columns(view))
    return _HELP


def _tell(answer: Answer, format_: str, limit: int) -> None:
    """Print the rows, so many at most; whether there are more goes to the standard error."""
    rows = [cells(row) for row in islice(answer.rows, limit + 1)]
    shown = rows[:limit]
    if format_ == "csv":
        click.echo(_as_csv(answer.columns, shown), nl=False)
    elif format_ == "json":
        click.echo(json.dumps([dict(zip(answer.columns, row, strict=True)) for row in shown], default=str))
    else:
        texts = [tuple("" if value is None else safe(str(value)) for value in row) for row in shown]
        click.echo(_table(tuple(map(safe, answer.columns)), texts))
    if len(rows) > limit:
        click.echo(f"There are more rows than {limit}: --limit shows more.", err=True)


def _as_csv(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """No cell is a formula, and none steers a terminal."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n" if not sys.stdout.isatty() else "\n")
    writer.writerow(map(cell, columns))
    for row in rows:
        texts = ("" if value is None else cell(value) for value in row)
        writer.writerow(map(safe, texts) if sys.stdout.isatty() else texts)
    return out.getvalue()


def _copy(shell: Shell, file: Path) -> dict[str, int]:
    """Write every view as a table into a new file that only its owner reads; the number of rows of each."""
    if file.exists():
        raise Problem("file_taken", f"{file} is there already.", "Name a new file.")
    os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    rows: dict[str, int] = {}
    try:
        with sqlite3.connect(file) as made:
            for view in shell.views:
                columns = shell.columns(view)
                names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
                made.execute(f"create table {view} ({names})")
                answer = shell.ask(f"select * from {view}", seconds=3_600)  # noqa: S608  # our own names
                rows[view] = made.executemany(f"insert into {view} values ({marks})", answer.rows).rowcount  # noqa: S608
        made.close()
    except BaseException:
        file.unlink()
        raise
    return {view: max(0, count) for view, count in rows.items()}


def _note(config: Config, site: str, text: str) -> None:
    """Write down who asks what."""

    async def write() -> None:
        async with _store(config) as db:
            site_id = (await _site(db, site)).site_id if site else 0
            await _noted(db, site_id, "sql", "", " ".join(text.split())[:500])

    asyncio.run(write())
