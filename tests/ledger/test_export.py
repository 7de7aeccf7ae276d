"""Exports: what an auditor gets, checked by the program that lies in it, with Python alone."""

import ast
import json
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from consent.cli import main
from consent.errors import NotFound, Problem
from consent.ledger.checkpoint import Checkpoint
from consent.ledger.export import export
from consent.ledger.note import SigningKey
from consent.ledger.snapshot_queries import _LEAVES, _RECORDS, Snapshot
from consent.ledger.standalone.verify import check_receipt
from consent.ledger.tile import tile_path
from tests.ledger.receipts import alone, receipts
from tests.ledger.store import build, said

COUNT = 1_400
ERASED = range(300, 310)


@pytest.fixture(scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one long log."""
    folder: Path = tmp_path_factory.mktemp("store")
    await build(folder, COUNT, ERASED)
    return folder


@pytest.fixture
def exported(store: Path, tmp_path: Path) -> Path:
    """Its export."""
    export(store / "consent.sqlite", "shop", tmp_path / "log", said)
    return tmp_path / "log"


def run(folder: Path, *arguments: str) -> tuple[int, str]:
    """The program in the folder, without this package and anything else that is installed."""
    command = [sys.executable, "-I", "-S", str(folder / "verify.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd="/")
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_sound(exported: Path) -> None:
    """The program in the export finds it sound, and so does the command; what is erased is not in it."""
    status, told = run(exported)
    assert status == 0
    assert f"{COUNT + 1} leaves" in told and "sound" in told
    assert CliRunner().invoke(main, ["ledger", "verify", str(exported)]).exit_code == 0
    leaves = [json.loads(line)["leaf"] for line in (exported / "records.ndjson").read_text().splitlines()]
    assert len(leaves) == COUNT - len(ERASED) and not set(leaves) & set(ERASED)
    assert "{site}" not in (exported / "README.md").read_text()


def test_only_its_owner_reads_it(exported: Path) -> None:
    """An export holds receipt ids, and whoever has one can erase: its folders are 0700, its files 0600."""
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (exported, *exported.rglob("*")) if path.is_dir()}
    assert modes == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in exported.rglob("*") if path.is_file()} == {0o600}


def test_key(exported: Path) -> None:
    """A key that the auditor names must be the one that signs."""
    vkey = json.loads((exported / "log.json").read_text())["epochs"][0]["keys"][0]["vkey"]
    assert run(exported, "--vkey", vkey)[0] == 0
    assert run(exported, "--vkey", vkey[:-1] + "A")[0] == 1


@pytest.mark.parametrize(
    ("path", "leaf"),
    [
        (tile_path(0, 2, 256), 512 + 10),
        (tile_path(0, 5, (COUNT + 1) % 256), 1_280 + 10),
        (tile_path(1, 0, 5), 0),
        (tile_path("entries", 3, 256), None),
        ("checkpoint", None),
        ("records.ndjson", None),
    ],
)
def test_altered(exported: Path, path: str, leaf: int | None) -> None:
    """One flipped bit in any file is found, a hash's at its leaf; and so is a file that is missing or cut off."""
    file = exported / path
    whole = file.read_bytes()
    file.write_bytes(whole[:330] + bytes([whole[330] ^ 4]) + whole[331:] if len(whole) > 330 else whole[:-9])
    status, told = run(exported)
    assert status == 1 and "WRONG" in told
    if leaf:
        assert f"Leaf {leaf}:" in told
    file.write_bytes(whole[: len(whole) // 2])
    assert run(exported)[0] == 1
    file.unlink()
    assert run(exported)[0] == 1
    file.write_bytes(whole)
    assert run(exported)[0] == 0


ESCAPES = "\x1b[2K\x1b[1A\x07\u202e\u0085"


def hostile(folder: Path, way: str) -> None:
    """An export as somebody writes it who wants the check to stumble, or to look as it does not."""
    path = folder / "log.json"
    told = json.loads(path.read_text())
    first = told["epochs"][0]
    if way == "size":  # signed, and far more than is there
        key = SigningKey(first["origin"], b"s" * 32)
        first |= {"size": 2**45, "keys": [{"vkey": str(key.vkey), "since": 0}]}
        (folder / "checkpoint").write_text(key.sign(Checkpoint(first["origin"], 2**45, bytes(32)).format()))
    elif way == "notice":
        records = folder / "records.ndjson"
        records.write_text(records.read_text().replace('"notice":"', '"notice":["x"],"z":"', 1))
    elif way == "vkey":
        first["keys"][0]["vkey"] = "h\ud800" + first["keys"][0]["vkey"]
    elif way == "number":
        first["keys"][0]["vkey"] = 5
    elif way == "escapes":
        first["origin"] += ESCAPES + "\n  sound"
        first["keys"][0]["vkey"] += ESCAPES
    elif way == "site":
        told["site"] = "other"
    else:
        first["epoch"] = "[" * 9
    path.write_text(json.dumps(told))


@pytest.mark.parametrize("way", ["size", "notice", "vkey", "number", "escapes", "site", "epoch"])
def test_hostile(exported: Path, way: str) -> None:
    """Whatever somebody wrote into an export, the check says at once what is wrong, nothing steers the terminal."""
    hostile(exported, way)
    status, told = run(exported)
    assert status == 1 and "WRONG" in told
    assert "sound\n" not in told and all(line.isprintable() for line in told.splitlines())
    done = CliRunner().invoke(main, ["ledger", "verify", str(exported)])
    assert done.exit_code in (1, 2) and isinstance(done.exception, SystemExit)
    assert all(line.isprintable() for line in done.output.splitlines())


def test_hostile_receipt(exported: Path, tmp_path: Path) -> None:
    """A receipt with half a character, or a time beyond all calendars, is judged in a sentence."""
    path = tmp_path / "receipt.json"
    late = alone({"v": 1, "site": "shop", "action": "given", "time": 2**53 - 1})
    for receipt, status in ((late, 0), (late | {"vkey": "h\ud800" + ESCAPES + late["vkey"]}, 1)):
        path.write_text(json.dumps({"evidence": receipt}))
        assert run(exported, "--receipt", str(path))[0] == status
        done = CliRunner().invoke(main, ["receipt", "verify", str(path)])
        assert done.exit_code == status and isinstance(done.exception, SystemExit | None)
        assert all(line.isprintable() for line in done.output.splitlines())


def test_receipt(exported: Path, tmp_path: Path) -> None:
    """A receipt is checked alone; one of another log is no part of this one, and one that was altered is refused."""
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    receipt = next(receipts(1, 7))
    good.write_text(json.dumps({"evidence": [receipt]}))
    bad.write_text(json.dumps({"evidence": receipt | {"record": receipt["record"] | {"site": "other"}}}))
    assert run(exported, "--receipt", str(good))[0] == 0
    assert run(exported, "--receipt", str(bad))[0] == 1
    assert len(check_receipt(good)) == 1
    for path, code in ((good, 0), (bad, 1), (tmp_path / "none.json", 1)):
        done = CliRunner().invoke(main, ["receipt", "verify", str(path), "--json"])
        assert (done.exit_code, json.loads(done.output)["sound"]) == (code, code == 0)


def test_nothing_is_sorted(store: Path) -> None:
    """Whole logs are read in the order of indexes: no record is written into the system's temporary files."""
    with Snapshot(store / "consent.sqlite") as snapshot:
        for sql in (_RECORDS, _LEAVES):
            plan = [row["detail"] for row in snapshot.rows(f"explain query plan {sql}", site_id=1, epoch=1)]
            assert [one for one in plan if "TEMP" in one] == [], plan
        [setting] = snapshot.rows("pragma temp_store")
        assert setting["temp_store"] == 2


def test_a_store_without_the_index(store: Path, tmp_path: Path) -> None:
    """A store that an older version wrote is exported and checked as well, in memory."""
    shutil.copy(store / "consent.sqlite", tmp_path / "old.sqlite")
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as old:
        old.execute("drop index consent_record_leaf")
    assert export(tmp_path / "old.sqlite", "shop", tmp_path / "log", said).records == COUNT - len(ERASED)


def test_refused(store: Path, exported: Path) -> None:
    """A folder that is taken stays as it is; a site without a log has no export; what is altered is not exported."""
    with pytest.raises(Problem):
        export(store / "consent.sqlite", "shop", exported, said)
    with pytest.raises(NotFound):
        export(store / "consent.sqlite", "nobody", exported.with_name("new"), said)
    assert sorted(path.name for path in exported.parent.iterdir()) == ["log"]


def test_oldest_python(exported: Path) -> None:
    """The program's source is that of Python 3.8, and runs there where that is installed."""

    ast.parse((exported / "verify.py").read_text(), feature_version=(3, 8))
    python = shutil.which("python3.8")
    if python and subprocess.run([python, "--version"], check=False, capture_output=True).returncode == 0:
        assert subprocess.run([python, exported / "verify.py"], check=False, capture_output=True).returncode == 0
