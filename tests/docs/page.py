"""A page of the documentation as its parts: sections by heading, and the tables in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

Row = list[str]


def read(name: str) -> str:
    """The text of a page of `docs/`."""
    return (DOCS / name).read_text("utf-8")


def section(text: str, heading: str) -> str:
    """What stands under a heading, down to the next of its level or above."""
    level = heading.partition(" ")[0]
    start = text.index(f"\n{heading}\n") + len(heading) + 2
    following = re.search(rf"^#{{1,{len(level)}}} ", text[start:], re.M)
    return text[start : start + following.start()] if following else text[start:]


def tables(text: str) -> list[list[Row]]:
    """Every table, each as its rows without the head; cells without the spaces around them."""
    found: list[list[Row]] = []
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.M):
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in block.strip().splitlines()]
        assert re.fullmatch("-+", rows[1][0]), f"a table without a head: {rows[0]}"
        found.append(rows[2:])
    return found


def names(rows: list[Row], column: int = 0) -> list[str]:
    """What the cells of a column name: their first text in backticks."""
    return [match[1] for row in rows if (match := re.search("`([^`]+)`", row[column]))]


def fences(text: str, language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)
