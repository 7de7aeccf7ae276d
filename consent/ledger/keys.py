"""The keys that sign logs: one file each, outside the database, readable by the service's user alone."""

from pathlib import Path

from consent.db.place import secret
from consent.errors import LogRefused
from consent.ledger.note import SigningKey


class Keys:
    """The folder of signing keys (docs/formats.md, section 10)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def make(self, site: str, epoch: int, number: int, origin: str) -> SigningKey:
        """The key of this name, made where there is none. Raises LogRefused when what is there is another log's."""
        path = self._path(site, epoch, number)
        try:
            key = SigningKey.parse(secret(path, SigningKey.generate(origin).line + "\n"))
        except (OSError, ValueError) as error:
            raise missing(site, path) from error
        if key.name != origin:
            raise LogRefused(
                "key_of_another",
                f"The key {path.name} is of the log {key.name}, and this one is {origin}.",
                "It is left from another store: move the folder keys away, or put that store back.",
            )
        return key

    def read(self, site: str, epoch: int, number: int) -> SigningKey:
        """A key that was made before. Raises LogRefused where it is missing: a new one would be another signer."""
        path = self._path(site, epoch, number)
        try:
            return SigningKey.parse(path.read_text("ascii"))
        except (OSError, ValueError) as error:
            raise missing(site, path) from error

    def _path(self, site: str, epoch: int, number: int) -> Path:
        return self._folder / f"{site}.{epoch}.{number}.key"


def missing(site: str, path: Path) -> LogRefused:
    """The refusal to sign without the key; it may be shown to anybody, so it names no folder."""
    return LogRefused(
        "key_missing",
        f"The key {path.name} that signs the log of {site} is not in the folder keys, or cannot be read.",
        f"Put it back; where it is lost, the log goes on in a new epoch: consent ledger new-epoch {site}.",
    )
