"""From what is said to what is recorded."""

import json
from typing import Any

import pytest

from consent.errors import Problem
from consent.policy.queries import Version
from consent.policy.sources import checksum, list_text
from consent.records import claim as claims
from consent.records.cookie import decode
from consent.records.decision import Action, Settled, action, settle
from tests.policy.site import resolved
from tests.records.shop import OPTIONAL, SERVICES, raw, refusal

RESOLVED = resolved(SERVICES)
VERSION = Version(1, 1, RESOLVED.hash, RESOLVED.scope, RESOLVED, 1)
DAY = 20_777


def settled(**changes: Any) -> Settled:
    statement = claims.read(raw(VERSION, **changes)).statement
    return settle(statement, claims.choices(statement), VERSION, DAY)


def choose(**letters: str) -> dict[str, str]:
    return dict(zip(OPTIONAL, "dddd", strict=True)) | letters


@pytest.mark.parametrize(
    ("changes", "called"),
    [
        ({}, "given"),
        ({"control": "reject", "purposes": choose()}, "refused"),
        ({"control": "save", "purposes": choose()}, "refused"),
        ({"control": "save", "purposes": {}}, "refused"),
        ({"control": "save", "purposes": choose(statistics="g")}, "partly"),
        ({"control": "save", "purposes": choose(), "services": {"youtube": "g"}}, "partly"),
        ({"control": "save", "services": {"youtube": "d"}}, "partly"),
        ({"control": "save"}, "given"),
        ({"control": "object", "purposes": dict.fromkeys(OPTIONAL, "o")}, "refused"),
        ({"control": "api", "purposes": choose()}, "refused"),
        ({"control": "withdraw", "purposes": dict.fromkeys(OPTIONAL, "w")}, "withdrawn"),
        ({"control": "api", "purposes": dict.fromkeys(OPTIONAL, "w")}, "withdrawn"),
        ({"control": "default", "purposes": choose(statistics="g"), "regime": "us"}, "partly"),
    ],
)
def test_first_choices(changes: dict[str, Any], called: str) -> None:
    """All granted is given, none is refused, some is partly; what says "withdrawn" without a receipt is that."""
    assert action(settled(**changes), None) == called


@pytest.mark.parametrize("control", ["save", "api", "reject", "object"])
@pytest.mark.parametrize(
    ("before", "letter", "called"),
    [
        ("given", "d", "withdrawn"),
        ("partly", "d", "withdrawn"),
        ("changed", "d", "withdrawn"),
        ("given", "w", "withdrawn"),
        ("refused", "d", "refused"),
        ("refused", "w", "refused"),
        ("withdrawn", "d", "refused"),
        ("withdrawn", "w", "withdrawn"),
    ],
)
def test_a_later_choice_that_grants_nothing(control: str, before: Action, letter: str, called: str) -> None:
    """Whatever the button: withdrawn where the receipt granted something, or is withdrawn again; else refused."""
    assert action(settled(control=control, purposes=dict.fromkeys(OPTIONAL, letter)), before) == called


@pytest.mark.parametrize("before", ["given", "partly", "refused", "changed", "withdrawn"])
@pytest.mark.parametrize("changes", [{}, {"control": "save", "purposes": choose(statistics="g")}])
def test_a_later_choice_that_grants_something(before: Action, changes: dict[str, Any]) -> None:
    """It is a change, whatever came before."""
    assert action(settled(**changes), before) == "changed"


def test_a_refusal_reads_as_a_refusal() -> None:
    """Every optional purpose stands there as denied, in order of keys: a refusal is never an absence."""
    stored = settled(**{key: refusal(VERSION)[key] for key in ("control", "purposes")})

    assert stored.purposes == '{"marketing":"denied","preferences":"denied","social":"denied","statistics":"denied"}'


def test_what_was_left_out_is_unset() -> None:
    """A purpose that the body does not speak of is recorded as unset, and is not in the cookie."""
    stored = settled(control="save", purposes={"social": "g", "statistics": "w"})
    choice = decode(stored.cookie)

    assert json.loads(stored.purposes) == {
        "preferences": "unset",
        "statistics": "withdrawn",
        "marketing": "unset",
        "social": "granted",
    }
    assert choice is not None
    assert list(choice.purposes.items()) == [("statistics", "w"), ("social", "g")]


def test_the_cookie_says_what_was_decided() -> None:
    """Day, scope, signals, choices and the checksum of exactly the list that the browser composes."""
    stored = settled(control="save", purposes=choose(statistics="g"), services={"youtube": "g"}, gpc=True)
    choice = decode(stored.cookie)

    assert choice is not None
    assert (choice.day, choice.scope, choice.gpc, choice.regime) == (DAY, RESOLVED.scope, True, "")
    assert choice.purposes == choose(statistics="g")
    assert choice.services == {"youtube": "g"}
    assert choice.sum == checksum(list_text(RESOLVED, choose(statistics="g"), {"youtube": "g"}))


def test_a_default_is_marked_with_its_regime() -> None:
    """What an opt-out regime applies without a choice holds under that regime only."""
    choice = decode(settled(control="default", regime="us").cookie)

    assert choice is not None
    assert choice.regime == "us"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"purposes": choose() | {"spying": "g"}, "control": "save"}, "purposes.spying"),
        ({"purposes": choose() | {"necessary": "d"}, "control": "save"}, "purposes.necessary"),
        ({"services": {"hotjar": "g"}, "control": "save"}, "services.hotjar"),
        ({"control": "accept", "purposes": choose(statistics="g")}, "purposes"),
        ({"control": "accept", "purposes": {}}, "purposes"),
        ({"control": "accept", "services": {"youtube": "d"}}, "purposes"),
        ({"control": "reject"}, "purposes.preferences"),
        ({"control": "reject", "purposes": {"statistics": "d"}}, "purposes.preferences"),
        ({"control": "reject", "purposes": choose(), "services": {"youtube": "g"}}, "services"),
        ({"control": "withdraw", "purposes": choose(social="g")}, "purposes.social"),
    ],
)
def test_what_the_policy_does_not_ask_is_refused(changes: dict[str, Any], field: str) -> None:
    """Unknown or required purposes, unknown services, and controls that contradict their choices name the field."""
    with pytest.raises(Problem) as caught:
        settled(**changes)

    assert caught.value.status == 422
    assert caught.value.field == field
