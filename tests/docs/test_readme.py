"""The first page promises no more than the measurements say."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def residue() -> dict[str, dict[str, dict[str, dict[str, str]]]]:
    found: dict[str, dict[str, dict[str, dict[str, str]]]] = json.loads(
        (ROOT / "tests/browser/residue.json").read_text("utf-8")
    )
    return found


def rows() -> list[tuple[set[str], str]]:
    """Kinds named in each row of the table, and the row."""
    table = README.partition("## What it cannot stop")[2].partition("\n## ")[0]
    return [
        (set(re.findall(r"`([sdwa]-[a-z-]+)`", line)), line)
        for line in table.splitlines()
        if re.search(r"`[sdwa]-", line)
    ]


def test_what_is_left_is_told() -> None:
    """Every kind that was measured to get through stands in the table, and no other."""
    named = set().union(*(kinds for kinds, _ in rows()))
    measured = {kind for states in residue().values() for state in states["meta"].values() for kind in state}

    assert named == measured


def test_what_strict_leaves_is_marked() -> None:
    """Every kind that the strict variant lets through stands in a row marked S."""
    marked = set().union(*(kinds for kinds, line in rows() if ", S" in line))
    measured = {
        kind
        for states in residue().values()
        for variant, by_state in states.items()
        for state in by_state.values()
        for kind in state
        if variant == "strict"
    }

    assert measured <= marked


def test_the_catalogue_is_counted() -> None:
    """The number of services on the page is the number of files."""
    count = len(list((ROOT / "consent/catalogue/services").glob("*.toml")))

    assert f"{count} services" in README
