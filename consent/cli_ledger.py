"""`consent ledger` and `consent receipt`: logs and receipts, checked, exported, continued."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from consent.cli import Friendly, _config, _noted, _say, _site, _store, _table, _when, main, settings
from consent.db import Database
from consent.errors import Problem
from consent.ledger.export import export
from consent.ledger.sequencer import INSTALL, Log, sequencer
from consent.ledger.snapshot_queries import Row, Snapshot
from consent.ledger.standalone import verify as standalone
from consent.ledger.standalone.verify import Fault, Report
from consent.ledger.text import encoded
from consent.ledger.verify import check_store
from consent.records import evidence

CALENDAR = 253_402_300_800_000
"""The year 10000, in ms since 1970."""

_WHERE = "A data folder, its consent.sqlite, or an exported folder (default: the data folder)."


@main.group(cls=Friendly)
def ledger() -> None:
    """Logs: what cannot be altered unnoticed."""


@ledger.command("list")
@settings
def ledger_list(data: Path | None, file: Path | None, as_json: bool) -> None:
    """List the logs of the store: how many leaves each has, and the key that signs it."""
    with Snapshot(_config(file, data).store) as snapshot:
        found: list[dict[str, Any]] = [
            {
                "site": log.site,
                "epoch": log.epoch,
                "origin": log.origin,
                "opened": log.opened,
                "size": log.size,
                "root": log.root,
                "keys": [{"vkey": vkey, "since": since} for vkey, since in snapshot.keys(log)],
            }
            for log in snapshot.logs()
        ]
    head = ("site", "epoch", "leaves", "opened (UTC)", "key")
    rows = [
        (one["site"], str(one["epoch"]), str(one["size"]), _when(one["opened"]), one["keys"][-1]["vkey"])
        for one in found
    ]
    _say(as_json, {"logs": found}, _table(head, rows))


@ledger.command("verify")
@click.argument("place", metavar="PLACE", required=False, type=click.Path(path_type=Path))
@click.option("--site", "key", help="Only this site's logs.")
@click.option(
    "--receipt", "receipts", multiple=True, type=click.Path(path_type=Path), help="A receipt to compare with."
)
@click.option("--vkey", "vkeys", multiple=True, help="A key that you know to be the operator's.")
@settings
def ledger_verify(
    place: Path | None,
    *,
    key: str | None,
    receipts: tuple[Path, ...],
    vkeys: tuple[str, ...],
    data: Path | None,
    file: Path | None,
    as_json: bool,
) -> None:
    """Check every leaf, tile, record and signature of a store or an export, without the service; it may be running.

    Says of each log that it is sound, or names the first leaf at which it is not, and what is wrong there. The exit
    status is 1 then; it is 3 where nothing is wrong, but leaves or a whole former log are not there any more.
    """
    place = place or _config(file, data).data
    try:
        known = [(*found, str(path)) for path in receipts for found in standalone.check_receipt(path, vkeys)]
        seen = [(origin, size, root, who) for origin, _, size, root, who in known]
        if (place / "log.json").is_file():
            reports = standalone.check_export(place, seen, _bar(as_json))
        else:
            store = place / "consent.sqlite" if place.is_dir() else place
            heads = store.parent / "ledger.heads"
            reports = check_store(store, heads, _said, site=key, seen=seen, progress=_bar(as_json))
    except Fault as fault:
        raise Problem("not_sound", str(fault), "Name a store or an export that is whole.") from fault
    strangers = [report for report in reports if vkeys and report.signed_by not in vkeys]
    _say(as_json, {"logs": [_face(report) for report in reports]}, "\n".join(map(standalone.told, reports)))
    for report in strangers:
        said = f"{report.origin} is signed by {report.signed_by}, which is not a key that you named."
        click.echo(standalone.plain(said), err=True)
    if strangers or any(report.faults for report in reports):
        sys.exit(1)
    if any(report.lost for report in reports):
        sys.exit(3)


@ledger.command("export")
@click.argument("key", metavar="SITE")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@settings
def ledger_export(key: str, folder: Path, data: Path | None, file: Path | None, as_json: bool) -> None:
    """Write a site's logs, records and notices into a new folder, with a program that checks them and a README.

    The folder holds every record of the site: give it to auditors, and keep it as carefully as the store.
    """
    config = _config(file, data)

    async def note() -> None:
        async with _store(config) as db:
            await _noted(db, (await _site(db, key)).site_id, "export", "ledger", f"consent ledger export {key}")

    asyncio.run(note())
    done = export(config.store, key, folder, _said, progress=_bar(as_json))
    told = f"Wrote {done.leaves} leaves, {done.records} records and {done.notices} notices of {key} to {folder}."
    _say(as_json, done, f"{told}\nCheck it anywhere: python3 {folder / 'verify.py'}")


@ledger.command("new-epoch")
@click.argument("key", metavar="SITE")
@settings
def ledger_new_epoch(key: str, data: Path | None, file: Path | None, as_json: bool) -> None:
    """Begin a site's log anew, where the store is behind what was noted of it: after a backup was restored.

    The new log's first leaf names the last head known of the old one, so that what is gone stays visible.
    """
    config = _config(file, data)

    async def begin() -> dict[str, Any]:
        async with _store(config) as db:
            tail = await sequencer(db, config).new_epoch(await _log(db, key))
            return {"site": key, "epoch": tail.epoch, "origin": tail.origin, "vkey": str(tail.key.vkey)}

    answer = asyncio.run(begin())
    _say(as_json, answer, f"The log of {key} goes on in epoch {answer['epoch']}, as {answer['origin']}.")


@ledger.command("rotate")
@click.argument("key", metavar="SITE")
@settings
def ledger_rotate(key: str, data: Path | None, file: Path | None, as_json: bool) -> None:
    """Let a new key sign a site's log from now on; the present head is signed by both."""
    config = _config(file, data)

    async def rotate() -> str:
        async with _store(config) as db:
            return await sequencer(db, config).rotate(await _log(db, key))

    vkey = asyncio.run(rotate())
    _say(as_json, {"site": key, "vkey": vkey}, f"From now on the log of {key} is signed by\n{vkey}")


@main.group(cls=Friendly)
def receipt() -> None:
    """Receipts: what visitors keep of their choices."""


@receipt.command("verify")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--vkey", "vkeys", multiple=True, help="A key that you know to be the operator's.")
@settings
def receipt_verify(path: Path, *, vkeys: tuple[str, ...], data: Path | None, file: Path | None, as_json: bool) -> None:
    """Check a receipt offline: that what it tells is in the log that its key signs. The exit status is 1 if it is not.

    That the key is the operator's is told by the service's /.well-known/consent-log/SITE or an earlier receipt: name it
    with --vkey.
    """
    _config(file, data)
    try:
        found = standalone.check_receipt(path, vkeys)
        records = [record for record, _, _ in standalone.evidence_of(path)]
    except Fault as fault:
        _say(as_json, {"sound": False, "fault": str(fault)}, f"WRONG: {fault}")
        sys.exit(1)
    proved: list[dict[str, Any]] = [
        {"origin": origin, "leaf": index, "size": size, "root": encoded(root), "record": record}
        for (origin, index, size, root), record in zip(found, records, strict=True)
    ]
    lines = [
        standalone.plain(f"sound: {one['record']['action']} at {_at(one)} UTC, leaf {one['leaf']} of {one['origin']}")
        for one in proved
    ]
    if not vkeys:
        lines.append("Compare its key with /.well-known/consent-log/SITE of the service, and name it with --vkey.")
    _say(as_json, {"sound": True, "proved": proved}, "\n".join(lines))


async def _log(db: Database, key: str) -> Log:
    if key == INSTALL:
        return Log(0, INSTALL)
    return Log((await _site(db, key)).site_id, key)


def _at(proved: dict[str, Any]) -> str:
    """The record's time; one that is beyond all calendars as its number."""
    milliseconds = int(proved["record"]["time"])
    return _when(milliseconds) if milliseconds < CALENDAR else f"{milliseconds} ms since 1970,"


def _said(row: Row, site: str) -> bytes:
    return evidence.canonical(row, site, row)


def _bar(as_json: bool) -> Callable[[int, int], None] | None:
    return None if as_json else standalone.bar


def _face(report: Report) -> dict[str, Any]:
    """A report for programs."""
    return {
        "origin": standalone.plain(report.origin),
        "size": report.size,
        "root": encoded(report.root) if report.root else None,
        "vkey": standalone.plain(report.signed_by),
        "kinds": {standalone.plain(kind): count for kind, count in report.kinds.items()},
        "notes": [standalone.plain(note) for note in report.notes],
        "lost": [standalone.plain(lost) for lost in report.lost],
        "sound": report.verdict == "sound",
        "faults": [{"leaf": fault.index, "what": fault.sentence} for fault in report.faults],
    }
