"""Laws: data that is complete, and the one that a place falls under."""

from datetime import date

import pytest

from consent.regimes.regime import STRICTEST, Regime, choose, exempts, in_force, load_regimes

LAWS = load_regimes()


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_file(law: Regime) -> None:
    """Every law says what it asks, for whom, and where that stands."""
    assert law.source.startswith("https://")
    assert law.countries or law.states
    assert 30 <= law.reask_days <= 400
    assert all(len(country) == 2 and country.isupper() for country in law.countries)
    assert len(set(law.countries)) == len(law.countries)
    for state in law.states:
        assert state.region[:3] == "US-" and len(state.region) == 5
        assert state.source.startswith("https://")
        assert state.signal_from is None or state.signal_from >= state.effective_from
    assert len(law.regions) == len(law.states)


def test_no_place_has_two_laws() -> None:
    """A country or region is in one file only."""
    countries = [country for law in LAWS.values() for country in law.countries]

    assert len(countries) == len(set(countries))


def test_the_laws() -> None:
    """EU and EEA, United Kingdom, Switzerland and the American states, of which twelve demand the signal (US-14)."""
    signal = {state.region[3:] for state in LAWS["us"].states if state.signal_from}

    assert set(LAWS) == {"eu", "uk", "ch", "us"}
    assert len(LAWS["eu"].countries) >= 30
    assert len(LAWS["us"].states) >= 19
    assert signal == {"CA", "CO", "CT", "TX", "MT", "NE", "NH", "NJ", "MN", "MD", "DE", "OR"}
    assert {key for key, law in LAWS.items() if law.model == "opt-out"} == {"us"}
    assert LAWS[STRICTEST].model == "opt-in"
    assert LAWS["us"].signal_shown
    assert LAWS["us"].reask_days == 365


@pytest.mark.parametrize(
    ("country", "region", "key"),
    [
        ("DE", None, "eu"),
        ("de", "DE-BY", "eu"),
        ("NO", None, "eu"),
        ("GB", "GB-SCT", "uk"),
        ("CH", None, "ch"),
        ("US", "US-CA", "us"),
        ("US", "us-tx", "us"),
        ("US", "US-NY", None),
        ("US", None, None),
        (None, "US-CA", "us"),
        ("JP", None, None),
        (None, None, None),
        ("XX", "", None),
    ],
)
def test_choose(country: str | None, region: str | None, key: str | None) -> None:
    """A region's law comes first, then its country's; an unknown place has none, and so the strictest is used."""
    law = choose(country, region, LAWS)

    assert (law.key if law else None) == key


def test_a_law_begins_on_its_day() -> None:
    """Before a state's law is in force its visitors have the default."""
    before, after = in_force(LAWS, date(2025, 9, 30)), in_force(LAWS, date(2025, 10, 1))

    assert choose("US", "US-MD", before) is None
    assert choose("US", "US-MD", after) is not None
    assert choose("FR", None, in_force(LAWS, date(1990, 1, 1))) == LAWS["eu"]


@pytest.mark.parametrize(
    ("key", "country", "exempt"),
    [
        ("eu", "FR", True),
        ("eu", "re", True),
        ("eu", "ES", True),
        ("eu", "IT", True),
        ("eu", "DE", False),
        ("eu", None, False),
        ("uk", "GB", True),
        ("us", "US", True),
        ("us", None, False),
        ("ch", "CH", False),
    ],
)
def test_where_visits_may_be_counted(key: str, country: str | None, exempt: bool) -> None:
    """Anonymous counts need no choice in France, Spain, Italy, the United Kingdom and the American states alone."""
    assert exempts(LAWS[key], country) is exempt
    assert set(LAWS[key].audience_countries) <= set(LAWS[key].countries)
