"""What can be taken along, row by row: which columns, in which order, and how a row reads in each format. Pure."""

import csv
import io
import re
import string
from collections.abc import Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from consent.errors import Problem
from consent.records import identifier
from consent.records.question import FOREVER, moment
from consent.records.record import cell

Kind = Literal["text", "whole", "yes", "states", "json"]
"""Of a column: text, a whole number, yes or no, an object of states by key, any JSON object (empty: none)."""

Format = Literal["csv", "ndjson", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}

Values = tuple[Any, ...]
DAY = 86_400_000


class Source(NamedTuple):
    """Rows of one kind.

    Args:
        store: `records` or `visits`, the file they lie in.
        rows: the `from` and `where` of their query; parameters `site_id`, and `low` and `high` of the first key column.
        columns: name, expression and kind of each column.
        key: expressions that order the rows; in the query's answer they come first.
        personal: what the access log calls a look at them.
    """

    store: Literal["records", "visits"]
    rows: str
    columns: tuple[tuple[str, str, Kind], ...]
    key: tuple[str, ...]
    personal: str

    @property
    def names(self) -> tuple[str, ...]:
        """The columns as they are named in what is exported."""
        return tuple(name for name, _, _ in self.columns)


def _texts(prefix: str, names: str) -> tuple[tuple[str, str, Kind], ...]:
    return tuple((name, f"{prefix}.{name}", "text") for name in names.split())


def _wholes(prefix: str, names: str) -> tuple[tuple[str, str, Kind], ...]:
    return tuple((name, f"{prefix}.{name}", "whole") for name in names.split())


SOURCES: dict[str, Source] = {
    "log": Source(
        "records",
        "consent_record r join policy_version v on v.site_id = r.site_id and v.version = r.version"
        " where r.site_id = :site_id and r.id > :low and r.id < :high",
        (
            *_texts("r", "id receipt"), *_wholes("r", "time"), *_texts("r", "action control"), *_wholes("r", "layer"),
            *_texts("r", "language notice"), *_wholes("r", "version"), *_texts("v", "hash scope"),
            ("purposes", "r.purposes", "states"), ("services", "r.services", "states"),
            *_texts("r", "regime region"), ("gpc", "r.gpc", "yes"), *_wholes("r", "client_time"),
            *_texts("r", "widget"), *_wholes("r", "epoch leaf"),
        ),
        ("r.id",),
        "export of the log",
    ),
    "visitors": Source(
        "visits",
        "visitor r where r.site_id = :site_id and r.id > :low and r.last >= :since and r.last < :until"
        " and not r.leaving",
        (
            *_texts("r", "id"), *_wholes("r", "first last visits views"), *_texts("r", "customer"),
            ("customer_fields", "r.customer_fields", "json"),
        ),
        ("r.id",),
        "export of visitors",
    ),
    "sessions": Source(
        "visits",
        "session r where r.site_id = :site_id and r.id > :low and r.id < :high",
        (
            *_texts("r", "id visitor"), *_wholes("r", "visit began last views events engaged"),
            ("opens_day", "r.opens_day", "yes"), *_texts("r", "entry exit referrer source"),
            ("campaign", "r.campaign", "json"),
            *_texts("r", "browser browser_version system system_version device brand model bot language languages"),
            *_texts("r", "screen country region"), *_wholes("r", "asn"),
            *_texts("r", "network isp_domain app app_version"), *_wholes("r", "policy_version"),
        ),
        ("r.id",),
        "export of sessions",
    ),
    "events": Source(
        "visits",
        "event r where r.site_id = :site_id and (r.session, r.id) > (:low, :low_id) and r.session < :high",
        (
            *_texts("r", "session id"), *_wholes("r", "time client_time"), *_texts("r", "event method host path query"),
            *_wholes("r", "status"), *_texts("r", "referrer address"), *_wholes("r", "load_time engaged scrolled"),
            *_texts("r", "target service"), ("props", "r.props", "json"), *_wholes("r", "policy_version"),
            *_texts("r", "allowed_by"),
        ),
        ("r.session", "r.id"),
        "export of events",
    ),
}  # fmt: skip
"""Events are those of sessions that began in the span; visitors those who came last in it, by their ids."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be exported: `since` <= time < `until` (ms since 1970), behind the row whose cursor is `after`."""

    subject: str
    format: Format
    since: int = 0
    until: int = FOREVER
    after: str = ""

    @property
    def source(self) -> Source:
        """Where the rows come from."""
        return SOURCES[self.subject]

    def first(self) -> dict[str, str | int]:
        """The parameters of the first page: below every row asked for."""
        spans = self.subject != "visitors"
        low, high = _first(self.subject, self.since), _first(self.subject, self.until)
        bounds: dict[str, str | int] = {"low_id": "", "since": self.since, "until": self.until, "high": high}
        after, _, id_ = self.after.partition(".")
        if spans and after < low:
            return bounds | {"low": low}
        return bounds | {"low": after, "low_id": id_}


_CURSORS = {
    "log": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "visitors": re.compile(r"[0-9a-f]{32}"),
    "sessions": re.compile(r"[0-9a-f]{32}"),
    "events": re.compile(r"[0-9a-f]{32}\.[0-9a-f]{32}"),
}


def parse(subject: str, format_: str, given: Mapping[str, str]) -> Wanted:
    """Read what is asked for. Raises Problem (422, with the field; 404 for a subject or format that there is not)."""
    if subject not in SOURCES or format_ not in FORMATS:
        known = ", ".join(f"{one}.{FORMATS[0]}" for one in SOURCES)
        remedy = f"There are: {known}; and the same as {' and '.join(FORMATS[1:])}."
        raise Problem("export", f"Nothing is exported as {subject[:40]}.{format_[:20]}.", remedy, status=404)
    for name in given:
        if name not in ("from", "to", "after"):
            raise Problem(
                "unknown_parameter", f"There is no parameter {name[:40]!r}.", "Known are: from, to, after.", field=name
            )
    since, until = moment("from", given.get("from", "0")), moment("to", given.get("to", str(FOREVER)))
    if until < since:
        raise Problem("moment", "to is before from.", "Ask for a span that begins before it ends.", field="to")
    after = given.get("after", "")
    if after and _CURSORS[subject].fullmatch(after) is None:
        remedy = "Send the cursor of the last row that came whole, unchanged."
        raise Problem("cursor", f"after is no cursor of an export of {subject}.", remedy, field="after")
    return Wanted(subject=subject, format=_FORMAT[format_], since=since, until=until, after=after)


def cursor(source: Source, row: Values) -> str:
    """What to go on behind: the values of the key, which come first in a row as it is read."""
    return ".".join(map(str, row[: len(source.key)]))


def position(subject: str, cursor_: str) -> int:
    """How far a cursor is: a time in ms, of visitors a share of 2^48, for their ids are random."""
    return int(cursor_.replace("-", "")[:12], 16)


def head(source: Source) -> bytes:
    """The first line of a CSV."""
    return _lines([(*source.names, "cursor")])


def as_csv(source: Source, rows: Sequence[Values]) -> bytes:
    """RFC 4180 without the first line. No text is a formula; the last cell is the row's cursor."""
    skip = len(source.key)
    at = {kind: [place for place, (_, _, one) in enumerate(source.columns) if one == kind] for kind in _KINDS}
    texts = itemgetter(*at["text"], *at["json"])
    made = []
    for row in rows:
        values = [*row[skip:], cursor(source, row)]
        if not _PLAIN.issuperset(map(_BEGINNING, texts(values))):
            for place in (*at["text"], *at["json"]):
                values[place] = cell(values[place])
        for place in at["states"]:
            values[place] = _spoken(values[place])
        for place in at["yes"]:
            values[place] = "true" if values[place] else "false"
        made.append(values)
    return _lines(made)


def as_ndjson(source: Source, rows: Sequence[Values], *, cursors: bool = True) -> bytes:
    """One JSON object a line, with the row's cursor."""
    skip, names = len(source.key), source.names
    odd = [(at, kind) for at, (_, _, kind) in enumerate(source.columns) if kind not in ("text", "whole")]
    made = []
    for row in rows:
        values = list(row[skip:])
        for at, kind in odd:
            values[at] = bool(values[at]) if kind == "yes" else _raw(values[at])
        one = dict(zip(names, values, strict=True))
        if cursors:
            one["cursor"] = cursor(source, row)
        made.append(one)
    return _JSON.encode_lines(made)


def as_bytes(wanted: Wanted, rows: Sequence[Values]) -> bytes:
    """Rows in a format of lines."""
    return as_csv(wanted.source, rows) if wanted.format == "csv" else as_ndjson(wanted.source, rows)


def types(source: Source) -> dict[str, str]:
    """The columns as DuckDB reads them."""
    known: dict[Kind, str] = {
        "text": "VARCHAR", "whole": "BIGINT", "yes": "BOOLEAN", "states": "MAP(VARCHAR, VARCHAR)", "json": "VARCHAR",
    }  # fmt: skip
    return {name: known[kind] for name, _, kind in source.columns}


_KINDS: tuple[Kind, ...] = get_args(Kind)
_BEGINNING = itemgetter(slice(1))
_PLAIN = frozenset(["", "{", "/", *string.ascii_letters, *string.digits])
"""How nearly all texts begin that `cell` leaves as they are: a row of these costs one look."""

_FORMAT: dict[str, Format] = {one: one for one in FORMATS}
_JSON = msgspec.json.Encoder()


def _first(subject: str, milliseconds: int) -> str:
    """What sorts before every row of this moment or later, and after every earlier one."""
    return identifier.first_of(milliseconds) if subject == "log" else f"{milliseconds:012x}"


@lru_cache(maxsize=4_096)
def _spoken(text: str) -> str:
    """`statistics=granted marketing=denied`."""
    return " ".join(f"{key}={state}" for key, state in msgspec.json.decode(text, type=dict[str, str]).items())


@lru_cache(maxsize=4_096)
def _raw(text: str) -> msgspec.Raw | None:
    return msgspec.Raw(text.encode()) if text else None


def _lines(rows: Sequence[Sequence[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue().encode()
