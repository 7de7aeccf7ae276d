"""`consent import-log`: visits of before, out of a web server's access logs."""

import asyncio
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

import click

from consent.cli import _config, _now, _say, _site, _store, main, settings
from consent.config import Config
from consent.errors import NotFound, Problem

if TYPE_CHECKING:
    from consent.telemetry.importing import Summary

_LEFT = {
    "asset": "files that pages load",
    "bad-url": "addresses that are none",
    "not-allowed": "visits that nobody may keep: no consent, and no exemption in their country",
    "no-place": "visits from a country that is not known, so nothing of them may be counted (geo database, --country)",
    "no-view": "forms sent, redirections, parts of pages, pages that are not there",
    "no-identity": "visitors who agreed, without cookies of ours",
    "other-site": "pages of other hosts than the policy's origins",
    "too-fresh": "from here on: of the last 24 hours, with cookies; import them tomorrow",
    "too-new": "times in the future",
    "unfinished": "a last line without an end",
    "withdrawn": "visitors who withdrew",
}


@main.command("import-log")
@click.argument("key", metavar="SITE")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--country", default="", help="Where all these visitors were (ISO 3166-1), if you know; else a geo database says."
)
@click.option(
    "--host", default="", help="Host of the pages, in lines that name none (default: of the policy's first origin)."
)
@click.option("--cookies", is_flag=True, help="The last quoted field of a line is the Cookie header.")
@click.option("--rejects", type=click.Path(path_type=Path), help="Write the lines that cannot be read here, with why.")
@click.option("--again", is_flag=True, help="Count lines again that were imported before.")
@settings
def import_log(
    key: str,
    files: tuple[str, ...],
    *,
    rejects: Path | None,
    data: Path | None,
    file: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Import access logs (common or combined format, also packed; - is the standard input), also beside a service.

    The same gate holds as for pages: rows need a granted choice and our cookies in the line (--cookies); all others
    become anonymous counts, where the law of their country exempts that, or nothing. Lines that were imported before
    count no further, also when a log grew, or was rotated or packed.
    """
    config = _config(file, data)
    with ExitStack() as opened:
        out = opened.enter_context(_rejected(rejects)) if rejects else None
        shown = opened.enter_context(_progress(as_json))
        began = time.monotonic()
        summary = asyncio.run(_import(config, key, files, _Watcher(out, shown), given))
        seconds = time.monotonic() - began
    answer = {
        "lines": summary.lines,
        "stored": summary.stored,
        "counted": summary.counted,
        "before": summary.before,
        "bots": summary.bot_names.most_common(),
        "left": summary.left,
        "refused": summary.refused,
        "examples": [one._asdict() for one in summary.examples],
        "seconds": round(seconds, 2),
        "lines_per_second": round((summary.lines + summary.before) / max(seconds, 0.001)),
    }
    _say(as_json, answer, _told(summary, seconds))


class _Watcher:
    """Writes refused lines and moves the bar."""

    def __init__(self, out: TextIO | None, bar: Any) -> None:
        self._out = out
        self._bar = bar
        self.file: Any = None
        self._name = ""
        self._began = 0.0

    def begin(self, name: str, size: int) -> None:
        """A file begins."""
        self._began, self._name = time.monotonic(), name
        if self._bar:
            self.file = self._bar.add_task(name[-40:], total=size or None, lines=0, speed=0)

    def refused(self, number: int, reason: str, raw: bytes) -> None:
        if self._out:
            text = raw.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
            self._out.write(f"{self._name}\t{number}\t{reason}\t{text}\n")

    def went_on(self, lines: int, at: int) -> None:
        if self._bar:
            speed = lines / max(time.monotonic() - self._began, 0.001)
            self._bar.update(self.file, completed=at, lines=lines, speed=speed)


async def _import(config: Config, key: str, files: tuple[str, ...], watcher: _Watcher, given: Any) -> "Summary":
    from consent.app import write_secret  # noqa: PLC0415
    from consent.policy.queries import current, since  # noqa: PLC0415
    from consent.records.published import Live  # noqa: PLC0415
    from consent.telemetry.gathered import Gathered  # noqa: PLC0415
    from consent.telemetry.importing import Importer  # noqa: PLC0415
    from consent.telemetry.log import Log  # noqa: PLC0415
    from consent.telemetry.logfile import open_log  # noqa: PLC0415
    from consent.telemetry.past import Past  # noqa: PLC0415
    from consent.telemetry.standing import Judge  # noqa: PLC0415
    from consent.telemetry.store import open_telemetry  # noqa: PLC0415
    from consent.visitors.cookies import Jar  # noqa: PLC0415
    from consent.visitors.place import Places  # noqa: PLC0415
    from consent.web.keyring import open_keyring  # noqa: PLC0415

    async with _store(config) as db:
        site = await _site(db, key)
        version = await current(db, site.site_id)
        if version is None or version.resolved.telemetry is None:
            remedy = "Publish a policy with a table [telemetry] first: docs/policy.md."
            raise NotFound("no_telemetry", f"The site {key} keeps no log of visitors.", remedy)
        same = [scope for scope, worth in (await since(db, version)).items() if worth == "same"]
    now, live = _now(), Live(site, version)
    jar = Jar(
        open_keyring(config.data / "keys" / "cookies", now // 86_400_000, secrets.token_bytes), secrets.token_bytes
    )
    places = Places(config.data / "geo")
    telemetry = await open_telemetry(config)
    try:
        log = Log(telemetry)
        door = Gathered(log.forgotten.has)
        importer = Importer(
            log=log,
            live=live,
            same=same,
            past=Past(Judge(jar), places, door),
            door=door,
            terms=_terms(config, version.resolved.origins, places, now, given),
            secret=write_secret(config),
            watcher=watcher,
        )
        for name in files:
            with open_log(name) as opened:
                watcher.begin(opened.name, opened.size)
                await importer.run(opened)
        return importer.summary
    finally:
        await telemetry.close()
        places.close()


def _terms(config: Config, pages: tuple[str, ...], places: Any, now: int, given: dict[str, Any]) -> Any:
    from consent.regimes.geo import read_header  # noqa: PLC0415
    from consent.regimes.visit import Visits  # noqa: PLC0415
    from consent.telemetry.importing import Terms  # noqa: PLC0415
    from consent.telemetry.whereabouts import Whereabouts  # noqa: PLC0415

    said = read_header(given["country"]) if given["country"] else None
    if given["country"] and said is None:
        raise Problem(
            "import_country", f"{given['country'][:20]!r} is no country.", "Write ISO 3166-1, such as FR; or US-CA."
        )
    origins = {urlsplit(page).hostname or "": page for page in reversed(pages)}
    host = given["host"].lower()
    if host and host not in origins:
        remedy = f"Its policy has: {', '.join(origins)}."
        raise Problem("import_host", f"The site has no pages under {host[:100]!r}.", remedy)
    return Terms(
        origin=origins[host] if host else pages[0],
        origins=origins,
        cookies=given["cookies"],
        country=said,
        place=Whereabouts(Visits(config), places).place,
        trusted=config.networks,
        now=now,
        again=given["again"],
    )


@contextmanager
def _rejected(path: Path) -> Iterator[TextIO]:
    try:
        private = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # lines hold addresses
        with os.fdopen(private, "w", encoding="utf-8") as out:
            yield out
    except OSError as error:
        raise Problem("file", f"{path} cannot be written: {error.strerror}.", "Name another with --rejects.") from error


@contextmanager
def _progress(as_json: bool) -> Iterator[Any]:
    """A bar with lines a second, on a terminal; nothing elsewhere."""
    if as_json or not _is_terminal():
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    lines = TextColumn("{task.fields[lines]:,} lines, {task.fields[speed]:,.0f} a second", markup=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), lines)
    with Progress(*columns, TimeRemainingColumn(), console=_console(), transient=True) as bar:
        yield bar


def _is_terminal() -> bool:
    return sys.stderr.isatty()


def _console() -> Any:
    from rich.console import Console  # noqa: PLC0415

    return Console(stderr=True)


def _told(summary: "Summary", seconds: float) -> str:
    read, left = summary.lines + summary.before, Counter(summary.left)
    rows = [
        (f"{read:,}", f"lines read in {seconds:.1f} s: {read / max(seconds, 0.001):,.0f} a second"),
        (f"{summary.before:,}", "imported before"),
        (f"{summary.stored:,}", "rows of visitors who agreed"),
        (f"{summary.counted:,}", "page views counted anonymously"),
        (f"{left.pop('bot', 0):,}", f"by bots: {_named(summary.bot_names)}"),
    ]
    rows += [(f"{number:,}", _LEFT.get(reason, reason)) for reason, number in left.most_common()]
    rows += [(f"{number:,}", f"could not be read: {reason}") for reason, number in summary.refused.most_common()]
    shown = [f"{one.file[-40:]} line {one.number} ({one.reason}): {one.text}" for one in summary.examples]
    width = max(len(number) for number, _ in rows)
    lines = [f"{number.rjust(width)}  {text}" for number, text in rows]
    if left["no-place"] and not summary.counted and not summary.stored:
        lines += ["", "Nothing was counted. Name the country, or install a database, and import these lines --again."]
    return "\n".join([*lines, *(["", "Lines that could not be read, for example:"] if shown else []), *shown])


def _named(bots: dict[str, int]) -> str:
    most = sorted(bots.items(), key=lambda one: -one[1])[:5]
    return ", ".join(f"{name} {number:,}" for name, number in most) or "none"
