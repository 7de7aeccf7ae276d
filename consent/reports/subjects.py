"""What can be asked about: subjects with their metrics and dimensions, and which combinations are counted. Pure."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from consent.records import rollup as choices
from consent.records.rollup_queries import ACTIONS
from consent.telemetry.hit import Measures

Grain = Literal["hour", "day", "week", "month"]
GRAINS: tuple[Grain, ...] = ("hour", "day", "week", "month")

Store = Literal["main", "visitors"]
Unit = Literal["count", "share", "seconds", "milliseconds", "number"]


class Metric(NamedTuple):
    """`plus` less `minus`, columns of the table; divided by those of `per` where it has some. `unit` says how it reads.

    A metric without `per` is a count, and adds up over lines.
    """

    plus: tuple[str, ...]
    per: tuple[str, ...] = ()
    unit: Unit = "count"
    minus: tuple[str, ...] = ()
    says: str = ""


class Subject(NamedTuple):
    """One table of counts.

    Args:
        name: as it is asked for.
        store: where the table is.
        table: its name.
        columns: those that are summed up.
        metrics: what can be asked, by name; `usual` are shown when none is named.
        weight: the metric that the largest come first by.
        dims: dimensions by name, each with the columns that hold its value: `val` and `also` of a table of cells.
        pairs: pairs of dimensions that are counted together, as the table names them.
        hourly: dimensions that are counted by hour.
        cells: whether the table holds cells (`dim`, `grain`, `kind`, `bucket`, `val`, `also`); else its columns are the
            dimensions, and every combination is counted.
        bucket: the column of its time, in the grain `finest`.
        made: columns that the table has not, and what is summed up for them.
    """

    name: str
    store: Store
    table: str
    columns: tuple[str, ...]
    metrics: Mapping[str, Metric]
    usual: tuple[str, ...]
    weight: str
    dims: tuple[str, ...]
    pairs: tuple[str, ...] = ()
    hourly: frozenset[str] = frozenset()
    cells: bool = True
    finest: Grain = "hour"
    bucket: str = "bucket"
    kinds: Mapping[str, str] = {}
    made: Mapping[str, str] = {}


_CONSENT = {
    "given": Metric(("given",), says="first choices that allow everything"),
    "partly": Metric(("partly",), says="first choices that allow something"),
    "refused": Metric(("refused",), says="first choices that allow nothing"),
    "changed": Metric(("changed",), says="later choices that allow something"),
    "withdrawn": Metric(("withdrawn",), says="later choices that allow nothing any more"),
    "agreed": Metric(("given", "partly"), says="given and partly"),
    "choices": Metric(("given", "partly", "refused"), says="first choices: given, partly and refused"),
    "records": Metric(ACTIONS, says="everything that was said"),
    "opt_in": Metric(("given", "partly"), ("given", "partly", "refused"), "share", says="agreed of choices"),
}
_VISITS = {
    "sessions": Metric(("sessions",), says="visits"),
    "visitors": Metric(("visitors",), says="different visitors of each day, added up over days"),
    "newcomers": Metric(("newcomers",), says="visits that are somebody's first"),
    "returning": Metric(("visitors",), minus=("newcomers",), says="visitors of each day who had been here before"),
    "bounces": Metric(("bounces",), says="visits of one page, of those logged in full"),
    "bounce_rate": Metric(("bounces",), ("logged",), "share", says="bounces of the visits that were logged in full"),
    "views": Metric(("views",), says="pages seen"),
    "events": Metric(("events",), says="other events"),
    "engaged": Metric(("engaged",), unit="seconds", says="time with a page in front"),
    "engaged_each": Metric(("engaged",), ("sessions",), "seconds", says="engaged by session"),
    "views_each": Metric(("views",), ("sessions",), "number", says="views by session"),
}
_PAGES = {
    "views": _VISITS["views"],
    "events": _VISITS["events"],
    "engaged": _VISITS["engaged"],
    "engaged_each": Metric(("engaged",), ("views",), "seconds", says="engaged by view"),
    "load": Metric(("load_time",), ("loaded",), "milliseconds", says="how long pages took to load, on average"),
}

_SESSION_DIMS = (
    "source", "campaign", "browser", "browser_version", "system", "system_version", "device", "brand", "language",
    "country", "region", "isp_domain", "network", "screen", "frequency", "app", "bot", "policy_version",
)  # fmt: skip
_SESSION_PAIRS = ("browser*device", "country*language", "country*device", "source*device")
_LEVELS = {"full": "full", "count": "count"}
_LOGGED = {"logged": "case when kind = 'full' then sessions else 0 end"}


def _visits(name: str, usual: tuple[str, ...], weight: str) -> Subject:
    dims = (*_SESSION_DIMS, "entry", "exit", "event", "outbound", "level")
    hourly = frozenset(("total", *dims))
    metrics: dict[str, Metric] = _VISITS
    return Subject(
        name,
        "visitors",
        "rollup",
        (*Measures._fields, *_LOGGED),
        metrics,
        usual,
        weight,
        dims,
        _SESSION_PAIRS,
        hourly,
        kinds=_LEVELS,
        made=_LOGGED,
    )


SUBJECTS: Mapping[str, Subject] = {
    one.name: one
    for one in (
        Subject(
            name="consent",
            store="main",
            table="consent_rollup",
            columns=ACTIONS,
            metrics=_CONSENT,
            usual=("given", "partly", "refused", "changed", "withdrawn", "opt_in"),
            weight="records",
            dims=(*choices.SINGLE[1:], "purpose", "service", "state"),
            pairs=(*("*".join(pair) for pair in choices.PAIRS), "purpose*state", "service*state"),
            hourly=frozenset(choices.HOURLY),
            kinds={"said": "said"},
        ),
        Subject(
            name="shown",
            store="main",
            table="shown_day",
            columns=("shown",),
            metrics={
                "shown": Metric(("shown",), says="times that a layer came up, where the law lets that be counted")
            },
            usual=("shown",),
            weight="shown",
            dims=("notice", "layer", "regime", "language", "device"),
            cells=False,
            finest="day",
            bucket="day",
        ),
        _visits("visits", ("sessions", "visitors", "views", "bounce_rate", "engaged_each"), "sessions"),
        _visits("visitors", ("visitors", "newcomers", "returning"), "visitors"),
        Subject(
            name="pages",
            store="visitors",
            table="rollup",
            columns=Measures._fields,
            metrics=_PAGES,
            usual=("views", "engaged_each", "load"),
            weight="views",
            dims=("page", "source", "device", "browser", "screen", "level"),
            pairs=("page*source", "page*device", "page*browser", "page*screen"),
            hourly=frozenset({"total", "page", "source", "device", "browser", "screen", "level"}),
            kinds=_LEVELS,
        ),
        Subject(
            name="services",
            store="visitors",
            table="rollup",
            columns=Measures._fields,
            metrics={
                "blocked": Metric(("events",), says="requests that browsers refused, as told by those that count")
            },
            usual=("blocked",),
            weight="blocked",
            dims=("host", "service"),
            pairs=("host*service",),
            hourly=frozenset({"total", "host", "service", "host*service"}),
            kinds=_LEVELS,
        ),
        Subject(
            name="requests",
            store="visitors",
            table="dropped",
            columns=("n",),
            metrics={"dropped": Metric(("n",), says="events that were not taken")},
            usual=("dropped",),
            weight="dropped",
            dims=("reason",),
            cells=False,
            bucket="hour",
        ),
    )
}

LEVEL = "level"
"""The dimension that is no cell's: whether visits were logged in full, or only counted."""


_OF_VISITS = frozenset({"sessions", "logged", "visitors", "newcomers", "bounces", "engaged"})

ONLY: Mapping[str, frozenset[str]] = {
    "entry": _OF_VISITS,
    "exit": _OF_VISITS,
    "bot": _OF_VISITS,
    "event": frozenset({"events"}),
    "outbound": frozenset({"events"}),
}
"""Dimensions under which not every column is counted, with those that are: others are unknown, and not nothing."""


class Held(NamedTuple):
    """Where a combination of dimensions is counted: the cells' name, and the column of each dimension."""

    cells: str
    columns: Mapping[str, str]


def held(subject: Subject, dims: frozenset[str], *, hours: bool) -> Held | None:
    """Where these dimensions are counted together, by the hour if need be; None where they are not."""
    if not subject.cells:
        return Held("", {dim: "cast(layer as text)" if dim == "layer" else dim for dim in dims})
    plain = dims - {LEVEL}
    level = {LEVEL: "kind"} if LEVEL in dims else {}
    found = _named(subject, plain)
    if found is None or (hours and found.cells not in subject.hourly | _CELL_HOURS.get(subject.name, frozenset())):
        return None
    return Held(found.cells, {**found.columns, **level})


_CELL_HOURS: Mapping[str, frozenset[str]] = {"services": frozenset({"blocked"})}


def _named(subject: Subject, dims: frozenset[str]) -> Held | None:
    if subject.name == "services":
        return Held("blocked", {dim: {"host": "val", "service": "also"}[dim] for dim in dims})
    if not dims:
        return Held("total", {})
    if len(dims) == 1:
        [dim] = dims
        if dim == "state":
            return None
        return Held(dim, {dim: "val"})
    for pair in subject.pairs:
        one, other = pair.split("*")
        if dims == {one, other}:
            return Held(one if other == "state" else pair, {one: "val", other: "also"})
    return None


def described() -> dict[str, Any]:
    """Every subject as people and programs read it: metrics, dimensions and what is counted together."""
    return {
        subject.name: {
            "metrics": {name: {"unit": one.unit, "says": one.says} for name, one in subject.metrics.items()},
            "usual": list(subject.usual),
            "dimensions": list(subject.dims),
            "together": list(subject.pairs) if subject.cells else ["any"],
            "by_hour": sorted(subject.hourly & {"total", *subject.dims}) if subject.cells else [],
        }
        for subject in SUBJECTS.values()
    }
