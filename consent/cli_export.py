"""`consent export`: the consent log and the visitors' log, taken along."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from consent.cli import _config, _noted, _now, _say, _site, _store, main, settings
from consent.config import Config
from consent.errors import Problem
from consent.records.recount import add_up
from consent.reports import export, export_file, shared_export
from consent.reports.answers import open_answers
from consent.reports.export import FORMATS, Wanted, position

VISITS = ("visitors", "sessions", "events")


@main.command("export")
@click.argument("subject", metavar="WHAT")
@click.argument("key", metavar="SITE")
@click.option(
    "--format", "format_", type=click.Choice(FORMATS), default="csv", show_default=True, help="How it is written."
)
@click.option("--from", "since", help="From this moment on: RFC 3339, or milliseconds since 1970.")
@click.option("--to", "until", help="Before this moment.")
@click.option("--out", type=click.Path(path_type=Path), help="File, or folder (default: this one).")
@settings
def export_(
    subject: str,
    key: str,
    *,
    format_: str,
    since: str | None,
    until: str | None,
    out: Path | None,
    data: Path | None,
    file: Path | None,
    as_json: bool,
) -> None:
    """Write rows of a site into a file: its log, or its visitors, sessions and events (visits: all three).

    WHAT may also be shared: figures by the month that name nobody, to be given to others.

    Called again after an interruption it goes on where it stopped, but for Parquet. Who exported what is written into
    the access log. Rows that are erased later stay in the file: keep it as carefully as the store, and not for long.
    """
    given = {name: text for name, text in (("from", since), ("to", until)) if text is not None}
    if subject == "shared":
        place = _placed(out or Path(), f"{key}-shared.{format_}")
        answer = {
            "subject": "shared",
            "file": str(place),
            "rows": _share(_config(file, data), key, given, place, format_),
        }
        _say(as_json, {"exports": [answer]}, f"{answer['rows']} figures are in {answer['file']}. They name nobody.")
        return
    wanted = [export.parse(one, format_, given) for one in (VISITS if subject == "visits" else (subject,))]
    config = _config(file, data)
    site = asyncio.run(_begin(config, key, wanted))
    answers = []
    for one in wanted:
        place = _place(out or Path(), key, one, several=len(wanted) > 1)
        with _shown(one, as_json) as progress:
            rows = export_file.write(config, site, one, place, progress)
        answers.append({"subject": one.subject, "file": str(place), "rows": rows})
    _say(as_json, {"exports": answers}, "\n".join(f"{one['rows']} rows are in {one['file']}." for one in answers))


def _share(config: Config, key: str, given: dict[str, str], file: Path, format_: str) -> int:
    """Write the figures that name nobody; the number of them."""
    shared_export.check_format(format_)
    figures = asyncio.run(_figures(config, key, given))
    try:
        file.write_bytes(shared_export.as_bytes(figures, format_))
    except OSError as error:
        raise Problem("folder", f"{file} cannot be written: {error.strerror}.", "Name another place.") from error
    return len(figures)


async def _figures(config: Config, key: str, given: dict[str, str]) -> list[shared_export.Figure]:
    asked = shared_export.questions(given, _now())
    async with _store(config) as db:
        site = await _site(db, key)
        await add_up(db)
        answers = await open_answers(config)
        try:
            return await shared_export.collect(answers, site, asked)
        finally:
            await answers.close()


def _placed(out: Path, name: str) -> Path:
    """The file: the one named, or one of that name in the folder named."""
    return out / name if out.is_dir() else out


def _place(out: Path, key: str, wanted: Wanted, *, several: bool) -> Path:
    """The file: the one named, or one in the folder named."""
    inside = several or out.is_dir()
    return out / f"{key}-{wanted.subject}.{wanted.format}" if inside else out


async def _begin(config: Config, key: str, wanted: list[Wanted]) -> tuple[int, str]:
    """The site; that it is exported is written down first."""
    async with _store(config) as db:
        site = await _site(db, key)
        for one in wanted:
            await _noted(db, site.site_id, "export", one.subject, f"consent export {one.subject} {key}")
        return site.site_id, site.key


@contextmanager
def _shown(wanted: Wanted, as_json: bool) -> Iterator[export_file.Progress]:
    """A bar that follows the time of the rows: nobody counts them first."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=as_json or not console.is_terminal, transient=True) as bar:
        task = bar.add_task(wanted.subject, rows=0)
        began, end = (0, 2**48) if wanted.subject == "visitors" else (None, min(wanted.until, _now()))

        def progress(rows: int, cursor: str) -> None:
            nonlocal began
            at = position(wanted.subject, cursor)
            began = at if began is None else began
            bar.update(task, rows=rows, completed=at - began, total=max(1, end - began))

        yield progress
