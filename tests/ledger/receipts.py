"""Receipts by chance: sound ones of logs of all sizes, and every kind of change that somebody could make to one."""

import json
import random
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any

from consent.ledger.checkpoint import Checkpoint
from consent.ledger.edge import Edge
from consent.ledger.leaf import canonical_record, commitment, record_entry
from consent.ledger.merkle import leaf_hash
from consent.ledger.note import ED25519, SigningKey, key_id
from consent.ledger.proof import format_proof

Receipt = dict[str, Any]
ACTIONS = ("given", "partly", "refused", "changed", "withdrawn")
TEXTS = ("", "de", "käse", '"\\/', "\u0000\u001f\u007f\b\f\n\r\t", "\u2028\u2029", "🍪", "<script>", "1e3", "\ufffd")


def record(chance: random.Random) -> dict[str, Any]:
    """A record with texts of all kinds."""
    states = ("granted", "denied", "withdrawn", "unset", "objected")
    keys = chance.sample(("statistics", "marketing", "social", "a-b", "a", "z9"), chance.randrange(6))
    return {
        "v": 1, "site": "shop", "id": chance.choice(TEXTS), "receipt": f"{chance.getrandbits(128):032x}",
        "time": chance.choice((0, 999, 1_760_000_000_000, 2**53 - 1, chance.randrange(2**41))),
        "action": chance.choice(ACTIONS), "control": "save", "layer": chance.randrange(3),
        "language": chance.choice(TEXTS), "gpc": chance.random() < 0.5,
        "notice": "ab" * 32, "version": chance.randrange(1, 2**31), "hash": "", "scope": "",
        "purposes": {key: chance.choice(states) for key in keys}, "services": {}, "regime": "eu", "region": "",
        "client_time": chance.randrange(2**53), "widget": "0.1.0",
    }  # fmt: skip


class Logs:
    """Logs of many sizes, each with a key of its own."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.logs: list[tuple[SigningKey, Edge]] = []
        for size in (0, 1, 2, 3, 5, 7, 8, 100, 255, 256, 257, 511, 1_000, 65_535, 65_536, 70_001):
            key = SigningKey(f"consent.example/log/{size}", chance.randbytes(32))
            hashes = [leaf_hash(b"%d" % number) for number in range(size)]
            self.logs.append((key, Edge.empty().append(hashes)[0]))

    def receipt(self) -> Receipt:
        """A sound one, of a commit of some leaves."""
        key, edge = self.chance.choice(self.logs)
        told, salt = record(self.chance) | {"site": key.name.rpartition("/")[2]}, self.chance.randbytes(32)
        leaf = leaf_hash(record_entry(told["action"], told["time"], commitment(salt, canonical_record(told))))
        before, after = self.chance.randrange(20), self.chance.randrange(20)
        hashes = [self.chance.randbytes(32) for _ in range(before)] + [leaf]
        edge, _ = edge.append(hashes + [self.chance.randbytes(32) for _ in range(after)])
        others = self.chance.sample([one for one, _ in self.logs if one.name != key.name], self.chance.randrange(3))
        note = key.sign(Checkpoint(key.name, edge.size, edge.root()).format(), *others)
        index = edge.size - after - 1
        return {"record": told, "proof": format_proof(index, edge.inclusion(index), note, salt), "vkey": str(key.vkey)}


def mutated(chance: random.Random, receipt: Receipt, other: Receipt) -> Receipt:
    """The receipt with one change; seldom one that changes nothing."""
    return chance.choice(MUTATIONS)(chance, receipt, other)


def _flip(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text))
    return text[:at] + chance.choice("AZaz09+/=\n \u2014.-e") + text[at + 1 :]


def _lines(chance: random.Random, receipt: Receipt, change: Callable[[list[str]], None]) -> Receipt:
    lines = receipt["proof"].split("\n")
    change(lines)
    return receipt | {"proof": "\n".join(lines)}


def _field(chance: random.Random, receipt: Receipt, _: Receipt) -> Receipt:
    told = dict(receipt["record"])
    name = chance.choice(sorted(told))
    values: tuple[Any, ...] = (
        None,
        True,
        0,
        1,
        -1,
        1.5,
        2**53,
        "",
        "x",
        [],
        {},
        told.get("site"),
        {"ä": 1},
        [1],
        -0.0,
        7.0,
    )
    told[name] = chance.choice(values)
    return receipt | {"record": told}


def _dropped(chance: random.Random, receipt: Receipt, _: Receipt) -> Receipt:
    gone = chance.choice(sorted(receipt["record"]))
    return receipt | {"record": {name: value for name, value in receipt["record"].items() if name != gone}}


def _added(chance: random.Random, receipt: Receipt, _: Receipt) -> Receipt:
    return receipt | {"record": receipt["record"] | {chance.choice(("x", "ü", "__proto__", "toString", "")): 1}}


def _same(chance: random.Random, receipt: Receipt, _: Receipt) -> Receipt:
    names = list(receipt["record"])
    chance.shuffle(names)
    return receipt | {"record": {name: receipt["record"][name] for name in names}}


def _foreign(chance: random.Random, receipt: Receipt, other: Receipt) -> Receipt:
    name = chance.choice(("record", "proof", "vkey"))
    return receipt | {name: other[name]}


def _flipped(chance: random.Random, receipt: Receipt, _: Receipt) -> Receipt:
    name = chance.choice(("proof", "proof", "proof", "vkey"))
    return receipt | {name: _flip(chance, receipt[name])}


def _cut(chance: random.Random, receipt: Receipt, _: Receipt) -> Receipt:
    name = chance.choice(("proof", "vkey"))
    return receipt | {name: receipt[name][: chance.randrange(len(receipt[name]))]}


def _line_gone(chance: random.Random, receipt: Receipt, _: Receipt) -> Receipt:
    return _lines(chance, receipt, lambda lines: lines.__delitem__(chance.randrange(len(lines))))


def _line_twice(chance: random.Random, receipt: Receipt, _: Receipt) -> Receipt:
    def change(lines: list[str]) -> None:
        at = chance.randrange(len(lines))
        lines.insert(chance.randrange(len(lines) + 1), lines[at])

    return _lines(chance, receipt, change)


def _lines_swapped(chance: random.Random, receipt: Receipt, _: Receipt) -> Receipt:
    def change(lines: list[str]) -> None:
        one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
        lines[one], lines[two] = lines[two], lines[one]

    return _lines(chance, receipt, change)


def _index(chance: random.Random, receipt: Receipt, _: Receipt) -> Receipt:
    def change(lines: list[str]) -> None:
        was = int(lines[2].removeprefix("index "))
        lines[2] = (
            f"index {chance.choice((was + 1, was ^ 1, f'0{was}', f'{was}.0', -was, 2**53, f' {was}', f'+{was}'))}"
        )

    return _lines(chance, receipt, change)


def _bits(chance: random.Random, receipt: Receipt, _: Receipt) -> Receipt:
    """A base64 line whose unused bits differ, or whose bytes do."""

    def change(lines: list[str]) -> None:
        at = chance.randrange(3, len(lines))
        try:
            data = bytearray(b64decode(lines[at], validate=True))
        except ValueError:
            return
        if data and chance.random() < 0.5:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            lines[at] = b64encode(data).decode()
        elif lines[at].endswith("="):
            lines[at] = lines[at][:-2] + chr(ord(lines[at][-2]) + 1) + "="

    return _lines(chance, receipt, change)


MUTATIONS = (
    _field, _field, _dropped, _added, _same, _foreign, _flipped, _flipped, _cut, _line_gone, _line_twice,
    _lines_swapped, _index, _bits, _bits,
)  # fmt: skip


def receipts(count: int, seed: int) -> Iterator[Receipt]:
    """A third of them sound, the others changed once."""
    chance = random.Random(seed)
    logs = Logs(chance)
    for number in range(count):
        receipt = logs.receipt()
        yield receipt if number % 3 == 0 else mutated(chance, receipt, logs.receipt())


def alone(told: dict[str, Any], name: str = "consent.example/log/shop", weak: bytes = b"") -> Receipt:
    """A receipt of a log with this one leaf, signed over whatever the record is; by nobody where the key is weak."""
    key, salt = SigningKey(name, b"s" * 32), b"t" * 32
    said = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    leaf = leaf_hash(record_entry(told["action"], told["time"], commitment(salt, said)))
    text = Checkpoint(name, 1, leaf).format()
    note, vkey = key.sign(text), str(key.vkey)
    if weak:
        known = key_id(name, ED25519 + weak)
        signature = b64encode(known + (1).to_bytes(32, "little") + bytes(32)).decode()
        note = f"{text}\n\u2014 {name} {signature}\n"
        vkey = f"{name}+{known.hex()}+{b64encode(ED25519 + weak).decode()}"
    return {"record": told, "proof": format_proof(0, [], note, salt), "vkey": vkey}
