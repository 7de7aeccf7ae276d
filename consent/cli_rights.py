"""`consent erase`, `retention`, `requests`, `backup` and `restore`: whose data it is, and how it is not lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from consent.cli import _config, _say, _site, _store, _table, _when, main, settings
from consent.config import Config
from consent.db import Database
from consent.errors import Problem
from consent.ledger.sequencer import sequencer
from consent.ledger.verify import check_store
from consent.rights import backup as backups
from consent.rights import queries
from consent.rights.erasure import Erasure, unknown_receipt
from consent.rights.retention import Retention
from consent.sites import queries as sites

_PATIENCE = 60.0
"""Seconds that `consent erase` waits for the last byte to go."""

_MOST = 1_000
"""Requests listed."""


@main.command()
@click.option("--receipt", required=True, help="The receipt's id, as the visitor has it.")
@click.option("--site", "key", help="The site's key; without it every site is looked at.")
@settings
def erase(receipt: str, key: str | None, data: Path | None, file: Path | None, as_json: bool) -> None:
    """Destroy the records of a receipt, also while the service runs. The log goes on to prove everything else."""

    async def work() -> dict[str, Any]:
        async with _at_work(_config(file, data)) as (db, erasure, _):
            known = [await _site(db, key)] if key else await sites.all_sites(db)
            for site in known:
                if await queries.exists(db, site.site_id, receipt):
                    done = await erasure.erase(site, receipt, _PATIENCE)
                    return {"site": site.key, **msgspec.structs.asdict(done)}
        raise unknown_receipt()

    answer = asyncio.run(work())
    told = f"{answer['erased']} records of {answer['site']} are gone."
    if answer["state"] == "pending":
        told += " Bytes of them are left while another program reads an older state of the store: a running service"
        told += f" sees to that, else run: consent requests {answer['site']}."
    _say(as_json, answer, told)


@main.command()
@click.argument("key", metavar="SITE")
@click.option("--dry-run", is_flag=True, help="Only say what is due.")
@settings
def retention(key: str, dry_run: bool, data: Path | None, file: Path | None, as_json: bool) -> None:
    """Delete now what was kept long enough, and certify it; the service does the same every hour."""

    async def work() -> dict[str, Any]:
        async with _at_work(_config(file, data)) as (db, erasure, kept):
            site = await _site(db, key)
            due = await kept.due(site)
            faces = [{"law": why.law, "days": why.days, "source": why.source, "receipts": n} for why, n in due.items()]
            deleted = 0 if dry_run else await kept.run_site(site)
            await erasure.finish()
            await kept.certify(site)
            rows = await queries.requests(db, site.site_id, _MOST)
            files = sorted({row["certificate"] for row in rows if row["certificate"]})
            return {"site": site.key, "due": faces, "deleted": deleted, "certificates": files}

    answer = asyncio.run(work())
    head = ("law", "days after the choice's end", "receipts due", "source")
    rows = [(one["law"], str(one["days"]), str(one["receipts"]), one["source"]) for one in answer["due"]]
    done = "Nothing was deleted." if dry_run else f"{answer['deleted']} records were deleted."
    told = [_table(head, rows), done]
    told += [f"Certificate: certificates/{name}" for name in answer["certificates"]]
    _say(as_json, answer, "\n".join(told))


@main.command()
@click.argument("key", metavar="SITE")
@settings
def requests(key: str, data: Path | None, file: Path | None, as_json: bool) -> None:
    """List what was erased, asked for or deleted in time, newest first; what is unfinished is finished."""

    async def work() -> list[dict[str, Any]]:
        async with _at_work(_config(file, data)) as (db, erasure, _):
            site = await _site(db, key)
            await erasure.finish()
            return await queries.requests(db, site.site_id, _MOST)

    found = asyncio.run(work())
    head = ("time (UTC)", "kind", "rule", "state", "records", "leaves", "certificate")
    rows = [
        (
            _when(one["time"]),
            *(str(one[name]) for name in ("kind", "rule", "state", "records", "leaves", "certificate")),
        )
        for one in found
    ]
    _say(as_json, {"requests": found}, _table(head, rows))


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--with-keys", is_flag=True, help="Copy the keys that sign logs, and the tokens, too: keep that folder safe."
)
@settings
def backup(folder: Path, with_keys: bool, data: Path | None, file: Path | None, as_json: bool) -> None:
    """Copy the store into a new folder, also while the service runs, and check the copy."""
    config = _config(file, data)
    with Progress(console=Console(stderr=True), disable=as_json, transient=True) as shown:
        copying = shown.add_task("Copying", total=None)

        def progress(done: int, size: int) -> None:
            shown.update(copying, completed=min(done, size), total=size)

        manifest = backups.back_up(config, folder, progress, secrets=with_keys)
    _check(folder, as_json)
    told = f"{manifest.rows.get('consent_record', 0)} records are in {folder}, and their logs are sound."
    keys = (
        "The keys are in it: whoever has this folder can sign in your name."
        if with_keys
        else "The keys that sign the logs are not in it: keep a copy of the folder keys elsewhere, for without them"
        " no restored log goes on as it was."
    )
    _say(as_json, manifest, f"{told}\n{keys}")


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--erased", type=click.Path(path_type=Path), help="The newest ledger.erased: what it names does not come back."
)
@click.option("--last", is_flag=True, help="Nothing was acknowledged after this backup: its logs go on as they are.")
@settings
def restore(
    folder: Path, erased: Path | None, data: Path | None, file: Path | None, *, last: bool, as_json: bool
) -> None:
    """Make a store of a backup, in a data folder that has none. What was erased since does not come back.

    Every log goes on in a new epoch, since nobody but you can know that no choice was acknowledged after the backup.
    """
    from consent.rights.restore import restore as bring_back  # noqa: PLC0415

    config = _config(file, data)
    done = asyncio.run(bring_back(config, folder, erased, last=last))
    told = [f"Restored {done.records} records of {done.made}; {done.erased} that were erased since are gone again."]
    told += [f"The log of {key} was further: what it had more is lost." for key in done.behind]
    if done.renewed:
        told.append(f"These logs go on in a new epoch: {', '.join(done.renewed)}.")
    wanted = ("tokens", "secret") if done.renewed else backups.SECRETS
    missing = [name for name in wanted if not (config.data / name).exists()]
    if missing:
        told.append(f"The backup has no secrets: put back before the service starts: {', '.join(missing)}.")
    _say(as_json, done, "\n".join(told))


@asynccontextmanager
async def _at_work(config: Config) -> AsyncIterator[tuple[Database, Erasure, Retention]]:
    """The store with what deletes from it, beside a service that may be running."""
    async with _store(config) as db:
        logs = sequencer(db, config)
        erasure = Erasure(db, logs, config.data)
        yield db, erasure, Retention(db, logs, erasure, config)


def _check(folder: Path, as_json: bool) -> None:
    """Raises Problem when a log in a backup does not prove itself."""
    from consent.cli_ledger import _bar, _said  # noqa: PLC0415  # it may be what imports this

    for report in check_store(folder / backups.STORE, folder / backups.HEADS, _said, progress=_bar(as_json)):
        for fault in report.faults[:1]:
            remedy = f"The store may be as unsound as its copy: consent ledger verify. The copy is in {folder}."
            raise Problem("not_sound", f"{report.origin}, leaf {fault.index}: {fault.sentence}", remedy)
