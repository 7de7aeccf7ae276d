"""A backup made under load is whole, and a restored one brings back everything but what was erased."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from consent.rights.backup import MANIFEST
from consent.rights.erased import NAME
from tests.rights.test_raw_bytes import erase, identifiers, say, spellings
from tests.service.process import GENEROUS, PROGRAM, Service

LOST = 3
"""How the verifier ends where a former log had more."""


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """A running service with a shop."""
    folder = tmp_path / "here"
    folder.mkdir()
    made = Service(folder, **GENEROUS)
    await made.publish()
    await made.start()
    yield made
    await made.stop()


async def command(*arguments: str | Path, code: int = 0) -> Any:
    """Run a command in a process of its own; its JSON, or that of its error."""
    run = [*PROGRAM, *map(str, arguments), "--json"]
    done = await asyncio.to_thread(subprocess.run, run, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return json.loads(done.stderr.splitlines()[-1] if code == 2 else done.stdout)


async def until_done(service: Service, acknowledged: list[str], stop: asyncio.Event, more: asyncio.Event) -> None:
    """Post until told to stop; `more` is set at every fiftieth answer."""
    async with await service.connect() as line:
        while not stop.is_set():
            acknowledged.append((await say(service, line))["id"])
            if len(acknowledged) % 50 == 0:
                more.set()


async def test_backups_under_load(service: Service, tmp_path: Path) -> None:
    """Five backups while eight visitors post: each is sound, and has every choice acknowledged before it began."""
    acknowledged: list[str] = []
    stop, more = asyncio.Event(), asyncio.Event()
    posting = [asyncio.create_task(until_done(service, acknowledged, stop, more)) for _ in range(8)]
    for number in range(5):
        more.clear()
        await more.wait()
        before = set(acknowledged)
        folder = tmp_path / f"backup{number}"
        manifest = await command("backup", folder, "--data", service.config.data)
        assert manifest["rows"]["consent_record"] >= len(before)
        assert not (folder / "keys").exists()
        data = tmp_path / f"restored{number}"
        done = await command("restore", folder, "--data", data)
        assert (done["erased"], done["behind"]) == (0, [])
        page = await command("log", "shop", "--data", data, "--limit", "1000", "--since", "0")
        ids = {record["id"] for record in page["records"]}
        assert len(ids) == 1_000 or before <= ids
        reports = await command("ledger", "verify", data)
        assert all(log["sound"] for log in reports["logs"])
    stop.set()
    await asyncio.gather(*posting)
    assert service.messages == ""


async def test_what_was_erased_does_not_come_back(service: Service, tmp_path: Path) -> None:
    """Two are erased after the backup: restored with the list, no byte of them is there, and the log says it again."""
    async with await service.connect() as line:
        everyone = [await say(service, line) for _ in range(40)]
        folder = tmp_path / "backup"
        await command("backup", folder, "--with-keys", "--data", service.config.data)
        gone = everyone[3:5]
        for one in gone:
            assert (await erase(line, one["receipt"])).status == 200
    await service.stop()
    data = tmp_path / "restored" / "data"
    data.mkdir(parents=True)
    (data / "ledger.heads").write_bytes((service.config.data / "ledger.heads").read_bytes())
    listed = service.config.data / NAME

    done = await command("restore", folder, "--data", data, "--erased", listed)
    assert (done["records"], done["erased"], done["behind"]) == (38, 2, ["shop"])
    assert done["renewed"] == ["install", "shop"]
    everything = b"\0".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    for one in gone:
        assert not [name for name in identifiers(one) if any(piece in everything for piece in spellings(name))]
    assert everyone[0]["id"].encode() in everything

    restored = Service(tmp_path / "restored", **GENEROUS)
    restored.version = service.version
    await restored.start()
    try:
        async with await restored.connect() as line:
            await say(restored, line)
            records = {record["id"] for record in await restored.log()}
            assert (await erase(line, everyone[8]["receipt"])).status == 200
        assert {one["id"] for one in everyone if one not in gone} < records
        assert len(records) == 39
        found = (await command("requests", "shop", "--data", data))["requests"]
        assert sorted((one["kind"], one["records"], one["leaves"]) for one in found) == [
            ("erasure", 1, "1:8"),
            ("restore", 1, "1:3"),
            ("restore", 1, "1:4"),
        ]
    finally:
        await restored.stop()
    checked = await command("ledger", "verify", data, code=LOST)
    assert [log["faults"] for log in checked["logs"]] == [[]] * 4
    await command("ledger", "export", "shop", tmp_path / "export", "--data", data)
    checked = await command("ledger", "verify", tmp_path / "export", code=LOST)
    assert [log["faults"] for log in checked["logs"]] == [[]] * 2


async def test_what_is_refused(service: Service, tmp_path: Path) -> None:
    """A folder that is not empty, one inside the data, a changed file, a store in the way: each says what to do."""
    data = service.config.data
    full = tmp_path / "full"
    full.mkdir()
    (full / "a").touch()
    assert (await command("backup", full, "--data", data, code=2))["error"] == "backup_place"
    assert (await command("backup", data / "in", "--data", data, code=2))["error"] == "backup_place"
    assert (await command("backup", tmp_path / "b", "--data", tmp_path / "none", code=2))["error"] == "no_store"
    folder = tmp_path / "backup"
    await command("backup", folder, "--data", data)
    assert (await command("restore", folder, "--data", data, code=2))["error"] == "store_exists"
    assert (await command("restore", full, "--data", tmp_path / "new", code=2))["error"] == "no_backup"
    assert (await command("restore", folder, "--data", tmp_path / "new", "--erased", full / "b", code=2))[
        "error"
    ] == "file"
    manifest = json.loads((folder / MANIFEST).read_text())
    for name in manifest["files"]:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert (await command("restore", folder, "--data", tmp_path / "new", code=2))["error"] == "backup_unsound"
        (folder / name).write_bytes(whole)
    outside = {**manifest, "files": {**manifest["files"], "../out": manifest["files"]["consent.sqlite"]}}
    (folder / MANIFEST).write_text(json.dumps(outside))
    assert (await command("restore", folder, "--data", tmp_path / "new", code=2))["error"] == "backup_unsound"
    assert not (tmp_path / "new" / "consent.sqlite").exists()


async def test_erasing_by_command(service: Service) -> None:
    """Beside a running service: the visitor's records are gone, other choices go on, the next command finds nothing."""
    async with await service.connect() as line:
        mine = await say(service, line)
        data = service.config.data
        done = await command("erase", "--receipt", mine["receipt"], "--data", data)
        assert done == {"site": "shop", "erased": 1, "state": "complete"}
        more = await say(service, line)
        assert (await command("erase", "--receipt", mine["receipt"], "--data", data, code=2))[
            "error"
        ] == "unknown_receipt"
        reports = await command("ledger", "verify", data)
        assert [log["faults"] for log in reports["logs"]] == [[]] * len(reports["logs"])
        assert sum(log["kinds"].get("erased", 0) for log in reports["logs"]) == 1
        kept = await command("retention", "shop", "--dry-run", "--data", data)
        assert kept == {"site": "shop", "due": [], "deleted": 0, "certificates": []}
    assert [record["id"] for record in await service.log()] == [more["id"]]
    assert service.messages == ""
