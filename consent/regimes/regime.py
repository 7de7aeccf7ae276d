"""A regime: what one law asks, as data (`*.toml`), each number with its source."""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Literal

import msgspec


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One region with a law of its own."""

    region: str  # ISO 3166-2
    law: str
    effective_from: date
    source: str
    signal_from: date | None = None  # since when a browser's signal must be honoured


class Regime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One law: `opt-in` runs nothing before consent, `opt-out` runs optional purposes until refused or signalled."""

    name: str
    model: Literal["opt-in", "opt-out"]
    gpc: Literal["deny", "ignore"]  # what the Global Privacy Control means for the purposes it covers
    reask_days: int  # a choice is not asked again before
    signal_shown: bool  # the visitor must see that the signal was taken
    shown: bool  # whether it may be counted, before a choice, that a layer was shown
    proof_days: int  # a choice's proof is kept for so long after the choice has ended, and no longer
    proof_source: str  # where that number comes from
    source: str
    audience: bool  # visits may be counted anonymously before a choice, as long as nobody objected
    countries: tuple[str, ...] = ()  # ISO 3166-1 alpha-2
    audience_countries: tuple[str, ...] = ()  # where only some of the countries exempt that; empty: all of them
    states: tuple[State, ...] = ()
    key: str = ""  # the stem of the file

    @property
    def regions(self) -> frozenset[str]:
        """ISO 3166-2 codes of the regions with a law of their own."""
        return frozenset(state.region for state in self.states)


#: What a visitor of unknown place is treated by, unless the policy says otherwise: nothing runs before consent.
STRICTEST = "eu"


@cache
def load_regimes() -> dict[str, Regime]:
    """Every law that the software knows, by key."""
    files = [f for f in resources.files("consent.regimes").iterdir() if f.name.endswith(".toml")]
    return {key: _read(key, file.read_text("utf-8")) for key, file in sorted((f.name[:-5], f) for f in files)}


def _read(key: str, text: str) -> Regime:
    return msgspec.convert({**tomllib.loads(text), "key": key}, Regime)


def in_force(regimes: Mapping[str, Regime], today: date) -> dict[str, Regime]:
    """The same laws with only those regions whose law is in force on that day."""
    return {
        key: msgspec.structs.replace(regime, states=tuple(s for s in regime.states if s.effective_from <= today))
        for key, regime in regimes.items()
    }


def exempts(law: Regime, country: str | None) -> bool:
    """Whether an anonymous audience measurement is exempt from consent there; of an unknown country it is not."""
    if country is None or not law.audience:
        return False
    return not law.audience_countries or country.upper() in law.audience_countries


def choose(country: str | None, region: str | None, regimes: Mapping[str, Regime]) -> Regime | None:
    """The law of a region (`US-CA`), else of a country (`DE`); None means unknown, hence the strictest."""
    for regime in regimes.values():
        if region is not None and region.upper() in regime.regions:
            return regime
    for regime in regimes.values():
        if country is not None and country.upper() in regime.countries:
            return regime
    return None
