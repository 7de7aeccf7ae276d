"""An operator who is watched: `consent witness serve` cosigns, `consent witness follow` notices every rewriting."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.responses import JSONResponse

from consent.cli import main
from consent.db.sqlite import open_sqlite
from consent.errors import Problem
from consent.ledger.checkpoint import Checkpoint
from consent.ledger.heads import Heads, parse
from consent.ledger.install import Install
from consent.ledger.keys import Keys
from consent.ledger.memory import Memory
from consent.ledger.note import SigningKey, Vkey, open_note
from consent.ledger.routes import Ledgers
from consent.ledger.sequencer import INSTALL, Log, Sequencer
from consent.ledger.witness import Witness, Witnesses
from tests.ledger.test_install import served, vkey_of
from tests.ledger.test_sequencer import append, leaves, sequencer

PROGRAM = str(Path(sys.executable).with_name("consent"))


@contextmanager
def witness(folder: Path, log: Vkey) -> Iterator[Witness]:
    """`consent witness serve` as a process of its own."""
    command = [PROGRAM, "witness", "serve", "--log", str(log), "--port", "0", "--folder", str(folder), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield Witness(told["url"], Vkey.parse(told["vkey"]))
    finally:
        process.terminate()
        process.wait(15)
        if process.stdout:
            process.stdout.close()


async def follow(url: str, folder: Path, code: int = 0) -> str:
    """`consent witness follow --once`; what it said."""
    arguments = ["witness", "follow", url, "--once", "--folder", str(folder)]
    result = await asyncio.to_thread(CliRunner().invoke, main, arguments)
    assert result.exit_code == code, result.output
    return result.output


async def test_a_witness_of_our_own(tmp_path: Path) -> None:
    """The install's checkpoint carries the cosignature of a witness in another process, also after its restart."""
    db = await open_sqlite(tmp_path / "consent.sqlite")
    logs = sequencer(db, tmp_path)
    log = await vkey_of(logs)
    app = Starlette(routes=Ledgers(db, "").routes())
    for size in (1, 2):
        with witness(tmp_path / "w", log) as watching:
            await append(db, logs, leaves(1))
            await Install(db, logs, Witnesses(db, [watching])).publish()
        async with served(app) as address:
            seen = await follow(f"{address}/log/{INSTALL}", tmp_path / "f")
            note = (tmp_path / "f").glob("*.checkpoint")
            text, names = open_note(next(iter(note)).read_text("utf-8"), [log, watching.vkey])
        assert f"{size} leaves" in seen
        assert names == [log.name, watching.vkey.name]
        assert Checkpoint.parse(text).size == size
        shutil.rmtree(tmp_path / "f")
    await db.close()


async def test_an_operator_who_rewrites(tmp_path: Path) -> None:
    """A follower sees a log grow; another history at the same address, or an older one, ends it with the reason."""
    stores = {}
    for name, later in (("kept", 300), ("short", 0), ("other", 300)):
        db = await open_sqlite(tmp_path / f"{name}.sqlite")
        heads = Heads(tmp_path / f"{name}.heads")  # one operator with one key, who hides what was noted
        logs = Sequencer(db, Keys(tmp_path / "keys"), heads, "consent.example")
        await db.execute("insert into site (site_id, key, created) values (1, 'shop', 1)")
        await append(db, logs, leaves(10))
        if later:
            changed = [leaf._replace(content=f"{name} {leaf.content}") for leaf in leaves(later)]
            await append(db, logs, changed, Log(1, "shop"))
        stores[name] = db
    showing = {"now": Starlette(routes=Ledgers(stores["short"], "").routes(), exception_handlers={Problem: _gone})}

    async def app(scope: object, receive: object, send: object) -> None:
        await showing["now"](scope, receive, send)  # type: ignore[arg-type]

    def show(name: str) -> None:
        showing["now"] = Starlette(routes=Ledgers(stores[name], "").routes(), exception_handlers={Problem: _gone})

    async with served(app) as address:
        url = f"{address}/log/shop"
        assert "10 leaves (seen for the first time)" in await follow(url, tmp_path / "f")
        show("kept")
        assert "310 leaves (10 before, and it begins with them)" in await follow(url, tmp_path / "f")
        show("other")
        told = await follow(url, tmp_path / "f", 2)
        assert "consent.example/log/shop was rewritten" in told
        show("short")
        assert "it was rolled back" in await follow(url, tmp_path / "f", 2)
        show("kept")
        assert "310 leaves (310 before" in await follow(url, tmp_path / "f")
    for db in stores.values():
        await db.close()


async def _gone(_: object, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return JSONResponse({}, error.status)


async def test_a_key_that_is_added(tmp_path: Path) -> None:
    """A key that the operator publishes beside those that are pinned is taken, and told; one in their place is not."""
    db = await open_sqlite(tmp_path / "consent.sqlite")
    logs = sequencer(db, tmp_path)
    await db.execute("insert into site (site_id, key, created) values (1, 'shop', 1)")
    await append(db, logs, leaves(1))
    async with served(Starlette(routes=Ledgers(db, "").routes())) as address:
        url = f"{address}/log/shop"
        await follow(url, tmp_path / "f")
        await logs.rotate(Log(1, "shop"))
        await append(db, logs, leaves(1))
        assert "The operator has added a key" in await follow(url, tmp_path / "f")
        assert "added" not in await follow(url, tmp_path / "f")
        await logs.rotate(Log(1, "shop"))
        await append(db, logs, leaves(1))
        await db.execute("delete from ledger_key where number = 1")
        assert "not signed by the key that is known" in await follow(url, tmp_path / "f", 2)
    await db.close()


@pytest.mark.parametrize("site", [Log(0, INSTALL), Log(1, "shop")])
async def test_a_new_epoch(tmp_path: Path, site: Log) -> None:
    """Whoever follows a log follows it into a new epoch; one that names another end, or vanishes again, is an error."""
    db = await open_sqlite(tmp_path / "consent.sqlite")
    await db.execute("insert into site (site_id, key, created) values (1, 'shop', 1)")
    logs = sequencer(db, tmp_path)
    await append(db, logs, leaves(10), site)
    async with served(Starlette(routes=Ledgers(db, "").routes())) as address:
        url = f"{address}/log/{site.key}"
        assert "10 leaves" in await follow(url, tmp_path / "f")
        shutil.copytree(tmp_path / "f", tmp_path / "g")
        with (tmp_path / "ledger.heads").open("a") as file:  # the store is behind, as after a restored backup
            file.write(parse((tmp_path / "ledger.heads").read_text())[site.site_id]._replace(size=12).line)
        restored = sequencer(db, tmp_path)
        await restored.new_epoch(site)
        await append(db, restored, leaves(3), site)
        assert f"{site.key}/e2: 4 leaves" in await follow(url, tmp_path / "f")
        await append(db, restored, leaves(300), site)
        assert "304 leaves (4 before" in await follow(url, tmp_path / "f")

        memory = Memory(tmp_path / "g")  # somebody who has seen more of the former epoch than the later one names
        origin = f"consent.example/log/{site.key}"
        key = SigningKey.parse((tmp_path / "keys" / f"{site.key}.1.1.key").read_text("utf-8"))
        memory.remember(origin, key.sign(Checkpoint(origin, 13, bytes(32)).format()))
        assert "names another end" in await follow(url, tmp_path / "g", code=2)

        await db.execute("delete from ledger where site_id = :site_id and epoch = 2", site_id=site.site_id)
        assert "had an epoch 2" in await follow(url, tmp_path / "f", code=2)
    await db.close()
