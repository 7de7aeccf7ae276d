"""A witness's key: it signs that it saw a checkpoint, and when (C2SP tlog-cosignature, type 0x04)."""

import os

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.ledger.errors import LedgerError
from consent.ledger.note import COSIGNATURE, Vkey
from consent.ledger.text import decoded, encoded


class Cosigner:
    """A private key with its name, kept as one line: `PRIVATE+KEY+<name>+<8 hex>+<base64 of 0x04 and the seed>`."""

    __slots__ = ("_key", "_seed", "vkey")

    def __init__(self, name: str, seed: bytes) -> None:
        """`seed`: 32 random bytes (RFC 8032). Raises LedgerError for a name that no key may have."""
        self._seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.vkey = Vkey(name, self._key.public_key().public_bytes_raw(), COSIGNATURE)

    @classmethod
    def generate(cls, name: str) -> "Cosigner":
        """A new key from the system's chance."""
        return cls(name, os.urandom(32))

    @classmethod
    def parse(cls, line: str) -> "Cosigner":
        """The key of a line. Raises LedgerError, which never repeats it, unless it is spelled right and its id fits."""
        parts = line.removesuffix("\n").split("+", 4)
        if len(parts) != 5 or parts[:2] != ["PRIVATE", "KEY"]:
            raise LedgerError("A private key begins with PRIVATE+KEY+ and has a name, an id and base64.")
        data = decoded(parts[4], "The private key", 33)
        if data[:1] != COSIGNATURE:
            raise LedgerError("The private key is not one of a witness.")
        made = cls(parts[2], data[1:])
        if parts[3] != made.vkey.id.hex():
            raise LedgerError("The private key's id does not belong to it.")
        return made

    @property
    def line(self) -> str:
        """The line to keep in a file that nobody else may read, without its end."""
        return f"PRIVATE+KEY+{self.vkey.name}+{self.vkey.id.hex()}+{encoded(COSIGNATURE + self._seed)}"

    def __repr__(self) -> str:
        return f"Cosigner({self.vkey.name!r})"

    def cosign(self, text: str, seconds: int) -> str:
        """The signature line over a checkpoint's text, seen at that time (seconds since 1970)."""
        signed = self._key.sign(b"cosignature/v1\ntime %d\n" % seconds + text.encode())
        return f"\u2014 {self.vkey.name} {encoded(self.vkey.id + seconds.to_bytes(8, 'big') + signed)}\n"
