"""A record: one thing a visitor said, as the log shows it (docs/formats.md, section 7)."""

import csv
import io
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from consent.db import Row

COLUMNS = (
    "id", "receipt", "time", "action", "control", "layer", "language", "notice", "version", "hash", "scope",
    "purposes", "services", "regime", "region", "gpc", "client_time", "widget",
)  # fmt: skip

_FORMULA = re.compile(r"^\s*[=+\-@\t\r\0＝＋－＠]")
"""What a spreadsheet would run: OWASP's list, its full-width forms too, also after spaces."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Times are in milliseconds since 1970: `time` by our clock, `client_time` as the browser claimed."""

    id: str
    receipt: str
    time: int
    action: str
    control: str
    layer: int
    language: str
    notice: str
    version: int
    hash: str
    scope: str
    purposes: dict[str, str]
    services: dict[str, str]
    regime: str
    region: str
    gpc: bool
    client_time: int
    widget: str


def from_row(row: Row) -> Record:
    """A row of the log's query as a record."""
    values: dict[str, Any] = {name: row[name] for name in COLUMNS}
    values["purposes"] = msgspec.json.decode(row["purposes"])
    values["services"] = msgspec.json.decode(row["services"])
    return Record(**(values | {"gpc": bool(row["gpc"])}))


def as_csv(records: Iterable[Record]) -> str:
    """RFC 4180 with a header line. States stand as `statistics=granted marketing=denied`; no cell is a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for record in records:
        writer.writerow(cell(getattr(record, name)) for name in COLUMNS)
    return out.getvalue()


def cell(value: Any) -> str:
    """A value as it stands in a CSV that a spreadsheet may open: what would be a formula begins with an apostrophe."""
    if isinstance(value, dict):
        value = " ".join(f"{key}={state}" for key, state in value.items())
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if text[:1].isascii() and text[:1].isalnum():
        return text  # nearly all, for less than a pattern costs
    return f"'{text}" if _FORMULA.match(text) else text
