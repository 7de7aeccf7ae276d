"""A list of people, as CSV or as an Excel workbook: read within bounds, every fault with its row. Pure."""

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

from consent.accounts import workbook
from consent.accounts.account import Role, check_email, check_role
from consent.errors import Problem

MOST = 100
"""People at once."""

MAX_BYTES = 1_000_000
"""Of a file, whichever kind."""

MAX_CELL = 400
"""Characters."""

_FORMULA = ("=", "+", "@", "\t")
"""How a cell begins that a spreadsheet would run; an address or a role never does."""


class Person(NamedTuple):
    """One row: who, as what; `role` is None where the list does not say. `row` counts from one."""

    row: int
    email: str
    role: Role | None


class Fault(NamedTuple):
    """What is wrong with a row."""

    row: int
    sentence: str


class Listed(NamedTuple):
    """A list as it was read: whom to invite, and what could not be."""

    people: list[Person]
    faults: list[Fault]


def read(body: bytes) -> Listed:
    """The people of a file. Raises Problem for a file that cannot be read at all."""
    return judge(rows_of(body))


def rows_of(body: bytes) -> list[list[str]]:
    """The cells of a file. Raises Problem."""
    if len(body) > MAX_BYTES:
        raise Problem("people_list", f"The file is larger than {MAX_BYTES:,} bytes.", "A list of 100 people is small.")
    if body.startswith(b"PK"):
        return workbook.rows(body, most=MOST * 10)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("cp1252", "replace")  # what Excel writes where it is not told otherwise
    return _cells(text)


def judge(rows: Sequence[Sequence[str]]) -> Listed:
    """The people of these cells: an address, and beside it a role where one is named. A head is not needed."""
    listed, seen = Listed([], []), set[str]()
    for number, cells in enumerate(rows, 1):
        named = [cell.strip() for cell in cells if cell.strip()]
        if not named or (number == 1 and not any("@" in cell for cell in named)):
            continue
        try:
            person = _person(number, named)
        except Problem as problem:
            listed.faults.append(Fault(number, str(problem)))
            continue
        if person.email in seen:
            listed.faults.append(Fault(number, f"{person.email} stands here twice."))
        elif len(seen) >= MOST:
            raise Problem("people_list", f"The list has more than {MOST} people.", "Import it in parts.")
        else:
            listed.people.append(person)
            seen.add(person.email)
    return listed


def _person(number: int, named: list[str]) -> Person:
    if any(len(cell) > MAX_CELL for cell in named):
        raise Problem("people_list", f"A cell is longer than {MAX_CELL} characters.", "Give an address and a role.")
    if any(cell.startswith(_FORMULA) for cell in named):
        raise Problem("people_list", "A cell begins as a formula does.", "Give the value itself.")
    address = next((cell for cell in named if "@" in cell), named[0])
    words = [cell for cell in named if cell.lower() in set(Role)]
    return Person(number, check_email(address), check_role(words[0]) if words else None)


def _cells(text: str) -> list[list[str]]:
    mark = max("\t;,", key=text.count)
    try:
        return [row for row, _ in zip(csv.reader(io.StringIO(text), delimiter=mark), range(MOST * 10), strict=False)]
    except csv.Error as error:
        raise Problem("people_list", f"The list cannot be read: {error}.", "Write one person a line.") from error
