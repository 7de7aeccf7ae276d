"""Numbered migrations: SQL files that are applied once each, in order, together with the record that they ran."""

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import msgspec

from consent.errors import StoreError

TABLE = (
    "create table if not exists migration ("
    " number integer not null primary key, name text not null, checksum text not null, applied bigint not null)"
)


class Migration(msgspec.Struct, frozen=True):
    """One file. Its checksum is over the bytes that are applied, so an edited file of the past is noticed."""

    number: int
    name: str
    checksum: str
    statements: tuple[str, ...]


@cache
def shipped(package: str = "consent.db") -> tuple[Migration, ...]:
    """Every migration of this version of the software, by number; `package` has them, of one store, in a folder."""
    folder = files(package) / "migrations"
    found = [read(entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return tuple(sorted(found, key=lambda migration: migration.number))


def read(name: str, text: str) -> Migration:
    """Split a file `0001_name.sql` into its statements; comments go, and a statement ends with a semicolon."""
    bare = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("--"))
    statements = tuple(part.strip() for part in bare.split(";") if part.strip())
    checksum = hashlib.sha256("\n".join(statements).encode()).hexdigest()
    return Migration(int(name.partition("_")[0]), name, checksum, statements)


def pending(applied: Iterable[tuple[int, str]], known: tuple[Migration, ...]) -> list[Migration]:
    """What is still to be applied to a store with these numbers and checksums.

    Raises StoreError when the store was made by a newer version, or an applied migration was edited since.
    """
    done = dict(applied)
    if done.keys() - {migration.number for migration in known}:
        raise StoreError(
            "store_newer",
            "The store was last used by a newer version of this software.",
            "Start that version again, or restore the backup made before it was upgraded.",
        )
    edited = [m.name for m in known if m.number in done and done[m.number] != m.checksum]
    if edited:
        raise StoreError(
            "store_differs",
            f"The migration {edited[0]} is not the one this store was made with.",
            "Install the software unaltered: a migration that has run must not be edited.",
        )
    return [migration for migration in known if migration.number not in done]
