"""The body of a post of events: what is read, what is dropped and why."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.errors import Problem
from consent.telemetry.event import (
    MAX_EVENTS,
    Batch,
    Brand,
    Hints,
    hint_lines,
    identified,
    is_name,
    properties,
    read,
)
from consent.visitors import hints as client_hints
from consent.visitors.header import printable

SOUND = {"id": "0" * 32, "event": "view", "time": 1, "url": "https://shop.example/"}


def body(*events: Any, **more: Any) -> bytes:
    return json.dumps({"choice": "", "events": list(events), **more}).encode()


def test_sound() -> None:
    """All members that the format has are read; those left out have their defaults."""
    found = read(body(SOUND | {"props": {"a": 1}}, screen="large", webdriver=True, hints={"model": "Pixel 8"}))

    assert found.dropped == {}
    assert (found.batch.screen, found.batch.webdriver, found.batch.debug) == ("large", True, False)
    assert found.batch.hints is not None and found.batch.hints.model == "Pixel 8"
    assert properties(found.batch.events[0].props) == '{"a":1}'


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (SOUND | {"more": 1}, "unknown-field"),
        (SOUND | {"time": "now"}, "malformed"),
        (SOUND | {"time": 1.5}, "malformed"),
        (SOUND | {"time": 10**30}, "malformed"),
        (SOUND | {"url": None}, "malformed"),
        (SOUND | {"url": "x" * 10_000}, "malformed"),
        (SOUND | {"id": "x" * 300}, "malformed"),
        ({"id": "0" * 32}, "malformed"),
        ([], "malformed"),
        (None, "malformed"),
        ("view", "malformed"),
    ],
)
def test_an_event_that_does_not_fit_is_dropped_alone(event: Any, reason: str) -> None:
    """The others of its body are taken."""
    found = read(body(SOUND, event, SOUND))

    assert len(found.batch.events) == 2
    assert found.dropped == {reason: 1}


@pytest.mark.parametrize("events", [[SOUND] * 60, [SOUND] * 59 + [None], [None] + [SOUND] * 59])
def test_events_beyond_the_limit_are_dropped(events: list[Any]) -> None:
    """Fifty events of a body are looked at, sound or not."""
    found = read(body(*events))

    assert found.dropped["too-many"] == 60 - MAX_EVENTS
    assert len(found.batch.events) + found.dropped.get("malformed", 0) == MAX_EVENTS


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b'{"choice":"\xff","events":[]}', "not_json"),
        (b"[" * 60_000, "invalid"),
        (b"[]", "invalid"),
        (b"1", "invalid"),
        (b'{"events":[]}', "invalid"),
        (b'{"choice":""}', "invalid"),
        (b'{"choice":"","events":{}}', "invalid"),
        (b'{"choice":"","events":[],"cookie":"x"}', "invalid"),
        (b'{"choice":"","events":[],"screen":"1920x1080"}', "invalid"),
        (b'{"choice":"","events":[],"app":{"name":"x","location":[48.2,16.3]}}', "invalid"),
        (b'{"choice":"","events":[],"webdriver":1}', "invalid"),
        (body(choice="x" * 4_000), "invalid"),
    ],
)
def test_a_body_that_does_not_fit(text: bytes, code: str) -> None:
    """It is refused with a remedy, and a screen's size or a place are no members at all."""
    with pytest.raises(Problem) as refused:
        read(text)

    assert refused.value.code == code and refused.value.status == 422


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    """No bytes do anything else."""
    try:
        found: Batch | str = read(text).batch
    except Problem as problem:
        found = problem.code

    assert isinstance(found, Batch) or found in ("not_json", "invalid")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("550e8400-e29b-41d4-a716-446655440000", "550e8400e29b41d4a716446655440000"),
        ("550E8400E29B41D4A716446655440000", "550e8400e29b41d4a716446655440000"),
        ("550e8400e29b41d4a71644665544000", None),
        ("550e8400-e29b-41d4-a716-44665544000-", None),
        ("g" * 32, None),
        ("", None),
        ("me@example.com", None),
        ("１" * 32, None),
    ],
)
def test_ids(text: str, name: str | None) -> None:
    """An event's id is a UUID, with or without hyphens; nothing else is stored as one."""
    assert identified(text) == name


def test_names() -> None:
    """Names of events are short words."""
    assert all(map(is_name, ["view", "add_to-cart", "a.b"]))
    assert not any(map(is_name, ["", "View", "a b", "me@x", "a" * 41, "view\n", "１"]))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("{}", ""),
        ("null", ""),
        ('{"b": 1, "a": "x"}', '{"a":"x","b":1}'),
        ('{"a": true, "b": 1.5}', '{"a":true,"b":1.5}'),
        ('{"mail": "me@example.com"}', '{"mail":":email"}'),
        ('{"a": "x\\u0000\\u202ey"}', '{"a":"xy"}'),
        ('{"a": {"b": 1}}', None),
        ('{"a": [1]}', None),
        ('{"a": null}', None),
        ('{"A": 1}', None),
        ("[1]", None),
        (json.dumps({f"a{n}": 1 for n in range(11)}), None),
        (json.dumps({f"a{n}": "x" * 100 for n in range(10)}), None),
        (json.dumps({"a": "x" * 9_000}), None),
    ],
)
def test_properties(given: str, kept: str | None) -> None:
    """Few short values without nesting, printable and without e-mail addresses; anything else is none."""
    assert properties(msgspec.Raw(given.encode())) == kept
    assert properties(msgspec.UNSET) == ""


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_hints_become_headers_that_break_nothing(model: str, brand: str) -> None:
    """Whatever a page says its device is, it is read as a header would be, and no more of it than that."""
    lines = hint_lines(Hints(model=model, full_version_list=[Brand(brand, "1"), Brand("Chromium", "131.0.6778.86")]))
    found = client_hints.read({name: printable(line) for name, line in lines.items()})

    assert len(found.model) <= 60
    assert found.browser in ("", *client_hints.BRANDS.values())
