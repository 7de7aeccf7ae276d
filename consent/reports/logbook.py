"""Looking something up in the consent log: what is asked for, and one record with what proves it. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from consent.errors import Problem
from consent.ledger.errors import LedgerError
from consent.ledger.leaf import verify_receipt
from consent.records import identifier
from consent.records.question import ACTIONS
from consent.records.record import Record
from consent.reports import span as spans
from consent.reports.span import Span

PAGE = 50
"""Records on one page."""

_MAX_FILTER = 60
"""Characters of a filter; no country, language or control has more."""


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What the page is asked for. `before` is the id that the page before ended with; empty texts ask nothing."""

    span: Span
    receipt: str = ""
    action: str = ""
    region: str = ""
    language: str = ""
    version: int = 0
    before: str = ""

    @property
    def bounds(self) -> tuple[str, str]:
        """Ids from the first on, before the second."""
        until = identifier.first_of(self.span.end)
        return identifier.first_of(self.span.start), min(until, self.before) if self.before else until

    @property
    def filters(self) -> dict[str, str]:
        """What the address says besides days and cursor."""
        named = {"receipt": self.receipt, "action": self.action, "region": self.region, "language": self.language}
        return {key: value for key, value in named.items() if value} | (
            {"version": str(self.version)} if self.version else {}
        )


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What the service finds when it checks a record as a stranger would, by its receipt alone.

    Args:
        sound: whether record, place in the log and signature fit each other.
        says: what holds, or what does not, in a sentence.
        origin: the log's name; `size` is how many leaves the checkpoint covers.
        text: the proof (C2SP tlog-proof), for a check elsewhere.
    """

    sound: bool
    says: str
    origin: str = ""
    epoch: int = 0
    leaf: int = -1
    size: int = 0
    root: str = ""
    vkey: str = ""
    text: str = ""


def parse(given: Mapping[str, str], today: int) -> Search:
    """Read the page's parameters; a receipt is looked for at any time. Raises Problem with the field."""
    action = given.get("action", "")
    if action and action not in ACTIONS:
        raise Problem(
            "action", f"There is no action {action[:40]!r}.", f"One of: {', '.join(ACTIONS)}.", field="action"
        )
    before = given.get("before", "")
    cursor = identifier.expand(before) if before else ""
    if cursor is None:
        remedy = "Follow the link `Older` of the page before, or begin anew."
        raise Problem("cursor", "before is no cursor of this log.", remedy, field="before")
    return Search(
        span=spans.parse(given, today),
        receipt=_text(given, "receipt").strip(),
        action=action,
        region=_text(given, "region").strip().upper(),
        language=_text(given, "language").strip(),
        version=_version(given.get("version", "")),
        before=cursor,
    )


def check(record: bytes, proof: tuple[str, str] | None, place: tuple[int, int]) -> Proof:
    """Check a record by its proof and key; `place` is epoch and leaf."""
    epoch, leaf = place
    if proof is None:
        says = "This record is in no log: it is older than the ledger, or its leaf is not there."
        return Proof(sound=False, says=says, epoch=epoch, leaf=leaf)
    text, vkey = proof
    try:
        found = verify_receipt(msgspec.json.decode(record), text, vkey)
    except LedgerError as error:
        return Proof(sound=False, says=str(error), epoch=epoch, leaf=leaf, vkey=vkey, text=text)
    says = f"Entry {found.index:,} of {found.size:,} in {found.origin}: record, place and signature fit each other."
    return Proof(
        sound=True, says=says, origin=found.origin, epoch=epoch, leaf=leaf, size=found.size, root=found.root.hex(),
        vkey=vkey, text=text,
    )  # fmt: skip


def granted(record: Record) -> list[str]:
    """The purposes that a record grants."""
    return [key for key, state in record.purposes.items() if state == "granted"]


def face(record: Record) -> dict[str, Any]:
    """A record as the JSON face has it."""
    return {name: getattr(record, name) for name in Record.__struct_fields__}


def _text(given: Mapping[str, str], field: str) -> str:
    text = given.get(field, "")
    if len(text) > _MAX_FILTER:
        raise Problem("too_long", f"{field} is longer than {_MAX_FILTER} characters.", "Shorten it.", field=field)
    return text


def _version(text: str) -> int:
    if text and not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise Problem("version", f"version is no number: {text[:40]!r}.", "Such as 3.", field="version")
    return int(text or 0)
