"""A restored store goes on as a new one: no key signs two histories, and nothing left in the folder gets into it."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from consent.accounts import queries as accounts
from consent.accounts.account import Role
from consent.accounts.signing import make_link
from consent.config import Config
from consent.db import Database
from consent.db.sqlite import open_sqlite
from consent.errors import Conflict, Problem
from consent.ledger import queries as ledger
from consent.ledger.checkpoint import Checkpoint
from consent.ledger.heads import Head
from consent.ledger.note import Vkey, open_note
from consent.ledger.proof import parse_proof
from consent.records.intake import Taken
from consent.rights import erased, queries
from consent.rights.backup import HEADS, MANIFEST, Manifest, back_up, describe
from consent.rights.epochs import newer
from consent.rights.restore import Restored, restore
from tests.accounts import people
from tests.records.taking import taking


class Old:
    """A service's folder, a backup of it, and a choice that was acknowledged after it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.backup = folder / "backup"
        self.new = folder / "new"
        self.config = Config(data=self.data)

    async def work(self, after: int) -> Taken:
        """Five choices, a backup, and so many more choices; the last of them all."""
        self.data.mkdir()
        db = await open_sqlite(self.config.store)
        async with taking(db, self.data) as shop:
            taken = [await shop.say() for _ in range(5)]
            back_up(self.config, self.backup, lambda *_: None, secrets=True)
            taken += [await shop.say() for _ in range(after)]
        await db.close()
        return taken[-1]

    async def restore(self, listed: Path | None = None, *, last: bool = False) -> Restored:
        return await restore(msgspec.structs.replace(self.config, data=self.new), self.backup, listed, last=last)

    async def opened(self) -> Database:
        return await open_sqlite(self.new / "consent.sqlite")

    async def say(self) -> Taken:
        """A choice at the restored store."""
        db = await self.opened()
        async with taking(db, self.new) as shop:
            taken = await shop.say()
        await db.close()
        return taken


@pytest.fixture
def old(tmp_path: Path) -> Old:
    return Old(tmp_path)


def signed(taken: Taken) -> tuple[str, Checkpoint]:
    """The key under a proof, and what it signed."""
    assert taken.evidence is not None
    text, _ = open_note(parse_proof(taken.evidence.proof).checkpoint, [Vkey.parse(taken.evidence.vkey)])
    return taken.evidence.vkey, Checkpoint.parse(text)


async def test_no_key_signs_two_histories(old: Old) -> None:
    """Disk lost, no newer heads: the restored log goes on in a new epoch by another key."""
    before = signed(await old.work(1))
    done = await old.restore()
    after = signed(await old.say())

    assert (done.records, done.behind, done.renewed) == (5, [], ["shop"])
    assert after[0] != before[0]
    assert after[1].origin == f"{before[1].origin}/e2"


async def test_twice_restored_is_twice_renewed(old: Old) -> None:
    """The restored disk is lost, too, but for its keys: the third history is signed by none of the former keys."""
    before = signed(await old.work(1))
    await old.restore()
    second = signed(await old.say())
    keys = old.new / "keys"
    shutil.copytree(keys, old.new.parent / "kept")
    shutil.rmtree(old.new)
    shutil.copytree(old.new.parent / "kept", keys)

    done = await old.restore()
    third = signed(await old.say())
    assert (done.behind, done.renewed) == (["shop"], ["shop"])
    assert len({before[0], second[0], third[0]}) == 3
    assert third[1].origin == f"{before[1].origin}/e3"


async def test_the_last_state_goes_on(old: Old) -> None:
    """Nothing came after the backup, as the operator says: the log goes on where it was, by the same key."""
    before = signed(await old.work(0))
    done = await old.restore(last=True)
    after = signed(await old.say())

    assert (done.behind, done.renewed) == ([], [])
    assert after[0] == before[0]
    assert after[1].size == before[1].size + 1


async def test_the_operator_is_not_believed_against_the_heads(old: Old) -> None:
    """Whoever says that the backup is the last state, beside heads that were further, gets a new epoch."""
    await old.work(1)
    old.new.mkdir()
    shutil.copy(old.data / HEADS, old.new)

    done = await old.restore(last=True)
    assert (done.behind, done.renewed) == (["shop"], ["shop"])


@pytest.mark.parametrize(("further", "renewed"), [(True, []), (False, ["shop"])])
async def test_heads_that_agree_are_believed_when_they_are_newer(old: Old, further: bool, renewed: list[str]) -> None:
    """Heads in the folder that are those of the store let logs go on, unless they are but the backup's own."""
    await old.work(0)
    old.new.mkdir()
    shutil.copy(old.data / HEADS, old.new)
    if further:
        lines = (old.backup / HEADS).read_text().splitlines(keepends=True)
        rewritten(old.backup, HEADS, "".join(lines[:-1]).encode())

    assert (await old.restore()).renewed == renewed


def rewritten(backup: Path, name: str, data: bytes) -> None:
    """Put other bytes into a backup, and its manifest."""
    (backup / name).write_bytes(data)
    manifest = msgspec.json.decode((backup / MANIFEST).read_bytes(), type=Manifest)
    changed = msgspec.structs.replace(manifest, files={**manifest.files, name: describe(backup / name)})
    (backup / MANIFEST).write_bytes(msgspec.json.encode(changed))


@pytest.mark.parametrize(
    ("found", "backed", "expected"),
    [
        ({1: (1, 5)}, {1: (1, 5)}, False),
        ({1: (1, 6)}, {1: (1, 5)}, True),
        ({1: (2, 1)}, {1: (1, 5)}, True),
        ({1: (1, 6)}, {1: (1, 5), 2: (1, 1)}, False),
        ({1: (1, 6), 2: (1, 0)}, {1: (1, 5), 2: (1, 1)}, False),
        ({1: (1, 5), 2: (1, 1)}, {1: (1, 5)}, True),
        ({}, {}, False),
    ],
)
def test_which_heads_are_newer(
    found: Mapping[int, tuple[int, int]], backed: Mapping[int, tuple[int, int]], expected: bool
) -> None:
    """Further in one log, and behind in none."""
    first, second = ({of: Head(of, *at, "root") for of, at in one.items()} for one in (found, backed))

    assert newer(first, second) is expected


@pytest.mark.parametrize(
    "left", ["consent.sqlite", "consent.sqlite-wal", "consent.sqlite-shm", "consent.sqlite-journal"]
)
async def test_nothing_of_an_old_store_may_be_left(old: Old, left: str) -> None:
    """A log of writes in the folder would be played into the restored store: it is refused, and left as it is."""
    await old.work(0)
    old.new.mkdir()
    (old.new / left).write_bytes(b"old")

    with pytest.raises(Conflict) as refused:
        await old.restore()
    assert refused.value.code == "store_exists"
    assert left in str(refused.value)
    assert [path.name for path in old.new.iterdir()] == [left]


async def test_a_restore_cut_off_is_made_whole(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    """Power goes at each write to the disk of a restore: the next one removes what is half, and ends as if alone."""
    before = signed(await old.work(1))
    sync, left = os.fsync, 0

    def dying(file: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(28, "No space left on device")
        sync(file)

    for moment in range(0, 24, 3):
        left = moment
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", dying)
            patched.setattr(os, "fdatasync", dying)
            try:
                await old.restore()
                break
            except (OSError, Problem):
                assert not (old.new / "consent.sqlite").exists()
    else:
        await old.restore()
    assert not [path.name for path in old.new.rglob(".restoring.*")]
    for path in sorted((old.backup / "keys").iterdir()):
        assert (old.new / "keys" / path.name).read_bytes() == path.read_bytes()
    assert signed(await old.say())[0] != before[0]


async def test_what_is_half_or_other_is_refused(old: Old) -> None:
    """A key that is not the backup's is not taken for it; heads that are torn or behind are set right."""
    await old.work(0)
    (old.new / "keys").mkdir(parents=True)
    key = old.new / "keys" / "shop.1.1.key"
    key.write_text("PRIVATE+KEY+cons")
    (old.new / HEADS).write_text("1 1 3 ro")
    with pytest.raises(Conflict) as refused:
        await old.restore()
    assert refused.value.code == "restore_differs"
    key.unlink()

    await old.restore(last=True)
    assert key.read_bytes() == (old.data / "keys" / "shop.1.1.key").read_bytes()
    db = await old.opened()
    row = await ledger.newest(db, 1)
    await db.close()
    assert row is not None
    assert (row["epoch"], row["size"]) == (1, 5)


async def test_another_services_list_deletes_nothing(old: Old) -> None:
    """A list of other logs with the same numbers, origin or both is refused; our own is followed."""
    await old.work(0)
    db = await open_sqlite(old.config.store)
    name = (await queries.log_names(db))[1, 1]
    await db.close()
    for other in ("other.example/log/shop+00000000", f"{name.partition('+')[0]}+00000000"):
        listed = old.data.parent / "foreign.erased"
        erased.note(listed, [erased.Line(1, 1, other, "0-3")])
        with pytest.raises(Problem) as refused:
            await old.restore(listed)
        assert refused.value.code == "list_foreign"
        listed.unlink()
    assert not (old.new / erased.NAME).exists()

    erased.note(listed, [erased.Line(1, 1, name, "0-3"), erased.Line(9, 1, "later.example/log/x+00000001", "0")])
    done = await old.restore(listed)
    assert (done.records, done.erased) == (1, 4)


async def test_nobody_is_signed_in_after_a_restore(old: Old) -> None:
    """Sessions and links that ended after the backup do not come back; accounts and their roles do."""
    old.data.mkdir()
    db = await open_sqlite(old.config.store)
    account = await people.add(db, {0: Role.OWNER})
    await people.cookie(db, old.config, account)
    await make_link(db, "password", account, people.now())
    back_up(old.config, old.backup, lambda *_: None, secrets=True)
    await db.close()
    await old.restore()
    restored = await old.opened()
    left = [await restored.fetch(f"select * from {table}") for table in ("account_session", "account_link")]
    found = await accounts.by_id(restored, account)
    await restored.close()

    assert left == [[], []]
    assert found is not None
    assert found.roles == {0: Role.OWNER}
