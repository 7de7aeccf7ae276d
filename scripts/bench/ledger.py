"""Times logs. The store is made by hand and without durability: what is timed is trees, and their check."""

import argparse
import asyncio
import itertools
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import msgspec

from consent.db.sqlite import open_sqlite
from consent.ledger.checkpoint import Checkpoint
from consent.ledger.edge import Edge
from consent.ledger.leaf import canonical_record, commitment, record_entry
from consent.ledger.merkle import leaf_hash, root
from consent.ledger.note import SigningKey
from consent.ledger.proof import format_proof

ORIGIN = "consent.example/log/shop"
GROUP = 32
CHUNK = 8_192
COLUMNS = (
    "site_id", "id", "key", "digest", "receipt", "time", "action", "control", "layer", "language", "notice", "version",
    "purposes", "services", "regime", "region", "gpc", "client_time", "widget", "salt", "epoch", "leaf",
)  # fmt: skip


def edges() -> None:
    """Appends of groups to a tree of a million, each with root, signature and the proofs of its leaves."""
    key = SigningKey.generate(ORIGIN)
    edge, _ = Edge.empty().append([os.urandom(32)] * 1_000_000)
    salt, rounds = os.urandom(32), 300
    spent = {"append and root": 0.0, "sign": 0.0, "proofs": 0.0}
    for _ in range(rounds):
        hashes = [os.urandom(32) for _ in range(GROUP)]
        marks = [time.perf_counter()]
        grown, _ = edge.append(hashes)
        grown.root()
        marks.append(time.perf_counter())
        note = key.sign(Checkpoint(ORIGIN, grown.size, grown.root()).format())
        marks.append(time.perf_counter())
        proofs = [format_proof(at, grown.inclusion(at), note, salt) for at in range(edge.size, grown.size)]
        marks.append(time.perf_counter())
        for name, (before, after) in zip(spent, itertools.pairwise(marks), strict=True):
            spent[name] += after - before
        edge = grown
    print(f"appends  {rounds * GROUP / spent['append and root']:>9,.0f} leaves a second, in groups of {GROUP}")
    print(f"signing  {rounds / spent['sign']:>9,.0f} checkpoints a second")
    print(f"proofs   {rounds * GROUP / spent['proofs']:>9,.0f} a second, {len(proofs[0]):,} bytes each")


def row(number: int) -> dict[str, object]:
    """A record's row, like those of a shop with five purposes."""
    return {
        "site_id": 1, "id": f"{number:036d}", "key": f"{number:022d}", "digest": "0" * 64, "receipt": f"{number:022d}",
        "time": 1_760_000_000_000 + number, "action": "given", "control": "accept", "layer": 1, "language": "en",
        "notice": "ab" * 32, "version": 1, "regime": "eu", "region": "", "gpc": False, "widget": "0.1.0",
        "purposes": '{"marketing":"granted","preferences":"granted","social":"granted","statistics":"granted"}',
        "services": "{}", "client_time": 1_760_000_000_000 + number,
    }  # fmt: skip


def said(told: dict[str, object]) -> bytes:
    """What it commits to."""
    kept = {name: value for name, value in told.items() if name not in ("site_id", "key", "digest")}
    kept |= {name: msgspec.json.decode(str(told[name])) for name in ("purposes", "services")}
    return canonical_record(kept | {"v": 1, "site": "shop", "hash": "h", "scope": "s"})


async def make_empty(file: Path) -> None:
    """A store as the service makes it."""
    await (await open_sqlite(file)).close()


def make(file: Path, count: int) -> None:
    """A store with the log of so many records."""
    asyncio.run(make_empty(file))
    db = sqlite3.connect(file, isolation_level=None)
    db.executescript("pragma synchronous = off; begin;")
    db.execute("insert into site (site_id, key, created) values (1, 'shop', 1)")
    db.execute("insert into policy_version values (1, 1, 'h', 's', '{}', 1)")
    add = f"insert into consent_record ({', '.join(COLUMNS)}) values ({', '.join(':' + name for name in COLUMNS)})"
    edge = Edge.empty()
    for first in range(0, count, CHUNK):
        rows = [row(number) for number in range(first, min(count, first + CHUNK))]
        salts = [os.urandom(32) for _ in rows]
        made = [commitment(salt, said(told)) for salt, told in zip(salts, rows, strict=True)]
        entries = [record_entry("given", told["time"], one) for told, one in zip(rows, made, strict=True)]  # type: ignore[arg-type]
        leaves = [(1, 1, first + at, "given", entry.split(b"\n")[2], b64encode(one).decode()) for at, (entry, one) in
                  enumerate(zip(entries, made, strict=True))]  # fmt: skip
        db.executemany("insert into ledger_leaf values (?, ?, ?, ?, cast(? as integer), ?)", leaves)
        stored = [
            told | {"salt": b64encode(salt).decode(), "epoch": 1, "leaf": first + at}
            for at, (told, salt) in enumerate(zip(rows, salts, strict=True))
        ]
        db.executemany(add, stored)
        edge, tiles = edge.append([leaf_hash(entry) for entry in entries])
        for level, index, hashes in tiles:
            values = (level, index, b64encode(b"".join(hashes)).decode(), b64encode(root(hashes)).decode())
            db.execute("insert into ledger_tile values (1, 1, ?, ?, ?, ?)", values)
    key = SigningKey.generate(ORIGIN)
    note = key.sign(Checkpoint(ORIGIN, edge.size, edge.root()).format())
    db.execute("insert into ledger values (1, 1, ?, 1)", (ORIGIN,))
    db.execute("insert into ledger_key values (1, 1, 1, ?, 0)", (str(key.vkey),))
    db.execute("insert into ledger_head values (1, 1, ?, ?, ?)", (edge.size, b64encode(edge.root()).decode(), note))
    db.execute("commit")
    db.close()


def timed(what: str, *command: str) -> None:
    """Run a command to its end; says how long it took and the most memory that it, or one before it, held."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{what}: {done.stdout}{done.stderr}")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1_024
    print(f"{what:<26}{seconds:>8.1f} s {memory:>8.0f} MB at most")


def apart(work: Callable[..., None], *arguments: object) -> None:
    """Do something in a process that is gone afterwards, so that its memory is not taken for that of commands."""
    process = get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == 0


def main(count: int) -> None:
    """Everything, with a store of so many records."""
    consent = str(Path(sys.executable).with_name("consent"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for records in (count // 10, count):
            store = folder / str(records)
            store.mkdir()
            apart(make, store / "consent.sqlite", records)
            size = (store / "consent.sqlite").stat().st_size
            print(f"{records:,} records: {size / records:,.0f} bytes of the store each")
            timed("check of the store", consent, "ledger", "verify", str(store), "--json")
        timed("export", consent, "ledger", "export", "shop", str(folder / "log"), "--data", str(store), "--json")
        timed("check by verify.py", sys.executable, str(folder / "log" / "verify.py"))
    apart(edges)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=int, nargs="?", default=1_000_000)
    main(parser.parse_args().records)
