"""The table of fields: complete, and nothing that names a person at the level of counts."""

import pytest

from consent.telemetry.hit import Anonymous, EventRow, Facts, Hit
from consent.visitors.fields import BY_NAME, FIELDS, level

PERSONAL = {
    "visitor",
    "session",
    "visit",
    "customer",
    "customer_fields",
    "address",
    "cookies",
    "event_id",
    "query",
    "campaign",
}


def test_names() -> None:
    """Each field stands there once, with a sentence."""
    assert len(BY_NAME) == len(FIELDS) and all(field.description for field in FIELDS)


def test_counts_hold_nobody() -> None:
    """What can single somebody out is for rows after the grant only; each count says what it knows of a field."""
    assert {name for name in PERSONAL if level(name) != "full"} == set()
    assert all(bool(field.counted) == (field.level == "aggregate") for field in FIELDS)
    assert not {"user_agent", "location", "latitude", "email", "name"} & BY_NAME.keys()


#: Columns that say the same as a field under another name, or are worked out of rows.
OTHERWISE = {
    "id": "event_id", "session": "session", "visitor": "visitor", "site_id": "policy_version", "first": "time",
    "began": "time", "whole": "address", "events": "event", "facts": "browser", "source": "referrer",
    "entered": "referrer",
}  # fmt: skip


def test_everything_that_is_kept_is_a_field() -> None:
    """Each member of a row, of what a session knows and of a count stands in the table; a count has no full one."""
    for kept in (EventRow, Facts, Hit, Anonymous):
        assert {OTHERWISE.get(name, name) for name in kept.__struct_fields__} <= BY_NAME.keys(), kept
    counted = set(Anonymous.__struct_fields__) - {"site_id", "time"}
    assert {level(OTHERWISE.get(name, name)) for name in counted} == {"aggregate"}
    assert not counted & PERSONAL


def test_no_other_field() -> None:
    """What is no field has no level."""
    with pytest.raises(KeyError):
        level("fingerprint")
