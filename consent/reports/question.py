"""A question: which figures, by what, of which part, from when to when. Pure; every bound is checked here."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

import msgspec

from consent.errors import NotFound, Problem
from consent.reports import period, sharing
from consent.reports.period import DAY, Period
from consent.reports.subjects import GRAINS, SUBJECTS, Grain, Subject

PARAMETERS = ("metrics", "by", "filter", "from", "to", "limit", "after", "compare", "shared")
REPEATED = frozenset({"filter"})

MOST_LINES = 1_000
USUAL_LINES = 100
USUAL_SERIES = 10
"""Lines of an answer over time: each of them is a line in a chart."""

MOST_CELLS = 20_000
"""Numbers of lines times buckets."""

MOST_FILTERS = 20
LONGEST_VALUE = 512

_UNSEEN = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_VERSION = re.compile(r"version:(\d{1,9})")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked. `by` are dimensions but the time, whose buckets are `grain`; None where it is not asked by time.

    `filter` keeps lines whose dimension has one of the values. `after` is the last line of the page before: its weight
    and keys. `other` is the second side of a comparison.
    """

    subject: str
    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    grain: Grain | None = None
    filter: Mapping[str, tuple[str, ...]] = {}
    period: Period
    limit: int = USUAL_LINES
    after: tuple[int, tuple[str, ...]] | None = None
    other: "Question | None" = None
    shared: bool = False

    @property
    def about(self) -> Subject:
        """The subject itself."""
        return SUBJECTS[self.subject]

    @property
    def dims(self) -> frozenset[str]:
        """Every dimension that matters, but time."""
        return frozenset((*self.by, *self.filter))

    @property
    def hours(self) -> bool:
        """Whether it can only be answered by the hour."""
        return self.grain == "hour" or not self.period.whole_days

    @property
    def columns(self) -> tuple[str, ...]:
        """What stands in front of each line: `by`, the time first."""
        return ((self.grain,) if self.grain else ()) + self.by


def parse(subject: str, given: Iterable[tuple[str, str]], now: int) -> Question:
    """Read a question's parameters; `now` is in ms. Raises Problem with the field, NotFound for an unknown subject."""
    about = SUBJECTS.get(subject)
    if about is None:
        raise NotFound("report", f"There is no report on {subject[:40]!r}.", f"Known are: {', '.join(SUBJECTS)}.")
    single, filters = _collected(given)
    grain, by = _by(about, single.get("by", ""))
    shared = _yes("shared", single.get("shared", "no"))
    span = period.parse(single.get("from"), single.get("to"), now, hours=grain == "hour")
    if shared and not {"from", "to"} & single.keys():
        span = sharing.usual(now)
    if grain not in (None, "hour") and not span.whole_days:
        raise Problem("moment", f"By the {grain}, from and to are whole days.", "Name dates.", field="from")
    found = Question(
        subject=subject,
        metrics=_metrics(about, single.get("metrics", ""), shared=shared),
        by=by,
        grain=grain,
        filter=_filters(about, filters),
        period=span,
        limit=_limit(single.get("limit"), USUAL_SERIES if grain and by else USUAL_LINES),
        after=_after(single.get("after", ""), grain, by),
        shared=shared,
    )
    if shared:
        _check_shared(found, single, now)
    if about.finest == "day" and found.hours:
        raise Problem("question", f"{subject} is counted by the day.", "Ask for whole days.", field="by")
    if found.grain and found.by and found.limit * len(span.buckets(found.grain)) > MOST_CELLS:
        raise Problem("limit", "These are too many lines over too long a time.", "Ask for fewer.", field="limit")
    return msgspec.structs.replace(found, other=_other(found, single.get("compare", ""), now))


def cursor(weight: int, keys: tuple[str, ...]) -> str:
    """What to ask with `after` to go on behind a line."""
    return base64.urlsafe_b64encode(msgspec.json.encode((weight, keys))).decode().rstrip("=")


def _collected(given: Iterable[tuple[str, str]]) -> tuple[dict[str, str], list[str]]:
    single: dict[str, str] = {}
    filters: list[str] = []
    for name, text in given:
        if name not in PARAMETERS:
            remedy = f"Known are: {', '.join(PARAMETERS)}."
            raise Problem("unknown_parameter", f"There is no parameter {name[:40]!r}.", remedy, field=name[:40])
        if name in REPEATED:
            filters.append(text)
            continue
        if name in single:
            raise Problem("question", f"{name} is there twice.", "Name it once, values between commas.", field=name)
        single[name] = text
    return single, filters


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(word.strip() for word in text[:1_000].split(",") if word.strip()))


def _check_shared(asked: Question, single: Mapping[str, str], now: int) -> None:
    """Raises Problem for what would let others tell hidden numbers from differences (TM-05)."""
    for name, given in (("filter", asked.filter), ("compare", single.get("compare")), ("after", asked.after)):
        if given:
            raise Problem("not_shared", f"A shared view takes no {name}.", f"Leave out {name}.", field=name)
    sharing.check(asked.subject, asked.metrics, asked.by, grain=asked.grain, span=asked.period, now=now)


def _metrics(about: Subject, text: str, *, shared: bool) -> tuple[str, ...]:
    words = _words(text)
    for word in words:
        if word not in about.metrics:
            raise _unknown("metrics", word, list(about.metrics))
    usual = sharing.OPEN[about.name].metrics if shared and about.name in sharing.OPEN else about.usual
    return tuple(words) or usual


def _by(about: Subject, text: str) -> tuple[Grain | None, tuple[str, ...]]:
    words = _words(text)
    for word in words:
        if word not in about.dims and word not in GRAINS:
            raise _unknown("by", word, [*GRAINS, *about.dims])
    grains = [grain for grain in GRAINS if grain in words]
    rest = tuple(word for word in words if word not in GRAINS)
    if len(grains) > 1 or len(rest) > 2:
        raise Problem("question", "by takes one time and two dimensions at most.", "Leave some out.", field="by")
    return (grains[0] if grains else None), rest


def _filters(about: Subject, texts: list[str]) -> dict[str, tuple[str, ...]]:
    if len(texts) > MOST_FILTERS:
        raise Problem("question", f"There are more than {MOST_FILTERS} filters.", "Leave some out.", field="filter")
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        dim, colon, value = text.partition(":")
        if not colon:
            raise Problem(
                "question", f"{text[:40]!r} is no filter.", "Write dimension:value, such as country:DE.", field="filter"
            )
        if dim not in about.dims:
            raise _unknown("filter", dim, list(about.dims))
        if len(value) > LONGEST_VALUE or _UNSEEN.search(value):
            remedy = f"Use at most {LONGEST_VALUE} characters, none of them a control character."
            raise Problem("question", f"The value of {dim} cannot be one.", remedy, field="filter")
        found[dim] = (*found.get(dim, ()), value)
    return found


def _limit(text: str | None, usual: int) -> int:
    if text is None:
        return usual
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and 1 <= int(text) <= MOST_LINES):
        raise Problem("limit", f"limit is to be 1 to {MOST_LINES:,}.", "Ask for the rest with `after`.", field="limit")
    return int(text)


def _after(text: str, grain: Grain | None, by: tuple[str, ...]) -> tuple[int, tuple[str, ...]] | None:
    if not text:
        return None
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        weight, keys = msgspec.json.decode(raw, type=tuple[int, tuple[str, ...]])
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise _no_cursor() from error
    if grain or len(keys) != len(by) or not by or not 0 <= weight < 2**53 or any(map(_UNSEEN.search, keys)):
        raise _no_cursor()
    return weight, keys


def _no_cursor() -> Problem:
    remedy = "Send the `next` of the page before, with the same question."
    return Problem("cursor", "after is no cursor of this question.", remedy, field="after")


def _yes(field: str, text: str) -> bool:
    if text not in ("yes", "no"):
        raise Problem("question", f"{field} is to be yes or no.", f"Write {field}=yes.", field=field)
    return text == "yes"


def _other(asked: Question, text: str, now: int) -> Question | None:
    """The second side of a comparison: another span, or another version."""
    if not text:
        return None
    if asked.after:
        raise Problem("question", "A later page is not compared.", "Leave out compare, or after.", field="compare")
    if text == "previous":
        if not asked.period.start:
            raise Problem("question", "There was nothing before.", "Name a later `from`.", field="compare")
        return msgspec.structs.replace(asked, period=asked.period.before())
    if text == "year":
        moved = Period(*(max(0, moment - 364 * DAY) for moment in asked.period))  # the same days of the week
        return msgspec.structs.replace(asked, period=moved)
    if (version := _VERSION.fullmatch(text)) and asked.subject == "consent":
        if "version" not in asked.filter:
            raise Problem("question", "Which version is compared?", "Add filter=version:N.", field="compare")
        return msgspec.structs.replace(asked, filter={**asked.filter, "version": (version[1],)})
    start, dots, end = text.partition("..")
    if not dots:
        remedy = "Write previous, year, 2026-10-01..2026-10-28, or version:3 for consent."
        raise Problem("question", f"There is no comparison {text[:40]!r}.", remedy, field="compare")
    try:
        span = period.parse(start, end, now, hours=asked.hours)
    except Problem as problem:
        problem.field = "compare"
        raise
    if not asked.hours and not span.whole_days:
        raise Problem("question", "Days are compared with whole days.", "Name dates.", field="compare")
    return msgspec.structs.replace(asked, period=span)


def _unknown(field: str, word: str, known: list[str]) -> Problem:
    close = get_close_matches(word[:40], known, n=1)
    remedy = f"Did you mean {close[0]}?" if close else f"Known are: {', '.join(known)}."
    return Problem("question", f"{field} does not know {word[:40]!r}.", remedy, field=field)
