"""Leaves: what is committed to, and how a receipt is verified (docs/formats.md, section 10)."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from consent.ledger.checkpoint import Checkpoint
from consent.ledger.errors import LedgerError
from consent.ledger.merkle import leaf_hash, verify_inclusion
from consent.ledger.note import Vkey, open_note
from consent.ledger.proof import parse_proof
from consent.ledger.text import LARGEST, encoded, number

SALT_BYTES = 32
_COMMIT = b"consent-commit/v1\x00"
_ENTRY = "consent-leaf/v1\n%s\n%d\n%s\n"
_ACTIONS = ("given", "partly", "refused", "changed", "withdrawn")
_CANONICAL = msgspec.json.Encoder(order="deterministic")
_DEEPEST = 16
_ORIGIN = re.compile(r".*?/log/([^/]+)(?:/e(?:[2-9]|[1-9][0-9]{1,4}))?", re.ASCII)
_RANGE = re.compile(r"[0-9]+(?:-[0-9]+)?", re.ASCII)


@dataclass(frozen=True)
class Verified:
    """What a receipt proves: that this leaf is in the log of that name at that size."""

    origin: str
    index: int
    size: int
    root: bytes


def commitment(salt: bytes, record: bytes) -> bytes:
    """SHA-256 over the domain, a salt of 32 bytes and the canonical record; says nothing once the salt is gone."""
    if len(salt) != SALT_BYTES:
        raise LedgerError("A salt is to be 32 bytes long.")
    return hashlib.sha256(_COMMIT + salt + record).digest()


def entry(kind: str, seconds: int, content: str) -> bytes:
    """The bytes of a leaf; `seconds` since 1970. A commitment's content is its base64."""
    return (_ENTRY % (kind, seconds, content)).encode()


def leaf_parts(data: bytes) -> tuple[str, str]:
    """Kind and content of a leaf's bytes. Raises LedgerError for what is no entry of this version."""
    parts = data.decode("utf-8", "replace").split("\n")
    if len(parts) != 5 or parts[0] != "consent-leaf/v1" or parts[4]:
        raise LedgerError("It is not an entry of consent-leaf/v1.")
    return parts[1], parts[3]


def record_entry(kind: str, milliseconds: int, commit: bytes) -> bytes:
    """The bytes of the leaf of a record with that action, time and commitment."""
    return entry(kind, milliseconds // 1000, encoded(commit))


def canonical_record(record: Mapping[str, Any]) -> bytes:
    """The record as RFC 8785 writes it: keys in order, no spaces, UTF-8.

    For records as we make them, of ASCII names, texts, whole numbers, booleans and objects: `check_record` tells.
    """
    return _CANONICAL.encode(record)


def check_record(value: Any, depth: int = 0) -> Any:
    """The same value, whole numbers as such, if `canonical_record` is right for it; else raises LedgerError."""
    if depth > _DEEPEST:
        raise LedgerError("The record is too deep.")
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) and key.isascii() for key in value):
            raise LedgerError("The record has a name that is not ASCII.")
        return {key: check_record(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [check_record(one, depth + 1) for one in value]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > LARGEST):
        raise LedgerError("The record has a number that is not whole.")
    if isinstance(value, str):
        _check_unicode(value)
    return value


def format_ranges(leaves: Iterable[int]) -> str:
    """Leaves in ascending ranges: 17, 20, 21 and 22 are `17,20-22`."""
    spans: list[list[int]] = []
    for leaf in sorted(set(leaves)):
        if spans and leaf == spans[-1][1] + 1:
            spans[-1][1] = leaf
        else:
            spans.append([leaf, leaf])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def parse_ranges(text: str) -> list[range]:
    """The ranges of a text. Raises LedgerError unless they ascend, apart from each other, in their one spelling."""
    ranges: list[range] = []
    for part in text.split(","):
        if _RANGE.fullmatch(part) is None:
            raise LedgerError("The erased leaves are not told in ranges.")
        first, _, last = part.partition("-")
        low = number(first, "An erased leaf")
        high = number(last, "An erased leaf") if last else low
        if (last and high <= low) or (ranges and low <= ranges[-1].stop):
            raise LedgerError("The ranges of erased leaves do not ascend.")
        ranges.append(range(low, high + 1))
    return ranges


def verify_receipt(record: Mapping[str, Any], proof_text: str, vkey: str | Vkey) -> Verified:
    """Check offline that this record is in the log to which the key belongs.

    Raises LedgerError with what does not hold. Whether the key is the operator's is not told by the receipt.
    """
    key = Vkey.parse(vkey) if isinstance(vkey, str) else vkey
    checked = check_record(record)
    kind, time = checked.get("action"), checked.get("time")
    if kind not in _ACTIONS or not isinstance(time, int) or isinstance(time, bool) or time < 0:
        raise LedgerError("The record lacks an action or a time.")
    proof = parse_proof(proof_text)
    text, _ = open_note(proof.checkpoint, [key])
    checkpoint = Checkpoint.parse(text)
    if checkpoint.origin != key.name:
        raise LedgerError("The checkpoint is of another log than the key.")
    named = _ORIGIN.fullmatch(checkpoint.origin)
    if named is None or checked.get("site") != named[1]:
        raise LedgerError("The record is of another site than the log.")
    made = record_entry(kind, time, commitment(proof.extra, canonical_record(checked)))
    verify_inclusion(proof.index, checkpoint.size, leaf_hash(made), proof.path, checkpoint.root)
    return Verified(checkpoint.origin, proof.index, checkpoint.size, checkpoint.root)


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise LedgerError("The record has a text that is not Unicode.") from error
