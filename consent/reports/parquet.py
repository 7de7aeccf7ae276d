"""Parquet, written by DuckDB (extra `export`) out of rows that it is handed through a pipe: nothing lies in between."""

import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path
from typing import Any

from consent.errors import Problem
from consent.reports.export import Source, Values, as_ndjson, types

SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "memory_limit": "256MB",
    "preserve_insertion_order": True,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
"""What bounds DuckDB, and keeps it from fetching anything."""

PAGES = 100
"""Pages of a part: 50,000 rows."""

OPTIONS = "format parquet, compression zstd, row_group_size 50000"


def check() -> None:
    """Raises Problem where DuckDB is not installed."""
    if find_spec("duckdb") is None:
        remedy = "Install it with: pip install 'consent-manager[export]'; csv, ndjson and SQLite need nothing."
        raise Problem("no_duckdb", "This needs DuckDB, which is not installed.", remedy, status=501)


def connect() -> Any:
    """DuckDB in memory, bounded. Raises Problem where it is not installed."""
    check()
    import duckdb  # noqa: PLC0415  # an extra

    return duckdb.connect(config=SETTINGS)


def write(source: Source, pages: Iterable[list[Values]], file: Path) -> None:
    """Write all rows into a file that only its owner reads; waits. On a failure there is no file.

    DuckDB keeps what it reads from a pipe until it is at its end, so the rows go in parts, which are put together in
    the end: memory does not grow with their number.

    Raises Problem where DuckDB is not installed or cannot write, and whatever reading the pages raises.
    """
    check()
    with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:  # nobody else enters it
        parts = _parts(Path(folder), source, iter(pages))
        made = parts[0] if len(parts) == 1 else Path(folder) / "whole"
        if len(parts) > 1:
            listed = ", ".join(map(_quoted, parts))
            _run(f"copy (select * from read_parquet([{listed}])) to {_quoted(made)} ({OPTIONS})")  # noqa: S608
        made.chmod(0o600)
        made.replace(file)


def _parts(folder: Path, source: Source, pages: Iterator[list[Values]]) -> list[Path]:
    """Files of some rows each, in order; one without rows where there are none."""
    parts: list[Path] = []
    while (first := next(pages, None)) is not None or not parts:
        part = folder / f"part{len(parts)}"
        _through(folder / "rows", source, chain([first or []], islice(pages, PAGES - 1)), part)
        parts.append(part)
    return parts


def _run(sql: str) -> None:
    """One statement in a DuckDB of its own. Raises Problem."""
    connection = connect()
    try:
        connection.execute(sql)
    except Exception as error:
        said = str(error).partition("\n")[0]
        raise Problem("parquet", f"DuckDB could not write: {said}.", "Look at the disk.") from error
    finally:
        connection.close()


def _through(pipe: Path, source: Source, pages: Iterable[list[Values]], file: Path) -> None:
    os.mkfifo(pipe, 0o600)
    failed: list[BaseException] = []
    feeder = threading.Thread(target=_feed, args=(pipe, source, pages, failed), daemon=True)
    feeder.start()
    try:
        _run(_sql(source, pipe, file))
    except Problem as problem:
        os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))  # whoever waits to write is let go
        feeder.join()
        raise (failed or [problem])[0] from problem
    feeder.join()
    pipe.unlink()
    if failed:
        raise failed[0]


def _feed(pipe: Path, source: Source, pages: Iterable[list[Values]], failed: list[BaseException]) -> None:
    try:
        with pipe.open("wb") as out:
            for page in pages:
                out.write(as_ndjson(source, page, cursors=False))
    except BrokenPipeError:
        pass  # who reads has failed, and says so
    except BaseException as error:
        failed.append(error)


def _sql(source: Source, pipe: Path, file: Path) -> str:
    columns = ", ".join(f"{name}: '{kind}'" for name, kind in types(source).items())
    return (
        f"copy (select * from read_json({_quoted(pipe)}, format = 'newline_delimited', compression = 'none',"  # noqa: S608  # our own names
        f" columns = {{{columns}}})) to {_quoted(file)} ({OPTIONS})"
    )


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
