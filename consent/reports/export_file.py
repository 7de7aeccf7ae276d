"""An export into a file: under another name until it is whole, and gone on with where it was interrupted."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from consent.config import Config
from consent.errors import Problem
from consent.reports import export, parquet
from consent.reports.export import Values, Wanted
from consent.reports.export_queries import Rows

Progress = Callable[[int, str], None]
"""(rows so far, cursor of the last) as an export goes on."""

EVERY = 20
"""Pages after which it is noted how far an export is."""


class Mark(msgspec.Struct, frozen=True):
    """How far an export is that was interrupted, and of what: what lies beyond `size` bytes is not whole."""

    site: str
    wanted: Wanted
    after: str
    size: int
    rows: int


def write(config: Config, site: tuple[int, str], wanted: Wanted, file: Path, progress: Progress | None = None) -> int:
    """Write all rows; the number of them. The file appears when it is whole, readable by its owner only.

    An earlier try at the same, of which `FILE.part` and `FILE.resume` are left, is gone on with; Parquet begins anew.

    Args:
        config: the settings.
        site: id and key.
        wanted: what.
        file: where; one that is there already is replaced.
        progress: told as it goes on.

    Raises Problem when a file cannot be written, StoreError when the store cannot be read.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = (
            _parquet(config, site[0], wanted, file, progress)
            if wanted.format == "parquet"
            else (_text(config, site, wanted, file, progress))
        )
    except OSError as error:
        raise Problem(
            "folder", f"{file} cannot be written: {error.strerror}.", "Name another place, or make room."
        ) from error
    return rows


def _parquet(config: Config, site_id: int, wanted: Wanted, file: Path, progress: Progress | None) -> int:
    part, count = _beside(file, "part"), 0
    part.unlink(missing_ok=True)

    def counted(rows: Rows) -> Iterator[list[Values]]:
        nonlocal count
        for page in rows.pages():
            count += len(page)
            if progress:
                progress(count, rows.last(page))
            yield page

    with Rows(config, site_id, wanted) as rows:
        parquet.write(wanted.source, counted(rows), part)
    part.replace(file)
    return count


def _text(config: Config, site: tuple[int, str], wanted: Wanted, file: Path, progress: Progress | None) -> int:
    part = _beside(file, "part")
    mark = _left(file, part, site[1], wanted)
    with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as out:
        out.truncate(mark.size)
        out.seek(mark.size)
        if wanted.format == "csv" and not mark.size:
            out.write(export.head(wanted.source))
        with Rows(config, site[0], msgspec.structs.replace(wanted, after=mark.after)) as rows:
            for number, page in enumerate(rows.pages(), 1):
                out.write(export.as_bytes(wanted, page))
                mark = Mark(site[1], wanted, rows.last(page), 0, mark.rows + len(page))
                if number % EVERY == 0:
                    out.flush()
                    _note(file, msgspec.structs.replace(mark, size=out.tell()))
                if progress:
                    progress(mark.rows, mark.after)
        out.flush()
        os.fsync(out.fileno())
    part.replace(file)
    _beside(file, "resume").unlink(missing_ok=True)
    return mark.rows


def _left(file: Path, part: Path, key: str, wanted: Wanted) -> Mark:
    """Where to go on; the beginning, where nothing of the same is left."""
    none = Mark(key, wanted, wanted.after, 0, 0)
    try:
        mark = msgspec.json.decode(_beside(file, "resume").read_bytes(), type=Mark)
        whole = part.stat().st_size >= mark.size
    except (FileNotFoundError, msgspec.MsgspecError):
        return none
    return mark if whole and (mark.site, mark.wanted) == (key, wanted) else none


def _note(file: Path, mark: Mark) -> None:
    """Note how far an export is; after a crash it is behind what the file has, never ahead."""
    made = _beside(file, "resume.new")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(msgspec.json.encode(mark))
    made.replace(_beside(file, "resume"))


def _beside(file: Path, ending: str) -> Path:
    return file.with_name(f"{file.name}.{ending}")
