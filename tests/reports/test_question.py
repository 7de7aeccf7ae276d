"""Questions: every bound is checked, and what is wrong is named."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from consent.errors import NotFound, Problem
from consent.reports.named import questions
from consent.reports.period import DAY, HOUR, Period
from consent.reports.question import PARAMETERS, cursor, parse
from consent.reports.subjects import GRAINS, SUBJECTS, held

NOW = 1_795_000_000_000
TODAY = NOW // DAY * DAY


def asked(subject: str = "consent", **given: str) -> object:
    return parse(subject, [(name.rstrip("_"), text) for name, text in given.items()], NOW)


def test_nothing_asked_is_the_usual() -> None:
    """Without parameters it is the subject's usual figures of 28 days with today."""
    question = parse("consent", [], NOW)
    assert question.metrics == SUBJECTS["consent"].usual
    assert question.period == Period(TODAY - 27 * DAY, TODAY + DAY)
    assert (question.by, question.grain, question.limit) == ((), None, 100)


def test_everything_asked() -> None:
    """Time and dimensions, filters of one dimension together, a span of whole days with both ends."""
    pairs = [("by", "week, country"), ("metrics", "given,opt_in"), ("filter", "country:DE"), ("filter", "country:FR:x")]
    question = parse("consent", [*pairs, ("from", "2026-11-01"), ("to", "2026-11-02"), ("limit", "3")], NOW)
    assert (question.grain, question.by, question.metrics) == ("week", ("country",), ("given", "opt_in"))
    assert question.filter == {"country": ("DE", "FR:x")}
    assert question.period.end - question.period.start == 2 * DAY
    assert question.columns == ("week", "country")


def test_hours_are_cut_to_the_hour() -> None:
    """Moments stand for their whole hour; a question by the hour without a span is about two days."""
    question = parse("consent", [("from", "2026-11-01T10:20:00Z"), ("to", "2026-11-01T12:00:01+01:00")], NOW)
    assert question.period.texts() == ("2026-11-01T10:00Z", "2026-11-01T12:00Z")
    assert question.hours
    span = parse("consent", [("by", "hour")], NOW).period
    assert span.end - span.start == 48 * HOUR
    assert span.end > NOW


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"nonsense": "1"}, "nonsense"),
        ({"metrics": "given,sessions"}, "metrics"),
        ({"by": "planet"}, "by"),
        ({"by": "day,week"}, "by"),
        ({"by": "country,language,regime"}, "by"),
        ({"filter": "country"}, "filter"),
        ({"filter": "planet:mars"}, "filter"),
        ({"filter": "country:\x00"}, "filter"),
        ({"filter": "country:" + "x" * 513}, "filter"),
        ({"from_": "yesterday"}, "from"),
        ({"from_": "2026-02-30"}, "from"),
        ({"to": "10000-01-01"}, "to"),
        ({"to": "1969-01-01"}, "to"),
        ({"from_": "2026-11-02", "to": "2026-11-01"}, "from"),
        ({"from_": "2020-01-01"}, "from"),
        ({"by": "hour", "from_": "2026-01-01", "to": "2026-11-01"}, "from"),
        ({"by": "day", "from_": "2026-11-01T10:00:00Z"}, "from"),
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "١"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"by": "hour,country", "limit": "1000", "from_": "2026-11-01", "to": "2026-11-20"}, "limit"),
        ({"after": "x"}, "after"),
        ({"after": "é"}, "after"),
        ({"by": "country", "after": cursor(-1, ("DE",))}, "after"),
        ({"by": "country", "after": cursor(1, ("DE", "FR"))}, "after"),
        ({"by": "day,country", "after": cursor(1, ("DE",))}, "after"),
        ({"compare": "yesteryear"}, "compare"),
        ({"compare": "2026-11-20.."}, "compare"),
        ({"compare": "version:3"}, "compare"),
        ({"by": "country", "compare": "previous", "after": cursor(1, ("DE",))}, "compare"),
        ({"shared": "perhaps"}, "shared"),
    ],
)
def test_what_is_wrong_is_named(parameters: dict[str, str], field: str) -> None:
    """Each bad parameter is refused with its name and a remedy."""
    with pytest.raises(Problem) as caught:
        asked(**parameters)
    assert caught.value.field == field
    assert caught.value.status == 422
    assert caught.value.remedy


def test_a_parameter_twice_is_refused() -> None:
    """Only filters may be there several times, and not too many."""
    with pytest.raises(Problem, match="twice"):
        parse("consent", [("by", "day"), ("by", "country")], NOW)
    with pytest.raises(Problem, match="20 filters"):
        parse("consent", [("filter", "country:DE")] * 21, NOW)


def test_an_unknown_subject_is_not_found() -> None:
    """A subject that there is not is told with those that there are."""
    with pytest.raises(NotFound, match="weather"):
        parse("weather", [], NOW)


def test_a_span_is_compared_with_the_one_before() -> None:
    """The span before is as long and ends where it begins; a year before falls on the same days of the week."""
    question = parse("consent", [("from", "2026-11-08"), ("to", "2026-11-14"), ("compare", "previous")], NOW)
    assert question.other is not None
    assert question.other.period.texts() == ("2026-11-01", "2026-11-07")
    year = parse("consent", [("from", "2026-11-08"), ("to", "2026-11-14"), ("compare", "year")], NOW).other
    assert year is not None
    assert year.period.texts() == ("2025-11-09", "2025-11-15")


def test_two_versions_are_compared() -> None:
    """Another version takes the place of the one that is asked for."""
    question = parse("consent", [("filter", "version:4"), ("compare", "version:3")], NOW)
    assert question.other is not None
    assert question.other.filter == {"version": ("3",)}


def test_every_named_question_is_counted() -> None:
    """The twelve usual questions are good ones, and each is answered from counts."""
    assert len(questions()) == 12
    for one in questions().values():
        question = parse(one.subject, one.parameters, NOW)
        assert held(question.about, question.dims, hours=question.hours), one.name
        assert one.says.endswith("?")


words = some.sampled_from(
    ["day", "hour", "country", "version", ",", ":", "..", "DE", "given", "%", "'", "\x00", "ü", ""]
)
texts = some.one_of(some.text(max_size=30), some.lists(words, max_size=5).map("".join))


@settings(max_examples=2_000, deadline=None)
@given(
    some.sampled_from(list(SUBJECTS)),
    some.lists(some.tuples(some.one_of(some.sampled_from(PARAMETERS), texts), texts), max_size=6),
)
def test_whatever_is_asked_is_a_question_or_a_sentence(subject: str, parameters: list[tuple[str, str]]) -> None:
    """No parameters make it fail in another way than by a Problem, and no question is without bounds."""
    try:
        question = parse(subject, parameters, NOW)
    except Problem:
        return
    assert question.limit <= 1_000
    assert question.period.end - question.period.start <= 1_100 * DAY
    assert len(question.by) <= 2
    assert question.grain is None or question.grain in GRAINS
