"""Deletion certificates: what was deleted, by which rule, signed with the key of the site's log."""

import os
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from consent.db import Row
from consent.db.place import sync_folder
from consent.rights.rule import Rule

FOLDER = "certificates"


def text(origin: str, site: str, rule: Rule, rows: Sequence[Row]) -> str:
    """The text to sign. `rows`: time, records and leaves of each deletion, oldest first."""
    lines = [
        "consent-deletion/v1",
        origin,
        f"site {site}",
        f"rule {rule.law}: deleted {rule.days} days after the choice had ended",
        f"source {rule.source}",
        f"from {_moment(rows[0]['time'])}",
        f"until {_moment(rows[-1]['time'])}",
        f"records {sum(row['records'] for row in rows)}",
        *(f"leaves {row['leaves']}" for row in rows if row["leaves"]),
    ]
    return "".join(f"{line}\n" for line in lines)


def name(site: str, rows: Sequence[Row]) -> str:
    """The file's name; the same deletions have the same."""
    day = datetime.fromtimestamp(rows[0]["time"] / 1000, UTC).strftime("%Y-%m-%d")
    return f"{site}-{day}-{rows[0]['id']}.note"


def write(folder: Path, file: str, note: str) -> None:
    """Write a certificate, whole or not at all. Raises OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    made = folder / f".{file}.{secrets.token_hex(4)}"
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(note)
        out.flush()
        os.fsync(out.fileno())
    made.replace(folder / file)
    sync_folder(folder)


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
