"""What visitors chose, counted: rates, differences, rows of a breakdown. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from consent.reports.chart import part

ACTIONS = (("given", "Agreed to all", "s1"), ("partly", "Agreed in part", "s2"), ("refused", "Refused", "s3"))
"""First answers: action, its name, its colour."""


class Choices(msgspec.Struct, frozen=True):
    """How many choices of each kind. `changed` and `withdrawn` are second thoughts about an earlier answer."""

    given: int = 0
    partly: int = 0
    refused: int = 0
    changed: int = 0
    withdrawn: int = 0

    def __add__(self, other: "Choices") -> "Choices":
        return Choices(*(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    @property
    def counts(self) -> tuple[int, ...]:
        """The five numbers."""
        return (self.given, self.partly, self.refused, self.changed, self.withdrawn)

    @property
    def answered(self) -> int:
        """First answers."""
        return self.given + self.partly + self.refused

    @property
    def total(self) -> int:
        """All of them: as many as there are records."""
        return sum(self.counts)

    @property
    def opt_in(self) -> float | None:
        """Part of the first answers that agreed to something, everything included; None where nobody answered."""
        return (self.given + self.partly) / self.answered if self.answered else None

    @property
    def whole(self) -> float | None:
        """Part of the first answers that agreed to everything."""
        return self.given / self.answered if self.answered else None

    @property
    def opt_out(self) -> float | None:
        """Part of the first answers that refused everything."""
        return self.refused / self.answered if self.answered else None

    @property
    def parts(self) -> tuple[tuple[float, float, str], ...]:
        """The three first answers side by side: place and width in per cent, colour."""
        found, x = [], 0.0
        for count, (_, _, style) in zip(self.counts, ACTIONS, strict=False):
            width = part(count, self.answered)
            if width:
                found.append((round(x, 2), width, style))
            x += width
        return tuple(found)


class Row(msgspec.Struct, frozen=True):
    """One line of a breakdown: a value, its choices, and those it is compared with."""

    value: str
    choices: Choices
    against: Choices | None = None

    @property
    def moved(self) -> float | None:
        """By how much the opt-in rate differs from the one it is compared with."""
        return difference(self.choices.opt_in, self.against.opt_in if self.against else None)


def choices(row: Mapping[str, Any]) -> Choices:
    """The choices in a row of the rollups; what was deleted since was said all the same."""
    return Choices(**{name: int(row[name] or 0) for name in Choices.__struct_fields__})


def total(rows: Iterable[Choices]) -> Choices:
    """All of them together."""
    found = Choices()
    for one in rows:
        found += one
    return found


def difference(now: float | None, before: float | None) -> float | None:
    """What was added since; None where either is unknown."""
    return None if now is None or before is None else now - before


def change(now: float, before: float) -> float | None:
    """By what part a number grew; None where there was none before."""
    return None if not before else now / before - 1
