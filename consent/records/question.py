"""What one may ask of a log: a span of time, an action, a page. Pure; every bound is checked here."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import get_args

import msgspec

from consent.errors import Problem
from consent.records import identifier
from consent.records.decision import Action

DEFAULT_PAGE = 100
MAX_PAGE = 1_000
FOREVER = 2**48 - 1
"""The last millisecond that an id can hold, in the year 10889."""

ACTIONS: tuple[str, ...] = get_args(Action)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """`since` <= id < `until`, id > `after`; an empty action is any."""

    since: str = identifier.first_of(0)
    until: str = identifier.first_of(FOREVER)
    action: str = ""
    after: str = ""
    limit: int = DEFAULT_PAGE


def parse(given: Mapping[str, str]) -> Question:
    """Read a question's parameters. Raises Problem (422, with the field)."""
    for name in given:
        if name not in Question.__struct_fields__:
            known = ", ".join(Question.__struct_fields__)
            raise Problem(
                "unknown_parameter", f"There is no parameter {name[:40]!r}.", f"Known are: {known}.", field=name
            )
    return Question(
        since=identifier.first_of(moment("since", given.get("since", "0"))),
        until=identifier.first_of(moment("until", given.get("until", str(FOREVER)))),
        action=_action(given.get("action", "")),
        after=_after(given.get("after", "")),
        limit=_limit(given.get("limit", str(DEFAULT_PAGE))),
    )


def cursor(last: str) -> str:
    """What to ask with `after` to go on behind a record."""
    return identifier.compact(bytes.fromhex(last.replace("-", "")))


def moment(field: str, text: str) -> int:
    """Milliseconds since 1970: a whole number, or a date or time of RFC 3339; without an offset it is UTC.

    Raises Problem (422, with the field).
    """
    if text.isascii() and text.isdecimal():
        return min(int(text.lstrip("0")[:20] or "0"), FOREVER)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        remedy = "Write 2026-11-20, 2026-11-20T13:00:00Z or milliseconds since 1970."
        raise Problem("moment", f"{field} is no time: {text[:40]!r}.", remedy, field=field) from error
    aware = found if found.tzinfo else found.replace(tzinfo=UTC)
    return max(0, min(int(aware.timestamp() * 1000), FOREVER))


def _action(text: str) -> str:
    if text and text not in ACTIONS:
        raise Problem("action", f"There is no action {text[:40]!r}.", f"One of: {', '.join(ACTIONS)}.", field="action")
    return text


def _after(text: str) -> str:
    found = identifier.expand(text) if text else ""
    if found is None:
        remedy = "Send the `next` of the page before, unchanged."
        raise Problem("cursor", "after is no cursor of this log.", remedy, field="after")
    return found


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and 1 <= int(text) <= MAX_PAGE):
        raise Problem("limit", f"limit is to be 1 to {MAX_PAGE:,}.", "Ask for the rest with `after`.", field="limit")
    return int(text)
