"""Logs that grow in a store, beside what is noted outside of it."""

import asyncio
import itertools
import shutil
import sqlite3
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path

import pytest

from consent.db import Database
from consent.db.sqlite import open_sqlite
from consent.errors import Conflict, ContradictionError, LogRefused, StoreError
from consent.ledger import queries, reading
from consent.ledger.checkpoint import Checkpoint
from consent.ledger.heads import Head, Heads
from consent.ledger.keys import Keys
from consent.ledger.merkle import verify_consistency
from consent.ledger.note import Vkey, open_note
from consent.ledger.proof import consistency_path, needed_tiles_consistency
from consent.ledger.queries import LogId
from consent.ledger.sequencer import Log, Sequencer
from consent.ledger.tail import Leaf, grow

SHOP = Log(1, "shop")


def sequencer(db: Database, folder: Path) -> Sequencer:
    return Sequencer(db, Keys(folder / "keys"), Heads(folder / "ledger.heads"), "consent.example")


def leaves(count: int) -> list[Leaf]:
    return [Leaf("given", number, f"content {number}") for number in range(count)]


async def append(db: Database, logs: Sequencer, new: Sequence[Leaf], log: Log = SHOP) -> str:
    """Append in a transaction of its own; the checkpoint."""
    async with db.transaction() as held:
        growth = await logs.append(held, log, new)
    await logs.settle([growth])
    return growth.tail.checkpoint


async def consistent(db: Database, old: str, new: str, vkeys: Sequence[Vkey], epoch: int = 1) -> None:
    """Raises unless the log of the new checkpoint begins with that of the old one."""
    one, two = (Checkpoint.parse(open_note(note, vkeys)[0]) for note in (old, new))
    log = LogId(SHOP.site_id, epoch)
    tiles = {
        (level, index): await reading.hashes(db, log, level, index, width)
        for level, index, width in needed_tiles_consistency(one.size, two.size)
    }
    path = consistency_path(one.size, two.size, lambda level, index, _: tiles[level, index])
    verify_consistency(one.size, two.size, one.root, two.root, path)


async def test_a_log_grows_and_is_found_again(db: Database, tmp_path: Path) -> None:
    """Appends of any size lead to checkpoints that follow from each other, whoever reads the store anew."""
    notes = [await append(db, sequencer(db, tmp_path), leaves(count)) for count in (1, 255, 1, 300, 700, 2)]
    vkey = (await sequencer(db, tmp_path).tail(SHOP)).key.vkey

    for old, new in itertools.pairwise(notes):
        await consistent(db, old, new, [vkey])
    assert Checkpoint.parse(open_note(notes[-1], [vkey])[0]).size == 1259


async def test_two_processes_never_fork_a_log(db: Database, tmp_path: Path) -> None:
    """A growth from a head that is not the stored one any more is refused whole; read anew, it goes on."""
    one, two = sequencer(db, tmp_path), sequencer(db, tmp_path)
    await append(db, one, leaves(3))
    stale = grow(await one.tail(SHOP), leaves(1))
    await append(db, two, leaves(2))

    with pytest.raises(ContradictionError):
        await db.batch(stale.statements)
    assert (await one.tail(SHOP)).edge.size == 3
    assert (await one.tail(SHOP, fresh=True)).edge.size == 5
    assert await db.batch(grow(await one.tail(SHOP), leaves(1)).statements)


async def test_two_processes_open_one_log(db: Database, tmp_path: Path) -> None:
    """Who comes second takes what the first has made, keys and all."""
    one, two = sequencer(db, tmp_path), sequencer(db, tmp_path)

    assert (await one.tail(SHOP)).key.vkey == (await two.tail(SHOP)).key.vkey
    assert len(list((tmp_path / "keys").iterdir())) == 1


async def test_what_is_rolled_back_leaves_nothing(db: Database, tmp_path: Path) -> None:
    """After a transaction that failed, the log goes on from what is stored."""
    logs = sequencer(db, tmp_path)
    await append(db, logs, leaves(3))

    async def fail() -> None:
        async with db.transaction() as held:
            await logs.append(held, SHOP, leaves(2))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()

    assert (await logs.tail(SHOP)).edge.size == 3
    await append(db, logs, leaves(1))


def copied(store: Path, to: Path) -> None:
    """A copy of a store as a backup makes it."""
    with sqlite3.connect(store) as connection:
        connection.execute("vacuum into ?", (str(to),))
    connection.close()


async def test_a_restored_store_refuses_to_append(tmp_path: Path) -> None:
    """Behind the heads that were noted nothing is appended; a new epoch names the last known head, and goes on."""
    db = await open_sqlite(tmp_path / "a.sqlite")
    logs = sequencer(db, tmp_path)
    await append(db, logs, leaves(3))
    copied(tmp_path / "a.sqlite", tmp_path / "b.sqlite")
    await append(db, logs, leaves(2))
    last = await logs.tail(SHOP)
    await db.close()

    db = await open_sqlite(tmp_path / "b.sqlite")
    logs = sequencer(db, tmp_path)
    with pytest.raises(LogRefused, match=r"5 leaves .* holds 3 .*new-epoch shop") as refused:
        await logs.tail(SHOP)
    assert refused.value.status == 503
    tail = await logs.new_epoch(SHOP)
    [first] = await queries.leaves(db, LogId(1, 2), 0, 2)
    await append(db, logs, leaves(2))

    assert (tail.epoch, tail.origin) == (2, "consent.example/log/shop/e2")
    assert (first["type"], first["content"]) == ("epoch", f"{last.origin} 5 {last.root}")
    assert (await sequencer(db, tmp_path).tail(SHOP)).edge.size == 3
    await db.close()


async def test_a_restored_store_that_grew_again_is_found_out(tmp_path: Path) -> None:
    """A store that was rolled back and then grew past the noted head, elsewhere, does not follow from it."""
    db = await open_sqlite(tmp_path / "a.sqlite")
    await append(db, sequencer(db, tmp_path), leaves(3))
    copied(tmp_path / "a.sqlite", tmp_path / "b.sqlite")
    await append(db, sequencer(db, tmp_path), leaves(2))
    await db.close()
    shutil.copy(tmp_path / "ledger.heads", tmp_path / "noted")
    (tmp_path / "ledger.heads").unlink()
    db = await open_sqlite(tmp_path / "b.sqlite")
    await append(db, sequencer(db, tmp_path), [Leaf("refused", 9, "other"), *leaves(5)])
    shutil.copy(tmp_path / "noted", tmp_path / "ledger.heads")

    with pytest.raises(LogRefused):
        await sequencer(db, tmp_path).tail(SHOP)
    await db.close()


async def test_a_head_that_was_not_noted_is_caught_up_with(db: Database, tmp_path: Path) -> None:
    """A process that ended between the commit and the note costs nothing."""
    logs = sequencer(db, tmp_path)
    await append(db, logs, leaves(3))
    async with db.transaction() as held:
        await logs.append(held, SHOP, leaves(2))

    assert (await sequencer(db, tmp_path).tail(SHOP)).edge.size == 5
    noted = Heads(tmp_path / "ledger.heads").of(1)
    assert noted is not None
    assert noted.size == 5


async def test_a_log_whose_rows_were_altered_does_not_grow(db: Database, tmp_path: Path) -> None:
    """Rows that do not lead to the stored head are not built upon."""
    await append(db, sequencer(db, tmp_path), leaves(3))
    await db.execute("update ledger_leaf set content = 'other' where site_id = 1 and leaf = 1")

    with pytest.raises(LogRefused, match="altered"):
        await sequencer(db, tmp_path).tail(SHOP)


async def test_a_missing_key_is_not_replaced(db: Database, tmp_path: Path) -> None:
    """Another signer would be another log: the key is asked for, or a new epoch."""
    await append(db, sequencer(db, tmp_path), leaves(3))
    (tmp_path / "keys" / "shop.1.1.key").unlink()

    with pytest.raises(LogRefused, match="Put it back"):
        await sequencer(db, tmp_path).tail(SHOP)
    assert (await sequencer(db, tmp_path).new_epoch(SHOP)).epoch == 2


async def test_a_sound_log_begins_no_epoch(db: Database, tmp_path: Path) -> None:
    """A log that can go on must."""
    logs = sequencer(db, tmp_path)
    await append(db, logs, leaves(3))

    with pytest.raises(Conflict, match="can go on"):
        await logs.new_epoch(SHOP)


async def test_keys_are_rotated(db: Database, tmp_path: Path) -> None:
    """The head at the change is signed by both, later ones by the new one, also by a process that ran before."""
    serving, command = sequencer(db, tmp_path), sequencer(db, tmp_path)
    await append(db, serving, leaves(3))
    old = (await serving.tail(SHOP)).key.vkey
    new = Vkey.parse(await command.rotate(SHOP))
    head = await queries.head(db, LogId(1, 1))
    assert head is not None

    assert open_note(head["checkpoint"], [old])[1] == [old.name]
    assert open_note(head["checkpoint"], [new])[1] == [new.name]
    with pytest.raises(ContradictionError):
        await db.batch(grow(await serving.tail(SHOP), leaves(1)).statements)
    note = await append(db, serving, leaves(1))
    assert open_note(note, [new])[1] == [new.name]
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()] == [0o600, 0o600]
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700


async def test_a_proof_from_the_store(db: Database, tmp_path: Path) -> None:
    """Any leaf, old or new, is proved to the head as it is now; there is no proof of what is not there."""
    logs = sequencer(db, tmp_path)
    await append(db, logs, leaves(600))

    for leaf in (0, 255, 256, 511, 512, 599):
        assert await logs.proof(SHOP, 1, leaf, b"salt") is not None
    assert await logs.proof(SHOP, 1, 600, b"salt") is None
    assert await logs.proof(SHOP, 2, 0, b"salt") is None
    assert await logs.proof(SHOP, 0, -1, b"salt") is None


async def test_heads_survive_a_torn_line(db: Database, tmp_path: Path) -> None:
    """A line that a crash tore does not count, and does not spoil the next one."""
    logs = sequencer(db, tmp_path)
    await append(db, logs, leaves(3))
    file = tmp_path / "ledger.heads"
    file.write_bytes(file.read_bytes() + b"1 1 9 torn")
    await append(db, sequencer(db, tmp_path), leaves(1))
    noted = Heads(file).of(1)
    assert noted is not None

    assert noted.size == 4
    assert len(b64decode(noted.root)) == 32


async def test_heads_stay_small(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past its limit the file is written anew with the last head of each log, those of other processes too."""
    monkeypatch.setattr("consent.ledger.heads.LIMIT", 500)
    logs = sequencer(db, tmp_path)
    await append(db, logs, leaves(1))
    await append(db, sequencer(db, tmp_path), leaves(1), Log(2, "other"))
    for _ in range(20):
        await append(db, logs, leaves(1))

    assert (tmp_path / "ledger.heads").stat().st_size <= 500
    heads = Heads(tmp_path / "ledger.heads")
    assert [head and head.size for head in (heads.of(1), heads.of(2))] == [21, 1]


async def test_a_closed_epoch_does_not_grow(db: Database, tmp_path: Path) -> None:
    """A process that still holds the former epoch finds it closed, and goes on in the new one."""
    serving, command = sequencer(db, tmp_path), sequencer(db, tmp_path)
    await append(db, serving, leaves(3))
    await command.new_epoch(SHOP, force=True)

    with pytest.raises(ContradictionError):
        await db.batch(grow(await serving.tail(SHOP), leaves(1)).statements)
    assert (await serving.tail(SHOP, fresh=True)).epoch == 2


async def test_a_late_note_takes_nothing_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The furthest head of a log stays, whoever notes an older one after it, also where the file is written anew."""
    monkeypatch.setattr("consent.ledger.heads.LIMIT", 1)
    fast, slow = Heads(tmp_path / "heads"), Heads(tmp_path / "heads")
    await fast.note([Head(1, 1, 12, "root")])
    await slow.note([Head(1, 1, 11, "root")])

    assert Heads(tmp_path / "heads").of(1) == Head(1, 1, 12, "root")


async def test_a_line_torn_by_another_process_spoils_none(tmp_path: Path) -> None:
    """What is noted behind a torn line can be read."""
    heads = Heads(tmp_path / "heads")
    await heads.note([Head(1, 1, 1, "root")])
    with (tmp_path / "heads").open("ab") as file:
        file.write(b"1 1 2 ro")
    await heads.note([Head(1, 1, 3, "root")])

    assert Heads(tmp_path / "heads").of(1) == Head(1, 1, 3, "root")


async def test_a_folder_that_cannot_be_synced_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the failure the lock is free again, and the next note goes through."""
    heads = Heads(tmp_path / "heads")

    def broken(_: Path) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("consent.ledger.heads.sync_folder", broken)
        with pytest.raises(StoreError, match="could not be written"):
            await heads.note([Head(1, 1, 1, "root")])
    async with asyncio.timeout(5):
        await heads.note([Head(1, 1, 2, "root")])
