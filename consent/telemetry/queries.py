"""Rows and rollups of the visitors' log in its store."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec.structs import astuple

from consent.db import Database, Row, Statement, Value
from consent.telemetry.hit import EventRow, Measures
from consent.telemetry.rollup import COLUMNS as CELL
from consent.telemetry.session import COLUMNS, Session, as_values, event_from_row, from_row
from consent.visitors.visit import LONGEST

T = TypeVar("T")

_EVENT = ("site_id", "session", *EventRow.__struct_fields__)
_CELL = CELL[: -len(Measures._fields)]
_CHANGING = ("last", "views", "events", "engaged", "entry", "exit", "bot")
_GROWING = ("last", "visits", "views", "customer", "customer_fields")
_GROWN_VISITOR = ("site_id", "id", *_GROWING)
_VISITOR = ("site_id", "id", "first", "last", "visits", "views", "customer", "customer_fields", "leaving")


def _insert(table: str, columns: Sequence[str], conflict: str) -> str:
    named = ", ".join(f":{name}" for name in columns)
    return f"insert into {table} ({', '.join(columns)}) values ({named}) {conflict}"  # noqa: S608  # only names


def _update(table: str, columns: Sequence[str], change: str) -> str:
    """A change of rows that are there, by site and id, to what `v` holds."""
    named = ("site_id", "id", *columns)
    values = f"with v ({', '.join(named)}) as (values ({', '.join(f':{name}' for name in named)}))"
    return f"{values} update {table} set {change} from v where {table}.site_id = v.site_id and {table}.id = v.id"  # noqa: S608  # only names


_ADD_VISITOR = _insert(
    "visitor",
    _VISITOR,
    "on conflict (site_id, id) do update set"
    " last = case when excluded.last > visitor.last then excluded.last else visitor.last end,"
    " visits = case when excluded.visits > visitor.visits then excluded.visits else visitor.visits end,"
    " views = visitor.views + excluded.views,"
    " customer = case when excluded.customer = '' then visitor.customer else excluded.customer end,"
    " customer_fields = case when excluded.customer = '' then visitor.customer_fields"
    " else excluded.customer_fields end",
)
_ADD_SESSION = _insert(
    "session",
    COLUMNS,
    "on conflict (site_id, id) do update set " + ", ".join(f"{name} = excluded.{name}" for name in _CHANGING),
)
_GROW_VISITOR = _update(
    "visitor",
    _GROWING,
    " last = case when v.last > visitor.last then v.last else visitor.last end,"
    " visits = case when v.visits > visitor.visits then v.visits else visitor.visits end,"
    " views = visitor.views + v.views,"
    " customer = case when v.customer = '' then visitor.customer else v.customer end,"
    " customer_fields = case when v.customer = '' then visitor.customer_fields else v.customer_fields end",
)
_GROW_SESSION = _update("session", _CHANGING, ", ".join(f"{name} = v.{name}" for name in _CHANGING))
_ADD_EVENT = _insert("event", _EVENT, "on conflict (site_id, session, id) do nothing")
_ADD_CELL = _insert(
    "rollup",
    CELL,
    f"on conflict ({', '.join(_CELL)}) do update set "
    + ", ".join(f"{name} = rollup.{name} + excluded.{name}" for name in Measures._fields),
)
_ADD_UNCOUNTED = _insert("uncounted", ("site_id", "id", "cells"), "")
_ADD_DROPPED = _insert(
    "dropped",
    ("site_id", "hour", "reason", "n"),
    "on conflict (site_id, hour, reason) do update set n = dropped.n + excluded.n",
)


def adding(
    *,
    visitors: Sequence[Row] = (),
    sessions: Iterable[Session] = (),
    known_visitors: Sequence[Row] = (),
    grown_sessions: Iterable[Session] = (),
    events: Sequence[tuple[Session, EventRow]] = (),
    cells: Sequence[tuple[Value, ...]] = (),
    uncounted: Sequence[Row] = (),
    dropped: Sequence[Row] = (),
) -> list[Statement]:
    """What stores rows, and adds to what is added up. Those known and grown are in the store already."""
    stored = [
        Statement(_GROW_VISITOR, [tuple([row[name] for name in _GROWN_VISITOR]) for row in known_visitors]),
        Statement(_GROW_SESSION, [_changed(session) for session in grown_sessions]),
        Statement(_ADD_VISITOR, visitors),
        Statement(_ADD_SESSION, [as_values(session) for session in sessions]),
        Statement(_ADD_EVENT, [(session.site_id, session.id, *astuple(event)) for session, event in events]),
        Statement(_ADD_CELL, cells),
        Statement(_ADD_UNCOUNTED, uncounted),
        Statement(_ADD_DROPPED, dropped),
    ]
    return [one for one in stored if one.rows]


async def sessions(db: Database, site_id: int, ids: Sequence[str]) -> list[Session]:
    """Sessions of a site by id, those that there are."""
    names = _names(ids)
    rows = await db.fetch(
        f"select * from session where site_id = :site_id and id in ({_list(names)})",  # noqa: S608  # only names
        site_id=site_id,
        **names,
    )
    return [from_row(row) for row in rows]


async def known_events(db: Database, site_id: int, asked: Sequence[tuple[str, str]]) -> set[str]:
    """Which of these events, as session and id, are there already; their ids."""
    return await _known(db, _KNOWN, asked, site_id=site_id)


async def known_of_visitors(db: Database, site_id: int, asked: Sequence[tuple[str, str]], since: str) -> set[str]:
    """Which of these events, as visitor and id, are in a session of that visitor with a later id than `since`."""
    return await _known(db, _KNOWN_OF_VISITORS, asked, site_id=site_id, since=since)


_KNOWN = (
    "select e.id from asked a cross join event e where e.site_id = :site_id and e.session = a.whose and e.id = a.id"
)
_KNOWN_OF_VISITORS = (
    "select e.id from asked a cross join session s cross join event e"
    " where s.site_id = :site_id and s.visitor = a.whose and s.id > :since"
    " and e.site_id = s.site_id and e.session = s.id and e.id = a.id"
)


async def _known(db: Database, select: str, asked: Sequence[tuple[str, str]], **params: Value) -> set[str]:
    if not asked:
        return set()
    names: dict[str, Value] = {}
    for number, (whose, event) in enumerate(_padded(asked)):
        names[f"s{number}"], names[f"e{number}"] = whose, event
    pairs = ", ".join(f"(:s{number}, :e{number})" for number in range(len(names) // 2))
    rows = await db.fetch(f"with asked (whose, id) as (values {pairs}) {select}", **params, **names)
    return {row["id"] for row in rows}


async def latest_began(db: Database, site_id: int, visitors: Sequence[str]) -> dict[str, int]:
    """When the latest session of each visitor began who has one, ms."""
    names = _names(visitors)
    rows = await db.fetch(
        "select visitor, max(began) as began from session"  # noqa: S608  # only names of parameters
        f" where site_id = :site_id and visitor in ({_list(names)}) group by visitor",
        site_id=site_id,
        **names,
    )
    return {row["visitor"]: row["began"] for row in rows}


async def sessions_of(db: Database, site_id: int, visitor: str, after: str = "", limit: int = 100) -> list[Session]:
    """Sessions of a visitor, the oldest first."""
    rows = await db.fetch(
        "select * from session where site_id = :site_id and visitor = :visitor and id > :after"
        " order by id limit :limit",
        site_id=site_id,
        visitor=visitor,
        after=after,
        limit=limit,
    )
    return [from_row(row) for row in rows]


async def live(db: Database, site_id: int, since: int, limit: int) -> list[Session]:
    """Sessions that were heard of since a moment (ms), those that began last first; none began a day before it."""
    rows = await db.fetch(
        "select * from session where site_id = :site_id and id > :first and last >= :since"
        " order by id desc limit :limit",
        site_id=site_id,
        first=f"{max(0, since - LONGEST):012x}",
        since=since,
        limit=limit,
    )
    return [from_row(row) for row in rows]


async def events_of(db: Database, site_id: int, session: str, after: str = "", limit: int = 256) -> list[EventRow]:
    """Events of a session, by id."""
    rows = await db.fetch(
        "select * from event where site_id = :site_id and session = :session and id > :after order by id limit :limit",
        site_id=site_id,
        session=session,
        after=after,
        limit=limit,
    )
    return [event_from_row(row) for row in rows]


def leaving(site_id: int, visitor: str, digest: str, until: int, *, rows: bool = True) -> list[Statement]:
    """What notes that a visitor withdrew, before its rows are deleted; `rows`: and that they are to be deleted."""
    one: Row = {"site_id": site_id, "id": visitor, "digest": digest, "until": until}
    leave = Statement("update visitor set leaving = true where site_id = :site_id and id = :id", [one])
    return [Statement(_ADD_FORGOTTEN, [one]), *([leave] if rows else [])]


def removing(session: Session, events: Sequence[EventRow], *, whole: bool) -> list[Statement]:
    """What deletes these events of a session, the first by id; `whole`: and the session itself."""
    row: Row = {
        "site_id": session.site_id,
        "session": session.id,
        "last": max((event.id for event in events), default=""),
    }
    gone = [Statement(_REMOVE_EVENTS, [row])] if events else []
    return [*gone, Statement(_REMOVE_SESSION, [row])] if whole else gone


def removing_visitors(site_id: int, visitors: Sequence[str]) -> list[Statement]:
    """What deletes the rows of visitors themselves."""
    rows: list[Row] = [{"site_id": site_id, "id": one} for one in visitors]
    return [Statement("delete from visitor where site_id = :site_id and id = :id", rows), UNSCRUBBED]


_ADD_FORGOTTEN = _insert(
    "forgotten",
    ("site_id", "digest", "until"),
    "on conflict (site_id, digest) do update set until = excluded.until",
)
UNSCRUBBED = Statement(
    _insert("unscrubbed", ("site_id", "n"), "on conflict (site_id) do update set n = unscrubbed.n + 1"),
    [{"site_id": 0, "n": 1}],
)
"""What notes that bytes of rows may be left in the file that this transaction deletes."""

_REMOVE_EVENTS = "delete from event where site_id = :site_id and session = :session and id <= :last"
_REMOVE_SESSION = "delete from session where site_id = :site_id and id = :session"


async def all_leaving(db: Database, limit: int = 100) -> list[Row]:
    """Visitors whose rows are being deleted, by site and id."""
    return await db.fetch(
        "select site_id, id from visitor where leaving order by site_id, id limit :limit", limit=limit
    )


async def forgotten(db: Database, after: tuple[int, str], limit: int) -> list[Row]:
    """Those who withdrew, behind a site and digest, in that order."""
    return await db.fetch(
        "select site_id, digest, until from forgotten where (site_id, digest) > (:site_id, :digest)"
        " order by site_id, digest limit :limit",
        site_id=after[0],
        digest=after[1],
        limit=limit,
    )


async def remember_no_more(db: Database, rows: Sequence[Row]) -> None:
    """Delete what is known of visitors who withdrew so long ago that no cookie of theirs lives."""
    await db.batch([Statement("delete from forgotten where site_id = :site_id and digest = :digest", rows), UNSCRUBBED])


async def visitor(db: Database, site_id: int, identity: str) -> Row | None:
    """What is stored of a visitor, in one row."""
    return await db.fetch_one(
        "select * from visitor where site_id = :site_id and id = :id", site_id=site_id, id=identity
    )


async def browsers_of(db: Database, site_id: int, customer: str, limit: int = 100) -> list[Row]:
    """The visitors whom the site called by this id of its own."""
    return await db.fetch(
        "select * from visitor where site_id = :site_id and customer = :customer and customer <> '' limit :limit",
        site_id=site_id,
        customer=customer,
        limit=limit,
    )


async def tell(db: Database, rows: Sequence[Row]) -> None:
    """Store what visitors' rows now say of customers."""
    change = (
        "update visitor set customer = :customer, customer_fields = :customer_fields"
        " where site_id = :site_id and id = :id"
    )
    if rows:
        await db.batch([Statement(change, rows), UNSCRUBBED])


async def uncounted(db: Database, limit: int, site_id: int | None = None) -> list[Row]:
    """What chunks added up to and is not in the rollups yet; of one site, or of all."""
    where = "" if site_id is None else "where site_id = :site_id"
    named = {} if site_id is None else {"site_id": site_id}
    sql = f"select * from uncounted {where} order by site_id, id limit :limit"  # noqa: S608  # no value in it
    return await db.fetch(sql, limit=limit, **named)


def folding(rows: Sequence[Row], cells: Sequence[tuple[Value, ...]]) -> list[Statement]:
    """What puts cells in place of what these rows added up to. Refused when one of them is not there any more."""
    gone = [Statement("delete from uncounted where site_id = :site_id and id = :id", rows, len(rows))]
    return [*gone, *adding(cells=cells)]


def _names(values: Sequence[str]) -> dict[str, Value]:
    """A parameter for each value."""
    return {f"k{number}": value for number, value in enumerate(_padded(values))}


def _changed(session: Session) -> tuple[Value, ...]:
    """What `_CHANGING` names, behind site and id."""
    return (
        session.site_id, session.id, session.last, session.views, session.events, session.engaged, session.entry,
        session.exit, session.facts.bot,
    )  # fmt: skip


def _padded(values: Sequence[T]) -> list[T]:
    """As many as a power of two, the last one repeated: a few prepared statements serve any number of values."""
    room = (1 << (len(values) - 1).bit_length()) - len(values) if values else 0
    return [*values, *([values[-1]] * room)]


def _list(names: Mapping[str, Value]) -> str:
    return ", ".join(f":{name}" for name in names)


async def known_forgotten(db: Database, site_id: int, digests: Sequence[str]) -> set[str]:
    """Which of these digests are of visitors who withdrew."""
    if not digests:
        return set()
    names = _names(digests)
    rows = await db.fetch(
        f"select digest from forgotten where site_id = :site_id and digest in ({_list(names)})",  # noqa: S608  # names
        site_id=site_id,
        **names,
    )
    return {row["digest"] for row in rows}
