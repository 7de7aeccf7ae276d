"""The table of OWASP ASVS 5.0.0 is whole, and names tests and headings that exist."""

import ast
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
TABLE: dict[str, dict[str, Any]] = tomllib.loads((ROOT / "tests" / "asvs.toml").read_text("utf-8"))
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
VERDICTS = {
    "tests": "shown by tests",
    "docs": "written down here or beside it",
    "none": "does not apply",
    "install": "left to whoever installs",
    "open": "not met",
}
LEVELS = {1: 70, 2: 183}
"""How many requirements the standard has at each level (5.0.0)."""


def verdict(one: dict[str, Any]) -> str:
    """The one key that says how it stands."""
    [found] = set(one) & set(VERDICTS)
    return found


@cache
def known_in(path: str) -> frozenset[str]:
    """The tests of a file; those of a class with its name."""
    tree = ast.parse((ROOT / "tests" / path).read_text("utf-8"))
    found = [
        (prefix.name + "::", one) for prefix in tree.body if isinstance(prefix, ast.ClassDef) for one in prefix.body
    ]
    found += [("", one) for one in tree.body]
    return frozenset(
        prefix + one.name for prefix, one in found if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@cache
def headings_in(name: str) -> frozenset[str]:
    """The anchors of a page."""
    titles = re.findall(r"^#+ (.+)$", (ROOT / "docs" / name).read_text("utf-8"), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles)


def test_it_is_whole() -> None:
    """Every requirement of both levels is there, once, with one answer."""
    assert Counter(one["level"] for one in TABLE.values()) == LEVELS
    assert all(
        re.fullmatch(r"\d+\.\d+\.\d+", name) and one["asks"] and one[verdict(one)] for name, one in TABLE.items()
    )


@pytest.mark.parametrize("name", [name for name, one in TABLE.items() if "tests" in one])
def test_its_tests_exist(name: str) -> None:
    """A test that is named is one that runs."""
    missing = [one for one in TABLE[name]["tests"] if one.partition("::")[2] not in known_in(one.partition("::")[0])]

    assert missing == []


@pytest.mark.parametrize("name", [name for name, one in TABLE.items() if "docs" in one])
def test_its_pages_exist(name: str) -> None:
    """A heading that is named is on its page."""
    missing = [one for one in TABLE[name]["docs"] if one.partition("#")[2] not in headings_in(one.partition("#")[0])]

    assert missing == []


def test_the_page_says_the_same() -> None:
    """The counts are those of the table, and each gap is told with what is missing."""
    counts = Counter(map(verdict, TABLE.values()))
    told = {words: int(number) for words, number in re.findall(r"^\| ([a-z ]+) \| (\d+) \|$", PAGE, re.MULTILINE)}
    gaps = [f"* **{name}**, {one['asks']}. {one['open']}" for name, one in TABLE.items() if "open" in one]

    assert told == {words: counts[key] for key, words in VERDICTS.items()}
    assert [gap for gap in gaps if gap not in PAGE.splitlines()] == []
    assert len(re.findall(r"^\* \*\*\d+\.\d+\.\d+\*\*", PAGE, re.MULTILINE)) == len(gaps)
