"""Exports: what an auditor gets, checked by the program that lies in it, with Python alone."""

import ast
import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from consent.cli import main
from consent.errors import NotFound, Problem
from consent.ledger.export import export
from consent.ledger.standalone.verify import check_receipt
from consent.ledger.tile import tile_path
from tests.ledger.receipts import receipts
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
