"""Signed notes of C2SP signed-note: a text, a blank line, and a line for each signature."""

import hashlib
import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from consent.ledger.errors import LedgerError
from consent.ledger.text import decoded, encoded

ED25519 = b"\x01"
COSIGNATURE = b"\x04"
"""Timestamped Ed25519 signatures of witnesses (C2SP tlog-cosignature)."""

MOST_SIGNATURES = 100
LONGEST = 1_000_000
"""Characters of a note at most."""

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)
_PRIME = 2**255 - 19
_ORDER_8 = 0x5FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_WEAK = (0, 1, _PRIME - 1, _ORDER_8, _PRIME - _ORDER_8)
"""The y of the eight points of small order (RFC 8032, section 5.1; cr.yp.to/ecdh.html#validate)."""
_LINE = "\u2014 "


class Signature(NamedTuple):
    """One signature line."""

    name: str
    id: bytes
    data: bytes


class Vkey:
    """A public key with its name: `<name>+<8 hex>+<base64 of its kind and the key>`."""

    __slots__ = ("_key", "id", "kind", "name", "public")

    def __init__(self, name: str, public: bytes, kind: bytes = ED25519) -> None:
        """Raises LedgerError for a name or a kind that cannot be."""
        check_name(name)
        if kind not in (ED25519, COSIGNATURE):
            raise LedgerError(f"Keys of kind {kind.hex()} are not known here.")
        if len(public) != 32:
            raise LedgerError("A public key is to be 32 bytes long.")
        if not is_strong(public):
            raise LedgerError("The public key is one of those with which anybody can sign.")
        self.name, self.public, self.kind = name, public, kind
        self.id = key_id(name, kind + public)
        self._key = Ed25519PublicKey.from_public_bytes(public)

    @classmethod
    def parse(cls, text: str) -> "Vkey":
        """The key of a line. Raises LedgerError unless it is spelled right and its id fits."""
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise LedgerError("A public key is to be its name, its id and its base64, joined by +.")
        data = decoded(parts[2], "The public key", 33)
        vkey = cls(parts[0], data[1:], data[:1])
        if parts[1] != vkey.id.hex():
            raise LedgerError("The public key's id does not belong to it.")
        return vkey

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encoded(self.kind + self.public)}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vkey) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash((self.name, self.kind, self.public))

    def holds(self, text: str, signature: bytes) -> bool:
        """Whether this key made that signature over the text."""
        message = text.encode()
        if self.kind == COSIGNATURE:
            message = b"cosignature/v1\ntime %d\n" % int.from_bytes(signature[:8], "big") + message
            signature = signature[8:]
        if not is_strong(signature[:32]):
            return False
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


class SigningKey:
    """A private key with its name, as Go's sumdb/note writes them: `PRIVATE+KEY+<name>+<8 hex>+<base64>`."""

    __slots__ = ("_key", "_seed", "name", "vkey")

    def __init__(self, name: str, seed: bytes) -> None:
        """`seed`: 32 random bytes (RFC 8032)."""
        if len(seed) != 32:
            raise LedgerError("The seed of a key is to be 32 bytes long.")
        self.name = name
        self._seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.vkey = Vkey(name, self._key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str) -> "SigningKey":
        """A new key from the system's chance."""
        return cls(name, os.urandom(32))

    @classmethod
    def parse(cls, line: str) -> "SigningKey":
        """The key of a line. Raises LedgerError, which never repeats it, unless it is spelled right and its id fits."""
        parts = line.removesuffix("\n").split("+", 4)
        if len(parts) != 5 or parts[:2] != ["PRIVATE", "KEY"]:
            raise LedgerError("A private key begins with PRIVATE+KEY+ and has a name, an id and base64.")
        data = decoded(parts[4], "The private key", 33)
        if data[:1] != ED25519:
            raise LedgerError("The private key is not of Ed25519.")
        key = cls(parts[2], data[1:])
        if parts[3] != key.vkey.id.hex():
            raise LedgerError("The private key's id does not belong to it.")
        return key

    @property
    def line(self) -> str:
        """The line to keep in a file that nobody else may read, without its end."""
        return f"PRIVATE+KEY+{self.name}+{self.vkey.id.hex()}+{encoded(ED25519 + self._seed)}"

    def __repr__(self) -> str:
        return f"SigningKey({self.name!r})"

    def signature(self, text: str) -> str:
        """The signature line over a text."""
        return f"{_LINE}{self.name} {encoded(self.vkey.id + self._key.sign(text.encode()))}\n"

    def sign(self, text: str, *others: "SigningKey") -> str:
        """The text as a note with the signatures of this key and others.

        Raises LedgerError for a text that no note can hold.
        """
        _check_text(text)
        if not text.endswith("\n"):
            raise LedgerError("The text of a note is to end its last line.")
        return text + "\n" + "".join(key.signature(text) for key in (self, *others))


def open_note(note: str, vkeys: Sequence[Vkey]) -> tuple[str, list[str]]:
    """The text of a note and the names of those of `vkeys` that have signed it; signatures of others are ignored.

    Raises LedgerError when the note is malformed, none of the keys has signed it, or a signature of one does not hold.
    """
    text, signatures = split_note(note)
    known = {(vkey.name, vkey.id): vkey for vkey in vkeys}
    verified: dict[tuple[str, bytes], str] = {}
    for one in signatures:
        vkey = known.get((one.name, one.id))
        if vkey is None:
            continue
        if not vkey.holds(text, one.data):
            raise LedgerError(f"The signature of {one.name} does not hold.")
        verified[one.name, one.id] = one.name
    if not verified:
        raise LedgerError("No key that is known has signed this note.")
    return text, list(verified.values())


def split_note(note: str) -> tuple[str, list[Signature]]:
    """The text of a note and its signatures, unverified. Raises LedgerError when it is malformed."""
    _check_text(note)
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise LedgerError("The note has no signatures behind a blank line.")
    signatures = lines[:-1].split("\n")
    if len(signatures) > MOST_SIGNATURES:
        raise LedgerError(f"The note has more than {MOST_SIGNATURES} signatures.")
    return text + "\n", [_signature(line) for line in signatures]


def is_strong(point: bytes) -> bool:
    """Whether 32 bytes are the one spelling of a point of Ed25519, and not of one of small order.

    Libraries differ in whether they refuse the others, and with such a key anybody can sign.
    """
    y = int.from_bytes(point, "little") & (2**255 - 1)
    return y < _PRIME and y not in _WEAK


def key_id(name: str, key: bytes) -> bytes:
    """The first four bytes of SHA-256 over the name, a newline, the kind and the key."""
    return hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]


def check_name(name: str) -> None:
    """Raises LedgerError for a name that no key may have: empty, with a space or a plus."""
    _check_text(name)
    if not name or "+" in name or any(letter.isspace() for letter in name):
        raise LedgerError("The name of a key is not to be empty and has neither spaces nor a plus.")


def _signature(line: str) -> Signature:
    name, space, data = line.removeprefix(_LINE).partition(" ")
    if not line.startswith(_LINE) or not space:
        raise LedgerError("A signature line is to be a dash, a name and base64.")
    check_name(name)
    signature = decoded(data, "A signature")
    if len(signature) < 5:
        raise LedgerError("A signature is to be longer than its key's id.")
    return Signature(name, signature[:4], signature[4:])


def _check_text(text: str) -> None:
    if len(text) > LONGEST:
        raise LedgerError(f"A note has at most {LONGEST:,} characters.")
    if _CONTROL.search(text):
        raise LedgerError("A note has no control characters but the ends of its lines.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise LedgerError("A note is to be UTF-8.") from error
