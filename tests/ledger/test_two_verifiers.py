"""Three programs that share no line judge the same receipts: the service's, the auditor's, the browser's."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from consent.ledger.errors import LedgerError
from consent.ledger.leaf import verify_receipt
from consent.ledger.standalone import verify as standalone
from consent.ledger.text import encoded
from tests.ledger.receipts import Receipt, alone, receipts

SCRIPT = Path(__file__).with_name("verify.mjs")
Judged = list[Any] | None
"""Origin, index, size and root; None when the receipt is refused."""


def by_service(receipt: Receipt) -> Judged:
    try:
        found = verify_receipt(receipt["record"], receipt["proof"], receipt["vkey"])
    except LedgerError:
        return None
    return [found.origin, found.index, found.size, encoded(found.root)]


def by_auditor(receipt: Receipt) -> Judged:
    try:
        told = standalone.parse_json(json.dumps(receipt))
        origin, index, size, root = standalone.verify_receipt(told["record"], told["proof"], told["vkey"])
    except standalone.Fault:
        return None
    return [origin, index, size, encoded(root)]


def by_browser(some: list[Receipt]) -> list[Judged]:
    node = shutil.which("node")
    assert node, "node is needed: the browser's verifier runs in it"
    lines = "".join(json.dumps(receipt) + "\n" for receipt in some)
    done = subprocess.run([node, SCRIPT], input=lines, capture_output=True, text=True, check=True, timeout=300)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == len(some)
    return [None if "error" in one else [one["origin"], one["index"], one["size"], one["root"]] for one in told]


def compare(count: int, seed: int, *, auditor: int) -> None:
    """Judge receipts by all; the auditor's program, which computes signatures itself, takes some of them."""
    some = list(receipts(count, seed))
    ours = [by_service(receipt) for receipt in some]
    differing = [
        (receipt, one, other) for receipt, one, other in zip(some, ours, by_browser(some), strict=True) if one != other
    ]
    assert differing == []
    assert [receipt for receipt, one in zip(some[:auditor], ours, strict=False) if by_auditor(receipt) != one] == []
    assert all(ours[::3]), "sound receipts are accepted"
    assert count // 2 < ours.count(None) < count * 2 // 3, "changed ones are refused, but for those that say the same"


def test_agree() -> None:
    """1,000 receipts, good and mutated: the programs agree on all."""
    compare(1_000, 1, auditor=150)


def nested(depth: int) -> dict[str, Any]:
    """A record with something that many levels down."""
    told: Any = 1
    for _ in range(depth):
        told = [told]
    return BASE | {"x": told}


BASE = {"v": 1, "site": "shop", "action": "given", "time": 1_000}
PRIME = 2**255 - 19
SOUND = alone(BASE)
ORIGINS = ("h/log/shop", "h/log/shop/e2", "h/log/shop/e99999", "h/x/log/shop", "h/log/log/shop")
OTHERS = ("h/log/shops", "h/log/shop/e1", "h/log/shop/e02", "h/log/shop/x", "h/shop", "/log/", "h/log/shop/", "shop")
WEAK = [
    (y | sign << 255).to_bytes(32, "little")
    for y in (0, 1, PRIME - 1, standalone.ORDER_8, PRIME - standalone.ORDER_8, PRIME, PRIME + 1)
    for sign in (0, 1)
]


def test_hostile_receipts() -> None:
    """What only one program might take is taken by none: other sites, weak keys, deep or odd records."""
    good = [SOUND, nested(14), nested(15), BASE | {"x": "{[" * 20}, BASE | {"x": "é" + "[" * 20}]
    taken = [one if "proof" in one else alone(one) for one in good] + [alone(BASE, name) for name in ORIGINS]
    odd = [{"é": 1}], [[{"é": 1}]], {"a": [{"é": 1}]}
    refused = [
        *(alone(nested(depth)) for depth in (16, 17, 100)),
        *(alone(BASE | {"x": value}) for value in odd),
        *(alone(BASE | {"site": site}) for site in ("other", "", None, 1, ["shop"])),
        *(alone(BASE, name) for name in OTHERS),
        *(alone(BASE, weak=key) for key in WEAK),
        SOUND | {"vkey": SOUND["vkey"].replace("consent", "h\ud800")},
        SOUND | {"proof": SOUND["proof"].replace("\u2014 consent", "\u2014 h\ud800")},
        SOUND | {"record": BASE | {"x": "\ud800"}},
    ]
    for some, holds in ((taken, True), (refused, False)):
        for name, judged in (
            ("service", map(by_service, some)), ("auditor", map(by_auditor, some)), ("browser", by_browser(some))
        ):  # fmt: skip
            assert [one for one, told in zip(some, judged, strict=True) if bool(told) != holds] == [], name


@pytest.mark.slow
def test_agree_on_10_000() -> None:
    """10,000 receipts, good and mutated: the programs agree on all."""
    compare(10_000, 2, auditor=1_500)
