"""Reading a policy: every fault at once, with its place."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.policy.finding import PolicyError
from consent.policy.policy import parse
from tests.policy.site import BASE, policy


def faults(text: str) -> dict[str, str]:
    with pytest.raises(PolicyError) as caught:
        parse(text)
    return {finding.path: f"{finding.message} {finding.remedy}" for finding in caught.value.findings}


def test_defaults() -> None:
    """A policy of five lines is complete: the rest has defaults."""
    read = policy()

    assert read.languages == ("en",)
    assert read.days == 180
    assert read.cookie.name == "consent"
    assert read.after_accept == "declared"
    assert read.regimes.default == "eu"


def test_all_faults_at_once() -> None:
    """Every fault is found in one run, each with the path of the value."""
    found = faults(
        """
        sight = "demo"
        origins = "x"
        days = 0
        languages = ["en", "??"]
        [controller]
        nam = "x"
        [[purposes]]
        key = "Statistics"
        [services.You_Tube]
        reason = 3
        [services.b]
        cookies = [{name = "x", duraton = "3"}]
        kind = "bla"
        [theme]
        akzent = "red"
        scheme = "blue"
        [texts.en]
        layer_accept = 1
        """
    )

    assert set(found) == {
        "sight",
        "site",
        "origins",
        "days",
        "languages[1]",
        "controller.nam",
        "controller.name",
        "purposes[0].key",
        "services.You_Tube",
        "services.You_Tube.reason",
        "services.b.cookies[0].duraton",
        "services.b.kind",
        "theme.akzent",
        "theme.scheme",
        "texts.en.layer_accept",
    }
    assert "Did you mean site?" in found["sight"]
    assert "Did you mean duration?" in found["services.b.cookies[0].duraton"]


def test_an_unknown_key_is_refused_everywhere() -> None:
    """No table takes a key that it does not know, whatever its name."""
    tables = ["", "[cookie]", "[[purposes]]\nkey = 'a'", "[services.youtube]", "[theme]", "[theme.dark]", "[regimes]"]
    for table in tables:
        assert any(
            "There is no setting named zzz" in text for text in faults(f"{BASE}\n{table}\nzzz = 1").values()
        ) or (table == "")
    assert "There is no setting named zzz" in faults(f"zzz = 1\n{BASE}")["zzz"]


def test_not_toml() -> None:
    """What is no TOML is refused with the line."""
    assert "line 1" in faults("site == 3")[""]


def test_the_error_has_a_face() -> None:
    """The error can be shown as JSON: every finding with path, sentence and remedy."""
    with pytest.raises(PolicyError) as caught:
        parse("sight = 1")
    face = caught.value.face()

    assert face["error"] == "policy"
    assert face["findings"][0]["path"] == "sight"
    assert set(face["findings"][0]) == {"path", "message", "remedy", "severity"}


@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    """Whatever the file holds, reading ends in a policy or in findings."""
    with pytest.raises(PolicyError):
        parse(text)
    with suppress(PolicyError):
        parse(f"{BASE}\n[texts.en]\nlayer_accept = '''{text}'''")
