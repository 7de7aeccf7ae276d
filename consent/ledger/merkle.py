"""Merkle trees of RFC 6962, section 2: hashes, roots, and what a proof shows."""

import hashlib
from collections.abc import Sequence

from consent.ledger.errors import LedgerError

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256 over 0x00 and the entry (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 over 0x01 and both children (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root over leaf hashes, in order. One level after the other: what has no sibling rises unchanged."""
    level = list(leaf_hashes)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        odd = [level[-1]] if len(level) % 2 else []
        level = [node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)] + odd
    return level[0]


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], expected: bytes) -> None:
    """Check that the leaf hash stands at `index` in the tree of `size` leaves (RFC 9162, section 2.1.3.2).

    Raises LedgerError when the proof does not lead to the expected root.
    """
    if not 0 <= index < size:
        raise LedgerError(f"There is no leaf {index} in a tree of {size}.")
    _check_hashes(leaf, expected, *path)
    at, last, reached = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise LedgerError("The proof is longer than the way to the root.")
        if at % 2 or at == last:
            reached = node_hash(sibling, reached)
            at, last = _risen(at, last)
        else:
            reached = node_hash(reached, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise LedgerError("The proof ends before the root.")
    if reached != expected:
        raise LedgerError("The proof does not lead to the root.")


def verify_consistency(old_size: int, size: int, old_root: bytes, expected: bytes, path: Sequence[bytes]) -> None:
    """Check that the tree of `size` begins with that of `old_size` (RFC 9162, section 2.1.4.2).

    Raises LedgerError when it does not. Nothing can be proved of a tree without leaves: old size 0 is an error.
    """
    if not 0 < old_size <= size:
        raise LedgerError(f"A tree of {size} leaves cannot be compared with an earlier one of {old_size}.")
    _check_hashes(old_root, expected, *path)
    if old_size == size:
        if path:
            raise LedgerError("The proof between equal sizes is to be empty.")
        if old_root != expected:
            raise LedgerError("Two trees of one size have different roots.")
        return
    hashes = list(path) if old_size & (old_size - 1) else [old_root, *path]
    if not hashes:
        raise LedgerError("The proof is empty.")
    reached_old, reached = _grown(old_size, size, hashes)
    if reached_old != old_root:
        raise LedgerError("The proof does not lead to the earlier root.")
    if reached != expected:
        raise LedgerError("The proof does not lead to the later root.")


def _grown(old_size: int, size: int, hashes: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The roots of both trees, as a consistency proof tells them."""
    at, last = old_size - 1, size - 1
    while at % 2:
        at, last = at >> 1, last >> 1
    old = new = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            raise LedgerError("The proof is longer than the way to the root.")
        if at % 2 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            at, last = _risen(at, last)
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    if last:
        raise LedgerError("The proof ends before the root.")
    return old, new


def _risen(at: int, last: int) -> tuple[int, int]:
    """The position after all levels at which a last node has no sibling."""
    while at and not at % 2:
        at, last = at >> 1, last >> 1
    return at, last


def _check_hashes(*hashes: bytes) -> None:
    if any(len(one) != HASH_BYTES for one in hashes):
        raise LedgerError("A hash is to be 32 bytes long.")
