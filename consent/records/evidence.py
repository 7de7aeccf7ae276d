"""What a visitor is given to prove a choice by (docs/formats.md, section 10). Pure."""

from typing import NamedTuple

import msgspec

from consent.db import Row

RECORDED = (
    "id", "receipt", "time", "action", "control", "layer", "language", "notice", "version", "regime", "region",
    "client_time", "widget",
)  # fmt: skip

_CANONICAL = msgspec.json.Encoder(order="deterministic")


class Evidence(NamedTuple):
    """The record in its canonical form, the proof of its place in the log, and the key that signs the log."""

    record: bytes
    proof: str
    vkey: str


def canonical(row: Row, site: str, version: Row) -> bytes:
    """What is committed to of a record's row.

    Args:
        row: its columns; purposes and services are JSON with sorted keys, and stand as they are.
        site: the site's key.
        version: `hash` and `scope` of the policy's version.
    """
    record = {name: row[name] for name in RECORDED}
    record["purposes"] = msgspec.Raw(row["purposes"].encode())
    record["services"] = msgspec.Raw(row["services"].encode())
    record["gpc"] = bool(row["gpc"])
    record["hash"] = version["hash"]
    record["scope"] = version["scope"]
    record["site"] = site
    record["v"] = 1
    return _CANONICAL.encode(record)
