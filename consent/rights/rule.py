"""Until when the proof of a choice is kept. Pure; each number has its source in `consent/regimes/*.toml`."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from consent.db import Row
from consent.policy.resolved import Resolved
from consent.records.lifetime import law, lifetime
from consent.regimes.regime import load_regimes

DAY = 86_400_000

OWNER = "owner"
"""Stands for a law's key where the owner set the number."""


class Rule(NamedTuple):
    """How many days after a choice's end its proof is deleted, by which law, and where the number is from."""

    law: str
    days: int

    def __str__(self) -> str:
        return f"{self.law} {self.days}"

    @property
    def source(self) -> str:
        """Where the number comes from."""
        known = load_regimes().get(self.law)
        return known.proof_source if known else "the setting proof_days"

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """The rule that was written down as a text."""
        name, _, days = text.rpartition(" ")
        return cls(name, int(days))


def rule(resolved: Resolved, regime: str, owner: int) -> Rule:
    """The rule for a choice made under a law; `owner` is the setting, 0 where it names none."""
    followed = law(resolved, regime)
    return Rule(OWNER, owner) if owner else Rule(followed.key, followed.proof_days)


def limit(last: Row, resolved: Resolved, owner: int) -> int:
    """The moment (ms) from which a chain may be kept no longer, by its last record: its choice's life and the rule."""
    days = lifetime(resolved, last["regime"], grants=grants(last))
    return int(last["time"]) + (days + rule(resolved, last["regime"], owner).days) * DAY


def grants(record: Row) -> bool:
    """Whether a stored record allows anything."""
    states: Iterable[str] = (
        *msgspec.json.decode(record["purposes"], type=dict[str, str]).values(),
        *msgspec.json.decode(record["services"], type=dict[str, str]).values(),
    )
    return "granted" in states


def shortest(owner: int) -> int:
    """Days below which no proof is deleted, whatever was chosen under whichever law."""
    return owner or min(one.proof_days for one in load_regimes().values())
