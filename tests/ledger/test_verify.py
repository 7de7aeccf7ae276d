"""The check of a store finds what was altered in it, and names the first leaf at which it was."""

import json
import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from consent.cli import main
from consent.db.sqlite import open_sqlite
from consent.errors import NotFound, StoreError
from consent.ledger.export import export
from consent.ledger.heads import Head, parse
from consent.ledger.install import Install
from consent.ledger.sequencer import Log
from consent.ledger.standalone.verify import Report, check_export
from consent.ledger.standalone.verify import main as standalone
from consent.ledger.text import encoded
from consent.ledger.verify import check_store
from consent.ledger.witness import Witnesses
from tests.ledger.store import build, said
from tests.ledger.tampering import WAYS, Tampering
from tests.records.shop import logs

ERASED = range(300, 310)


async def made(folder: Path, count: int) -> Path:
    await build(folder, count, ERASED if count > 310 else range(0))
    return folder


def check(folder: Path) -> list[Report]:
    return check_store(folder / "consent.sqlite", folder / "ledger.heads", said)


def tampered(store: Path, into: Path, seed: int) -> str:
    """What is wrong with what the check says of a copy that was altered; empty when it says it right."""
    into.mkdir()
    for name in ("consent.sqlite", "ledger.heads"):
        shutil.copy(store / name, into / name)
    way = WAYS[seed % len(WAYS)]
    db = sqlite3.connect(into / "consent.sqlite", isolation_level=None)
    db.execute("pragma synchronous = off")
    db.execute("begin")
    expected = getattr(Tampering(db, random.Random(seed)), way)()
    db.execute("commit")
    db.close()
    faults = check(into)[0].faults
    shutil.rmtree(into)
    if faults and faults[0].index == expected:
        return ""
    return f"{way} (seed {seed}): leaf {expected} expected, told: {faults[0] if faults else 'sound'}"


async def test_sound(tmp_path: Path) -> None:
    """A store that nobody altered is sound, erased leaves included, and the report tells what is in it."""
    [report] = check(await made(tmp_path, 2_000))
    assert report.faults == [] and report.notes == []
    assert (report.size, report.kinds["erased"], report.kinds["given"]) == (2_001, 1, 400)


async def test_tamperings(tmp_path: Path) -> None:
    """Each way of altering a store is found at its leaf: two of each in a small store."""
    store = await made(tmp_path / "store", 1_500)
    wrong = [tampered(store, tmp_path / str(seed), seed) for seed in range(2 * len(WAYS))]
    assert [one for one in wrong if one] == []


@pytest.mark.slow
async def test_1_000_tamperings(tmp_path: Path) -> None:
    """1,000 of 1,000 random tamperings of a store of 10,000 records are found, each at its leaf."""
    store = await made(tmp_path / "store", 10_000)
    wrong = [tampered(store, tmp_path / str(seed), seed) for seed in range(1_000)]
    assert [one for one in wrong if one] == []


async def test_rolled_back(tmp_path: Path) -> None:
    """A store that was put back as it was before is sound in itself; the heads beside it tell that leaves are gone."""
    store = await made(tmp_path, 1_000)
    heads = store / "ledger.heads"
    known = parse(heads.read_text())[1]
    with heads.open("a") as file:
        file.write(known._replace(size=known.size + 5).line)
    [report] = check(store)
    assert report.faults[0].index == known.size
    assert "ledger.heads has seen this log with 1006 leaves" in report.faults[0].sentence


async def test_older_epoch(tmp_path: Path) -> None:
    """A store that lacks a whole epoch that was noted is told."""
    store = await made(tmp_path, 10)
    with (store / "ledger.heads").open("a") as file:
        file.write(Head(1, 2, 5, "x" * 44).line)
    assert "epoch 2" in check(store)[0].faults[0].sentence


async def test_other_history(tmp_path: Path) -> None:
    """A store with another history than the one that was noted is told, though all of it fits together."""
    one, two = await made(tmp_path / "one", 600), await made(tmp_path / "two", 600)
    shutil.copy(one / "ledger.heads", two / "ledger.heads")
    [report] = check(two)
    assert "ledger.heads has seen other leaves" in report.faults[0].sentence


def test_no_store(tmp_path: Path) -> None:
    """What is no store, or has no log, is told with what to do."""
    (tmp_path / "text").write_text("no database at all" * 100)
    sqlite3.connect(tmp_path / "empty").close()
    for name in ("text", "empty", "absent"):
        with pytest.raises(StoreError):
            check_store(tmp_path / name, None, said)


async def test_no_such_site(tmp_path: Path) -> None:
    """A site without a log is told."""
    store = await made(tmp_path, 10)
    with pytest.raises(NotFound):
        check_store(store / "consent.sqlite", None, said, site="nobody")


async def test_a_head_that_does_not_read(tmp_path: Path) -> None:
    """A leaf of the install's log whose root is no base64 is told as altered, like any other."""
    store = await made(tmp_path, 10)
    db = await open_sqlite(store / "consent.sqlite")
    try:
        await Install(db, logs(db, store), Witnesses(db, ())).publish()
    finally:
        await db.close()
    with closing(sqlite3.connect(store / "consent.sqlite", isolation_level=None)) as altered:
        altered.execute(
            "update ledger_leaf set content = substr(content, 1, length(content) - 3) || '!!!' where site_id = 0"
        )
    install, shop = check(store)
    assert (install.origin.rpartition("/")[2], bool(install.faults)) == ("install", True)
    assert shop.faults == []


async def test_epochs(tmp_path: Path) -> None:
    """After a restore the log goes on in a new epoch: what is gone is told, all is exported, the chain is checked."""
    store = await made(tmp_path / "store", 20)
    with (store / "ledger.heads").open("a") as file:
        file.write(parse((store / "ledger.heads").read_text())[1]._replace(size=25, root=encoded(bytes(32))).line)
    db = await open_sqlite(store / "consent.sqlite")
    try:
        await logs(db, store).new_epoch(Log(1, "shop"))
    finally:
        await db.close()
    first, second = check(store)
    assert first.faults == second.faults == []
    assert second.lost == ["The former log had 5 leaves more: they were lost before this one began."]
    assert (first.verdict, second.verdict) == ("sound", "incomplete")
    assert second.origin == f"{first.origin}/e2"
    export(store / "consent.sqlite", "shop", tmp_path / "log", said)
    assert [report.faults for report in check_export(tmp_path / "log")] == [[], []]
    for place in (store, tmp_path / "log"):
        done = CliRunner().invoke(main, ["ledger", "verify", str(place)])
        assert (done.exit_code, done.output.rstrip().endswith("\n  incomplete")) == (3, True)
    assert standalone([str(tmp_path / "log")]) == 3
    told = json.loads((tmp_path / "log" / "log.json").read_text())
    (tmp_path / "log" / "log.json").write_text(json.dumps(told | {"epochs": told["epochs"][1:]}))
    assert check_export(tmp_path / "log")[0].lost == [f"It continues {first.origin}, which is not here."]
    assert standalone([str(tmp_path / "log")]) == 3
    with closing(sqlite3.connect(store / "consent.sqlite", isolation_level=None)) as altered:
        altered.execute("delete from ledger_leaf where epoch = 1 and leaf = 19")
        altered.execute("delete from ledger where epoch = 1")
    [second] = check(store)
    assert "names a log that is not there" in second.faults[0].sentence
