"""The table of fields: complete, and nothing that names a person at the level of counts."""

import pytest

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


def test_no_other_field() -> None:
    """What is no field has no level."""
    with pytest.raises(KeyError):
        level("fingerprint")
