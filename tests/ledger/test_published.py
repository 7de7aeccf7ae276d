"""Published vectors: trees and proofs of transparency-dev/merkle, notes of Go's sumdb, examples of the C2SP texts."""

from base64 import b64decode
from collections.abc import Iterator

import pytest

from consent.ledger import merkle
from consent.ledger.checkpoint import Checkpoint
from consent.ledger.errors import LedgerError
from consent.ledger.note import SigningKey, Vkey, open_note
from consent.ledger.proof import format_proof, parse_proof
from consent.ledger.tile import parse_tile_path, tile_path, width_at
from tests.ledger.vectors import vectors

TREE = vectors("merkle")
SUMDB = vectors("sumdb")
C2SP = vectors("c2sp")
ROOTS = [bytes.fromhex(root) for root in TREE["roots"]]
LEAVES = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in TREE["leaves"]]
SOME = bytes.fromhex(TREE["some_hash"])

Inclusion = tuple[int, int, bytes, list[bytes], bytes]
Consistency = tuple[int, int, bytes, bytes, list[bytes]]


def test_roots() -> None:
    """Trees of 0 to 8 leaves have the published roots and nodes."""
    assert [merkle.root(LEAVES[:size]) for size in range(9)] == ROOTS
    assert [one.hex() for one in LEAVES] == TREE["nodes"][0]
    assert merkle.node_hash(LEAVES[0], LEAVES[1]).hex() == TREE["nodes"][1][0]
    assert merkle.leaf_hash(TREE["leaf_hash"]["text"].encode()).hex() == TREE["leaf_hash"]["hash"]
    assert merkle.leaf_hash(SUMDB["record_hash"]["text"].encode()) == b64decode(SUMDB["record_hash"]["hash"])


def _inclusion_mutations(case: Inclusion) -> Iterator[Inclusion]:
    """The rules by which the files of testdata/inclusion were made."""
    index, size, leaf, path, root = case
    for other in (index - 1, index + 1, index ^ 2):
        yield other, size, leaf, path, root
    for other in (size * 2, size // 2):
        yield index, other, leaf, path, root
    yield index, size, b"WrongLeaf", path, root
    for wrong in (merkle.EMPTY_ROOT, SOME):
        yield index, size, leaf, path, wrong
    for longer in ([*path, b""], [*path, root], [b"", *path], [root, *path]):
        yield index, size, leaf, longer, root
    for at, one in enumerate(path):
        yield index, size, leaf, [*path[:at], bytes([one[0] ^ 8, *one[1:]]), *path[at + 1 :]], root
    if path:
        yield index, size, leaf, path[:-1], root
        yield index, size, leaf, [path[0], SOME, *path[1:]], root


def _consistency_mutations(case: Consistency) -> Iterator[Consistency]:
    """The rules by which the files of testdata/consistency were made."""
    old, size, old_root, root, path = case
    for other in (old - 1, old + 1, old ^ 2):
        yield other, size, old_root, root, path
    for other in (size * 2, size // 2):
        yield old, other, old_root, root, path
    yield old, size, b"WrongRoot", root, path
    yield old, size, old_root, b"WrongRoot", path
    if path:
        yield old, size, root, old_root, path
        yield old, size, old_root, root, []
        yield old, size, old_root, root, path[:-1]
        yield old, size, old_root, root, [path[0], *path]
    for longer in ([*path, b""], [*path, old_root], [*path, root], [b"", *path], [old_root, *path], [root, *path]):
        yield old, size, old_root, root, longer
    for at, one in enumerate(path):
        yield old, size, old_root, root, [*path[:at], bytes([one[0] ^ 16, *one[1:]]), *path[at + 1 :]]


@pytest.mark.parametrize("told", TREE["inclusion"], ids=lambda told: f"{told['index']}-of-{told['size']}")
def test_inclusion(told: dict[str, object]) -> None:
    """Published proofs of inclusion hold, and every published mutation of them is refused."""
    index, size, path = told["index"], told["size"], [bytes.fromhex(one) for one in told["path"]]  # type: ignore[attr-defined]
    assert isinstance(index, int) and isinstance(size, int)
    case = (index, size, LEAVES[index], path, ROOTS[size])
    merkle.verify_inclusion(*case)
    mutations = list(_inclusion_mutations(case))
    assert len(mutations) == 14 + len(path)
    for mutation in mutations:
        with pytest.raises(LedgerError):
            merkle.verify_inclusion(*mutation)


@pytest.mark.parametrize("told", TREE["consistency"], ids=lambda told: f"{told['old']}-to-{told['size']}")
def test_consistency(told: dict[str, object]) -> None:
    """Published proofs of consistency hold, and every published mutation of them is refused."""
    old, size, path = told["old"], told["size"], [bytes.fromhex(one) for one in told["path"]]  # type: ignore[attr-defined]
    assert isinstance(old, int) and isinstance(size, int)
    case = (old, size, ROOTS[old], ROOTS[size], path)
    merkle.verify_consistency(*case)
    for mutation in _consistency_mutations(case):
        with pytest.raises(LedgerError):
            merkle.verify_consistency(*mutation)


@pytest.mark.parametrize(
    ("index", "size", "leaf", "root"),
    [
        (0, 0, SOME, b""), (0, 0, b"", merkle.EMPTY_ROOT), (0, 0, SOME, merkle.EMPTY_ROOT), (0, 1, SOME, b""),
        (0, 1, b"", b""), (0, 1, SOME, merkle.EMPTY_ROOT), (1, 0, SOME, SOME), (2, 1, SOME, SOME), (-1, 1, SOME, SOME),
    ],
)  # fmt: skip
def test_refused_inclusion(index: int, size: int, leaf: bytes, root: bytes) -> None:
    """Indexes beyond the tree, empty trees and hashes of other lengths prove nothing."""
    with pytest.raises(LedgerError):
        merkle.verify_inclusion(index, size, leaf, [], root)


@pytest.mark.parametrize(
    ("old", "size", "path"), [(0, 0, []), (0, 1, []), (1, 0, []), (2, 1, []), (1, 1, [SOME]), (1, 2, [])]
)
def test_refused_consistency(old: int, size: int, path: list[bytes]) -> None:
    """Nothing follows from an empty tree, none shrinks, and a proof between equal sizes is empty."""
    with pytest.raises(LedgerError):
        merkle.verify_consistency(old, size, SOME, SOME, path)


def test_c2sp_note() -> None:
    """The example of signed-note opens with its key, and the key is written as it was read."""
    vkey = Vkey.parse(C2SP["vkey"])
    assert open_note(C2SP["note"], [vkey]) == (C2SP["text"], ["example.com/foo"])
    assert str(vkey) == C2SP["vkey"]


def test_sumdb_notes() -> None:
    """Go's private key signs as it does there, and notes with two signatures tell whose hold."""
    key, vkey, other = (
        SigningKey.parse(SUMDB["private_key"]),
        Vkey.parse(SUMDB["vkey"]),
        Vkey.parse(SUMDB["other_vkey"]),
    )
    signed = f"{SUMDB['text']}\n{SUMDB['signature']}"
    assert key.sign(SUMDB["text"]) == signed
    assert key.line == SUMDB["private_key"]
    assert key.vkey == vkey
    both = signed + SUMDB["other_signature"]
    assert open_note(both, [vkey]) == (SUMDB["text"], ["PeterNeumann"])
    assert open_note(both, [other, vkey]) == (SUMDB["text"], ["PeterNeumann", "EnochRoot"])
    assert open_note(signed + SUMDB["signature"], [vkey]) == (SUMDB["text"], ["PeterNeumann"])


def _manglings(text: str) -> Iterator[str]:
    """Every part of a text, and the text with one character replaced by the next."""
    for first in range(len(text)):
        for end in range(first + 1, len(text) + 1):
            if (first, end) != (0, len(text)):
                yield text[first:end]
    for at, letter in enumerate(text):
        yield text[:at] + chr(ord(letter) + 1) + text[at + 1 :]


def test_mangled_keys() -> None:
    """Every mangling of a key that Go refuses is refused."""
    for text in [*_manglings(SUMDB["vkey"]), *SUMDB["refused_vkeys"]]:
        with pytest.raises(LedgerError):
            Vkey.parse(text)
    for text in _manglings(SUMDB["private_key"]):
        with pytest.raises(LedgerError):
            SigningKey.parse(text)


SIGNED = f"{SUMDB['text']}\n{SUMDB['signature']}"


@pytest.mark.parametrize(
    "note",
    [
        SUMDB["text"], SUMDB["text"] + "\n", SIGNED[:-1], "\x01" + SIGNED, "\udcff" + SIGNED,
        SUMDB["text"] + "\n" + SUMDB["signature"].replace("PeterNeumann", "Bad Name"), SIGNED + "Unexpected line.\n",
        SUMDB["text"] + "\n" + SUMDB["signature"] * 101, SIGNED + "\n", SIGNED.replace("\u2014", "-"),
        SIGNED.replace("JnAM=", "JnAN="), SIGNED.replace("JnAM=", "JnAM"), SIGNED + "\u2014 x YWJj\n",
        SUMDB["signature"], SIGNED.replace("x08go/ZJkuBS9U", "x08go/ZJkuBS9V"), SIGNED.replace("answer", "cause"),
        SIGNED.replace("PeterNeumann x08g", "PeterNeumann xxxx"), SIGNED.replace("PeterNeumann", "CarmenSandiego"),
    ],
)  # fmt: skip
def test_refused_notes(note: str) -> None:
    """Malformed notes, signatures that do not hold and notes without a known signer are refused."""
    with pytest.raises(LedgerError):
        open_note(note, [Vkey.parse(SUMDB["vkey"])])


def test_checkpoints() -> None:
    """Published checkpoints are read and written alike; other spellings are refused."""
    for text in (C2SP["checkpoint"], SUMDB["tree"], SUMDB["tree"] + "opaque\n"):
        assert Checkpoint.parse(text).format() == text
    good = Checkpoint.parse(SUMDB["tree"])
    assert (good.origin, good.size) == ("go.sum database tree", 123456789012)
    sizes = ("", "-1", "+1", "01", "1_0", "0x1", "١", "9007199254740992", " 1", "1.0")
    refused = [f"{good.origin}\n{size}\n{SUMDB['record_hash']['hash']}\n" for size in sizes]
    refused += [*SUMDB["refused_trees"], SUMDB["tree"][:-1], SUMDB["tree"] + "JOE", "\n" + SUMDB["tree"]]
    refused += [SUMDB["tree"] + "\n", SUMDB["tree"].replace("Bb0=", "Bb1="), SUMDB["tree"].replace("Bb0=", "Bb0")]
    for text in refused:
        with pytest.raises(LedgerError):
            Checkpoint.parse(text)


def test_tile_paths() -> None:
    """The paths of the text are read and written alike; other spellings are refused."""
    for path, level, index, width in C2SP["paths"]:
        assert tile_path(level, index, width) == path
        assert parse_tile_path(path) == (level, index, width)
    for path in C2SP["refused_paths"]:
        with pytest.raises(LedgerError):
            parse_tile_path(path)
    for level, index, width in C2SP["widths"]["tiles"]:
        assert width_at(C2SP["widths"]["size"], level, index) == width


def test_tlog_proof() -> None:
    """The example of tlog-proof is read and written alike."""
    told = C2SP["proof"]
    proof = parse_proof(told["text"])
    path = tuple(b64decode(one) for one in told["path"])
    assert (proof.index, proof.path, proof.extra) == (told["index"], path, b64decode(told["extra"]))
    assert format_proof(proof.index, proof.path, proof.checkpoint, proof.extra) == told["text"]
