"""What a span comes to, read from counts: lines with their sums in order, and sums of all."""

from collections.abc import Iterable, Sequence

from consent.db import Row
from consent.db.reading import Reader
from consent.reports import figures, period, queries
from consent.reports.period import DAY, HOUR
from consent.reports.queries import Part
from consent.reports.question import Question, cursor
from consent.reports.rows import Sums
from consent.reports.subjects import Held, held

Key = tuple[str, ...]


class Side:
    """What one span comes to: lines with their sums in order, sums of all, and the cursor behind the last line."""

    def __init__(self, lines: list[tuple[Key, Row]], total: Row, following: str = "", *, known: bool = True) -> None:
        self.lines = lines
        self.total = total
        self.next = following
        self.known = known


async def counted(
    reader: Reader | None, site_id: int, asked: Question, where: Held, keys: Sequence[Key] | None = None
) -> Side:
    """Read what is asked; `keys` where only those are of interest."""
    subject = asked.about
    if reader is None:
        return unknown(asked)
    columns = figures.wanted(subject, asked.metrics)
    part = Part(site_id, subject, where, asked.period, asked.hours, asked.filter, columns)
    total = await total_of(reader, part, asked)
    if not asked.by:
        buckets = await queries.over_time(reader, part, (), ()) if asked.grain else []
        return Side(_filled(asked, _by_bucket(asked, part, buckets)), total)
    weights = figures.weights(subject, asked.metrics)
    limit = asked.limit if asked.grain else asked.limit + 1
    found = await queries.largest(reader, part, asked.by, weights=weights, limit=limit, after=asked.after)
    if not asked.grain:
        if keys is not None:
            found = await _of_keys(reader, part, asked, keys, weights)
        lines = [(key_of(row, asked.by), row) for row in found]
        more = keys is None and len(lines) > asked.limit
        lines = lines[: asked.limit] if keys is None else lines
        return Side(lines, total, cursor(found[asked.limit - 1]["weight"], lines[-1][0]) if more else "")
    only = [key_of(row, asked.by) for row in found]
    buckets = await queries.over_time(reader, part, asked.by, only) if only else []
    return Side(_series(asked, only, _by_bucket(asked, part, buckets)), total)


def unknown(asked: Question) -> Side:
    """Nothing: there is no visitors' log."""
    return Side(_filled(asked, {}) if not asked.by else [], _nothing(asked), known=False)


def of_rows(asked: Question, found: Sums) -> Side:
    """The side that sums of rows make: the largest first, as many as are asked for, those behind `after`."""
    if not asked.by:
        return Side(_filled(asked, found.lines), found.total)
    columns = asked.about.columns
    whole: dict[Key, Row] = {}
    for (_, key), sums in found.lines.items():
        whole[key] = figures.added(columns, [whole[key], sums]) if key in whole else sums
    weights = figures.weights(asked.about, asked.metrics)
    order = sorted((-sum(sums[name] for name in weights), key) for key, sums in whole.items())
    if asked.after is not None:
        order = [one for one in order if one > (-asked.after[0], asked.after[1])]
    first = order[: asked.limit]
    if asked.grain:
        return Side(_series(asked, [key for _, key in first], found.lines), found.total)
    following = cursor(-first[-1][0], first[-1][1]) if len(order) > asked.limit else ""
    return Side([(key, whole[key]) for _, key in first], found.total, following)


async def _of_keys(
    reader: Reader, part: Part, asked: Question, keys: Sequence[Key], weights: Sequence[str]
) -> list[Row]:
    """The lines of these keys, of the other side of a comparison."""
    narrow = dict(part.filter)
    for place, dim in enumerate(asked.by):
        values = tuple(dict.fromkeys(key[place] for key in keys))
        narrow[dim] = tuple(one for one in values if one in narrow.get(dim, values))
        if not narrow[dim]:
            return []
    wanted = part._replace(filter=narrow)
    return await queries.largest(
        reader, wanted, asked.by, weights=weights, limit=min(len(keys) ** len(asked.by), queries.MOST)
    )


async def total_of(reader: Reader, part: Part, asked: Question) -> Row:
    """Everything that the filters let through: of cells that are counted by what is filtered alone, where there are."""
    dims = frozenset(asked.filter)
    where = held(asked.about, dims, hours=asked.hours)
    if where is None:
        where = part.held
    return await queries.total(reader, part._replace(held=where))


def _by_bucket(asked: Question, part: Part, buckets: Iterable[Row]) -> dict[tuple[str, Key], Row]:
    """Sums by the name of the bucket asked for and the values; buckets of the table are folded into them."""
    found: dict[tuple[str, Key], Row] = {}
    columns = asked.about.columns
    for row in buckets:
        assert asked.grain is not None
        at = row["at"] if asked.grain == "hour" or part.unit == DAY else row["at"] * HOUR // DAY
        place = (period.name(asked.grain, at), key_of(row, asked.by))
        found[place] = figures.added(columns, [found[place], row]) if place in found else row
    return found


def _filled(asked: Question, found: dict[tuple[str, Key], Row]) -> list[tuple[Key, Row]]:
    """A line for every bucket, also where there was nothing."""
    if asked.grain is None:
        return []
    return [((text,), found.get((text, ()), _nothing(asked))) for text in asked.period.buckets(asked.grain)]


def _series(asked: Question, only: Sequence[Key], found: dict[tuple[str, Key], Row]) -> list[tuple[Key, Row]]:
    """Lines by bucket, in each the values with the largest sums first; without those that had nothing in it."""
    assert asked.grain is not None
    places = [(text, key) for text in asked.period.buckets(asked.grain) for key in only]
    return [((text, *key), found[text, key]) for text, key in places if (text, key) in found]


def _nothing(asked: Question) -> Row:
    return dict.fromkeys(asked.about.columns, 0)


def key_of(row: Row, by: Sequence[str]) -> Key:
    return tuple(str(row[f"k{place}"]) for place in range(len(by)))
