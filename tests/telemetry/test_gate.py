"""How far the visitors' log may go for one visitor: a truth table, and what must hold whatever is said."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.policy.queries import Version
from consent.records.cookie import Choice, decode
from consent.telemetry.gate import level, refuses
from tests.policy.site import resolved

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "gate.json").read_text("utf-8"))
TODAY = VECTORS["today"]
SAME, ASK = "5a5e5a5e", "a5ca5ca5"

PURPOSES = """
[[purposes]]
key = "necessary"
[[purposes]]
key = "statistics"
gpc = COVERED
[[purposes]]
key = "marketing"
[telemetry]
counts = COUNTS
"""


def version(*, covered: bool = False, counts: bool = True) -> Version:
    """The policy that the vectors speak of."""
    text = PURPOSES.replace("COVERED", str(covered).lower()).replace("COUNTS", str(counts).lower())
    made = resolved(text)
    return Version(1, 1, made.hash, made.scope, made, 0)


def said(case: dict[str, Any], scope: str) -> Choice | None:
    """The choice of a case, with the scopes written out."""
    text = case["choice"]
    for name, written in (("SCOPE", scope), ("SAME", SAME), ("ASK", ASK)):
        text = text.replace(f".{name}.", f".{written}.")
    return decode(text)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_vectors(case: dict[str, Any]) -> None:
    """Every case of the table comes out as it says."""
    made = version(covered=case["covered"], counts=case["counts"])
    found = level(
        made, said(case, made.scope),
        exempt=case["exempt"], gpc=case["gpc"], today=TODAY, same={SAME}, law=case["law"],
    )  # fmt: skip

    assert found == case["level"]


def test_the_table_has_every_outcome() -> None:
    """Each level is there, with and without each fact that may change it."""
    for fact in ("exempt", "gpc", "covered", "counts"):
        assert {case[fact] for case in VECTORS["cases"]} == {True, False}
    assert {case["level"] for case in VECTORS["cases"]} == {"nothing", "count", "full"}


def test_without_the_table_nothing_is_kept() -> None:
    """A policy without [telemetry] keeps nothing, whatever the choice."""
    made = resolved()
    choice = Choice(day=TODAY, scope=made.scope, purposes=dict.fromkeys(["preferences", "statistics"], "g"))

    assert (
        level(
            Version(1, 1, made.hash, made.scope, made, 0),
            choice,
            exempt=True,
            gpc=False,
            today=TODAY,
            same=(),
            law="eu",
        )
        == "nothing"
    )


LETTERS = st.dictionaries(st.sampled_from(["statistics", "marketing", "other"]), st.sampled_from("gdwo"))
GRANTS = st.dictionaries(st.sampled_from(["visits", "other"]), st.sampled_from("gd"))


@settings(deadline=None)
@given(
    purposes=LETTERS,
    services=GRANTS,
    day=st.integers(TODAY - 500, TODAY + 5),
    scope=st.sampled_from(["", SAME, ASK]),
    signals=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    law=st.sampled_from(["", "eu", "us"]),
)
def test_a_refusal_is_never_outweighed(
    *,
    purposes: dict[str, Any],
    services: dict[str, Any],
    day: int,
    scope: str,
    signals: tuple[bool, bool, bool],
    law: str,
) -> None:
    """Who refuses has nothing kept; rows need a grant of the purpose or the service; law, signal and time only take."""
    exempt, gpc, covered = signals
    made = version(covered=covered)
    choice = Choice(
        day=day, scope=scope or made.scope, purposes=purposes, services=dict(sorted(services.items())), gpc=False
    )
    found = level(made, choice, exempt=exempt, gpc=gpc, today=TODAY, same={SAME}, law=law)

    if refuses(choice, ["statistics"]):
        assert found == "nothing"
    if found == "full":
        assert "g" in (purposes.get("statistics"), services.get("visits"))
        assert not (gpc and covered)
        assert level(made, msgspec.structs.replace(choice, purposes={}, services={}),
                     exempt=exempt, gpc=gpc, today=TODAY, same={SAME}, law=law) != "full"  # fmt: skip
    if found == "count":
        assert exempt
