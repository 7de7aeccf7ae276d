"""A store altered in one place, as whoever has its file could; each way tells the leaf that must be named."""

import os
import random
import sqlite3
from base64 import b64decode, b64encode
from typing import Any

Found = int | None
"""The leaf that the check must name first; None where what was altered is at no leaf."""

COLUMNS = {
    "receipt": "someone-else", "time": 1_760_000_000_001, "action": "imported", "control": "accept", "layer": 1,
    "language": "fr", "notice": "f" * 64, "version": 99, "purposes": '{"marketing":"granted"}', "services": "{}",
    "regime": "us", "region": "DE", "gpc": 2, "client_time": 5, "widget": "9", "id": "someone", "salt": "",
}  # fmt: skip


class Tampering:
    """One open store, and chance."""

    def __init__(self, db: sqlite3.Connection, chance: random.Random) -> None:
        self.db = db
        self.chance = chance
        self.size: int = self.one("select size from ledger_head")[0]
        self.kept: list[int] = [
            row[0] for row in db.execute("select leaf from consent_record where leaf >= 0 order by leaf")
        ]

    def one(self, sql: str, *values: Any) -> Any:
        return self.db.execute(sql, values).fetchone()

    def run(self, sql: str, *values: Any) -> None:
        assert self.db.execute(sql, values).rowcount

    def leaf(self) -> int:
        return self.chance.choice(self.kept)

    def two(self) -> tuple[int, int]:
        one, two = sorted(self.chance.sample(self.kept, 2))
        return one, two

    def swap(self, table: str, column: str, one: int, two: int) -> None:
        for old, new in ((one, -7), (two, one), (-7, two)):
            self.run(f"update {table} set {column} = ? where {column} = ?", new, old)

    def leaf_type(self) -> Found:
        at = self.leaf()
        was = self.one("select type from ledger_leaf where leaf = ?", at)[0]
        self.run("update ledger_leaf set type = ? where leaf = ?", "refused" if was != "refused" else "given", at)
        return at

    def leaf_time(self) -> Found:
        at = self.chance.randrange(self.size - 200)
        self.run("update ledger_leaf set time = time + 1 where leaf = ?", at)
        return at

    def leaf_content(self) -> Found:
        at = self.leaf()
        self.run("update ledger_leaf set content = ? where leaf = ?", b64encode(os.urandom(32)).decode(), at)
        return at

    def leaf_deleted(self) -> Found:
        at = self.chance.randrange(self.size)
        self.run("delete from ledger_leaf where leaf = ?", at)
        return at

    def leaves_swapped(self) -> Found:
        one, two = self.two()
        self.swap("ledger_leaf", "leaf", one, two)
        return one

    def leaf_added(self) -> Found:
        self.run(
            "insert into ledger_leaf select site_id, epoch, ?, type, time, content from ledger_leaf where leaf = 3",
            self.size,
        )
        return self.size

    def leaf_inserted(self) -> Found:
        at = self.leaf()
        self.run("update ledger_leaf set leaf = -leaf - 2 where leaf >= ?", at)
        self.run("update ledger_leaf set leaf = -leaf - 1 where leaf < 0")
        content = b64encode(os.urandom(32)).decode()
        self.run("insert into ledger_leaf values (1, 1, ?, 'given', 1, ?)", at, content)
        return at

    def leaves_truncated(self) -> Found:
        at = self.chance.randrange(self.size)
        self.run("delete from ledger_leaf where leaf >= ?", at)
        return at

    def leaf_taken_out(self) -> Found:
        at = self.leaf()
        self.run("delete from ledger_leaf where leaf = ?", at)
        if at + 1 < self.size:
            self.run("update ledger_leaf set leaf = -leaf where leaf > ?", at)
            self.run("update ledger_leaf set leaf = -leaf - 1 where leaf < 0")
        return at

    def tile_hash(self) -> Found:
        tile = self.chance.randrange(self.size // 256)
        hashes = self.one("select hashes from ledger_tile where tile = ?", tile)[0]
        at = self.chance.randrange(256)
        raw = bytearray(b64decode(hashes))
        raw[32 * at + self.chance.randrange(32)] ^= 1 << self.chance.randrange(8)
        self.run("update ledger_tile set hashes = ? where tile = ?", b64encode(raw).decode(), tile)
        return tile * 256 + at

    def tile_deleted(self) -> Found:
        tile = self.chance.randrange(self.size // 256)
        self.run("delete from ledger_tile where tile = ?", tile)
        return tile * 256

    def tile_cut(self) -> Found:
        tile = self.chance.randrange(self.size // 256)
        self.run("update ledger_tile set hashes = substr(hashes, 1, 5000) where tile = ?", tile)
        return tile * 256

    def tile_root(self) -> Found:
        tile = self.chance.randrange(self.size // 256)
        self.run("update ledger_tile set root = ? where tile = ?", b64encode(os.urandom(32)).decode(), tile)
        return tile * 256

    def tiles_swapped(self) -> Found:
        one, two = sorted(self.chance.sample(range(self.size // 256), 2))
        self.swap("ledger_tile", "tile", one, two)
        return one * 256

    def tile_added(self) -> Found:
        self.run(
            "insert into ledger_tile select site_id, epoch, level, ?, hashes, root from ledger_tile where tile = 0",
            self.size // 256,
        )
        return self.size // 256 * 256

    def salt(self) -> Found:
        at = self.leaf()
        self.run("update consent_record set salt = ? where leaf = ?", b64encode(os.urandom(32)).decode(), at)
        return at

    def salts_swapped(self) -> Found:
        one, two = self.two()
        salts = [self.one("select salt from consent_record where leaf = ?", at)[0] for at in (two, one)]
        for at, salt in zip((one, two), salts, strict=True):
            self.run("update consent_record set salt = ? where leaf = ?", salt, at)
        return one

    def record(self) -> Found:
        at = self.leaf()
        column = self.chance.choice(sorted(COLUMNS))
        was = self.one(f"select {column} from consent_record where leaf = ?", at)[0]
        new: Any = COLUMNS[column] if column != "gpc" else not was
        self.run(f"update consent_record set {column} = ? where leaf = ?", new, at)
        return at

    def record_deleted(self) -> Found:
        at = self.leaf()
        self.run("delete from consent_record where leaf = ?", at)
        return at

    def records_swapped(self) -> Found:
        one, two = self.two()
        self.swap("consent_record", "leaf", one, two)
        return one

    def record_unlogged(self) -> Found:
        at = self.leaf()
        self.run("update consent_record set leaf = -1 where leaf = ?", at)
        return at

    def record_elsewhere(self) -> Found:
        at = self.leaf()
        self.run("update consent_record set epoch = 2 where leaf = ?", at)
        return at

    def record_added(self) -> Found:
        at, new = self.leaf(), self.chance.choice([self.leaf(), self.size + 5])
        columns = [row[1] for row in self.db.execute("pragma table_info(consent_record)")]
        values = {"id": "'more'", "key": "'more'", "leaf": str(new)}
        self.run(
            f"insert into consent_record ({', '.join(columns)})"
            f" select {', '.join(values.get(one, one) for one in columns)} from consent_record where leaf = ?",
            at,
        )
        return new

    def policy(self) -> Found:
        self.run("update policy_version set hash = ?", "0" * 64)
        return self.kept[0]

    def checkpoint(self) -> Found:
        note = self.one("select checkpoint from ledger_head")[0]
        at = self.chance.randrange(len(note) - 2)
        new = self.chance.choice([letter for letter in "Ab3\n+" if letter != note[at]])
        self.run("update ledger_head set checkpoint = ?", note[:at] + new + note[at + 1 :])
        return None

    def head(self) -> Found:
        if self.chance.random() < 0.5:
            self.run("update ledger_head set size = size - 1")
        else:
            self.run("update ledger_head set root = ?", b64encode(os.urandom(32)).decode())
        return None

    def key(self) -> Found:
        self.run("update ledger_key set vkey = ?", "example+00000000+AAAA")
        return None


WAYS = sorted(
    name for name, one in vars(Tampering).items() if callable(one) and one.__annotations__.get("return") == Found
)
