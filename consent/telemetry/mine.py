"""What is stored of one visitor, for the visitor and for analysts; and what a visitor or a site corrects of it."""

from typing import Any

import msgspec

from consent.db import Database, Row
from consent.telemetry import queries
from consent.telemetry.hit import EventRow
from consent.telemetry.log import Log
from consent.telemetry.session import COLUMNS, as_values

SESSIONS = 200
EVENTS = 5_000
"""The most that one answer tells; behind which session, or event of one, the next goes on is said."""


async def stored(db: Database, site_id: int, visitor: str, after: str = "") -> dict[str, Any] | None:
    """All rows of a visitor, as JSON can tell them; None where nothing is stored. Times are ms since 1970.

    `after`: what stood in `next`: the session behind which it goes on, or `SESSION.EVENT` within one, which is told
    again with what is left of its log.
    """
    behind, _, event = after.partition(".")
    row = await queries.visitor(db, site_id, visitor)
    if row is None or row["leaving"]:
        return None
    begun = [one for one in await queries.sessions(db, site_id, [behind]) if one.visitor == visitor] if event else []
    sessions = begun + await queries.sessions_of(db, site_id, visitor, after=behind, limit=SESSIONS + 1)
    told: list[dict[str, Any]] = []
    room, following = EVENTS, ""
    for session in sessions[:SESSIONS]:
        events = await queries.events_of(db, site_id, session.id, after=event, limit=room + 1)
        event = ""
        if told and len(events) > room:
            break
        log = [_told_event(one) for one in events[:room]]
        told.append(_told(dict(zip(COLUMNS, as_values(session), strict=True))) | {"log": log})
        room -= len(events)
        if room < 0:
            following = f"{session.id}.{log[-1]['id']}"
            break
    if not following and len(told) < len(sessions):
        following = told[-1]["id"]
    return {
        "visitor": {name: row[name] for name in ("id", "first", "last", "visits", "views")},
        "customer": {"id": row["customer"], "fields": fields_of(row["customer_fields"])} if row["customer"] else None,
        "sessions": told,
        "complete": not following,
        "next": following,
    }


async def correct(log: Log, site_id: int, visitor: str, fields: dict[str, str]) -> bool:
    """Put a visitor's own words in place of what the site said of them; whether there was anything to correct.

    Only fields that the site had told are taken; an empty text takes one away.
    """
    async with log.turn:
        row = await queries.visitor(log.db, site_id, visitor)
        if row is None or not row["customer"]:
            return False
        known = fields_of(row["customer_fields"])
        mended = {name: fields.get(name, text) for name, text in known.items() if fields.get(name, text)}
        await queries.tell(log.db, [{**row, "customer_fields": as_text(mended)}])
        return True


async def tell(log: Log, site_id: int, customer: str, fields: dict[str, str], visitor: str = "") -> int:
    """What the site's server says of a customer: of the browsers known as theirs, or of the visitor it names."""
    async with log.turn:
        rows = await queries.browsers_of(log.db, site_id, customer)
        if visitor and visitor not in {row["id"] for row in rows}:
            row = await queries.visitor(log.db, site_id, visitor)
            rows += [row] if row else []
        made = [{**row, "customer": customer, "customer_fields": as_text(fields)} for row in rows if not row["leaving"]]
        await queries.tell(log.db, made)
        return len(made)


def _told(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("site_id", "visitor")}


def _told_event(event: EventRow) -> dict[str, Any]:
    row = {name: getattr(event, name) for name in EventRow.__struct_fields__}
    return row | {"props": msgspec.json.decode(event.props) if event.props else {}}


def fields_of(text: str) -> dict[str, str]:
    """A customer's fields as they were stored."""
    return msgspec.json.decode(text, type=dict[str, str]) if text else {}


def as_text(fields: dict[str, str]) -> str:
    """A customer's fields as they are stored."""
    return msgspec.json.encode(fields, order="sorted").decode() if fields else ""
