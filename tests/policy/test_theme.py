"""Themes: what is refused, and that nothing unreadable or unequal gets through (EU-05, EU-06, WCAG 2.2)."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.policy.contrast import contrast
from consent.policy.duties.theme import check_theme, shown
from consent.policy.policy import Colours, Theme
from consent.policy.theme import load_rules, look
from tests.policy.site import errors, policy

RULES = load_rules()


def faults(toml: str) -> dict[str, str]:
    found = list(check_theme(policy(f"[theme]\n{toml}")))
    return {place.path: " ".join(f.message for f in found if f.path == place.path) for place in found}


def test_the_schema_knows_every_token() -> None:
    """What `themes.toml` calls a token can be set in a policy, and nothing else."""
    assert set(Colours.__struct_fields__) == set(RULES.colours)
    assert set(Theme.__struct_fields__) - set(Colours.__struct_fields__) == {
        *(name for name in RULES.tokens if name not in RULES.colours),
        "scheme",
        "position",
        "control",
        "dark",
    }
    assert set(RULES.default.light) == set(RULES.default.dark) == set(RULES.colours)


@pytest.mark.parametrize(("scheme", "position"), list(product(RULES.schemes, RULES.positions)))
def test_what_is_shipped_passes(scheme: str, position: str) -> None:
    """Every theme shipped keeps to its own rules."""
    assert errors(f"[theme]\nscheme = '{scheme}'\nposition = '{position}'") == {}


@pytest.mark.parametrize(
    ("toml", "path", "words"),
    [
        ("reject_background = '#e8ecf4'\nreject_text = '#1a2233'", "theme.reject_background", "paler"),
        ("reject_background = '#ffffff'\nreject_text = '#1d2b52'", "theme.reject_background", "paler"),
        ("accept_background = '#006622'\nreject_background = '#4a4a4a'", "theme.reject_background", "grey"),
        ("reject_background = '#222222'\nreject_text = '#999999'", "theme.reject_text", "stands out less"),
        ("reject_text = '#445577'", "theme.reject_text", "contrast"),
        ("accept_text = '#445577'", "theme.accept_text", "contrast"),
        ("text = '#999999'", "theme.text", "contrast"),
        ("accent = '#ffcc00'", "theme.accent", "contrast"),
        ("outline = '#dddddd'", "theme.outline", "contrast"),
        (
            "[theme.dark]\nreject_background = '#202632'\nreject_text = '#eceff5'",
            "theme.dark.reject_background",
            "paler",
        ),
        ("scheme = 'dark'\ntext = '#333333'", "theme.text", "contrast"),
    ],
)
def test_unequal_or_unreadable(toml: str, path: str, words: str) -> None:
    """A theme in which refusing is paler, greyer or less readable, or which cannot be read, is refused."""
    assert words in faults(toml)[path]


@pytest.mark.parametrize(
    ("toml", "path"),
    [
        ("accent = 'red'", "theme.accent"),
        ("accent = '#12345'", "theme.accent"),
        ("accent = 'url(//x.example)'", "theme.accent"),
        ("accent = '#1f4fd8;--x:1'", "theme.accent"),
        ("radius = '100vw'", "theme.radius"),
        ("radius = '99px'", "theme.radius"),
        ("radius = '1px;}'", "theme.radius"),
        ("font = 'x; background: url(//x.example)'", "theme.font"),
        ("font = 'a{b}'", "theme.font"),
        ('font = "Arial, \'Open"', "theme.font"),
        ("control_inset = '500px'", "theme.control_inset"),
        ("[theme.dark]\naccent = '#fff'", "theme.dark.accent"),
    ],
)
def test_values_are_data(toml: str, path: str) -> None:
    """No value of a theme can be more than a colour, a length or the name of a font."""
    assert path in faults(toml)


def test_dark_is_not_judged_where_nobody_sees_it() -> None:
    """A scheme that is fixed is judged by its own colours only."""
    assert faults("scheme = 'light'\n[theme.dark]\ntext = '#171b24'") == {}


def test_refusing_may_stand_out_more() -> None:
    """Only weakening refusal is refused, not weakening acceptance."""
    assert faults("accept_background = '#5b6680'\nreject_background = '#0b1430'") == {}


channel = st.integers(0, 255)
colour = st.builds("#{:02x}{:02x}{:02x}".format, channel, channel, channel)
near = st.sampled_from(["#ffffff", "#000000", "#1d2b52", "#dce5ff", "#767676", "#006622"])
themes: st.SearchStrategy[dict[str, Any]] = st.dictionaries(st.sampled_from(RULES.colours), colour | near, max_size=6)


@given(themes, themes, st.sampled_from(RULES.schemes))
@settings(max_examples=300)
def test_what_passes_is_equal_and_readable(light: dict[str, Any], dark: dict[str, Any], scheme: Any) -> None:
    """Of any colours, what the check lets through can be read, and refusing is no weaker than accepting."""
    made = policy()
    theme = Theme(**light, scheme=scheme, dark=Colours(**dark))
    made = type(made)(site=made.site, origins=made.origins, controller=made.controller, theme=theme)
    if list(check_theme(made)):
        return
    for _, palette in shown(look(theme)):
        assert _ratio(palette["text"], palette["background"]) >= 4.5
        assert _ratio(palette["accept_text"], palette["accept_background"]) >= 5
        assert _ratio(palette["reject_text"], palette["reject_background"]) >= 5
        assert _ratio(palette["reject_background"], palette["background"]) >= 0.9 * _ratio(
            palette["accept_background"], palette["background"]
        )


def _ratio(a: str, b: str) -> float:
    """WCAG 2.2's contrast, written a second time."""

    def light(text: str) -> float:
        value = int(text[1:], 16)
        linear = []
        for shift in (16, 8, 0):
            part = (value >> shift & 255) / 255
            linear.append(part / 12.92 if part <= 0.03928 else pow((part + 0.055) / 1.055, 2.4))
        return linear[0] * 0.2126 + linear[1] * 0.7152 + linear[2] * 0.0722

    high, low = max(light(a), light(b)), min(light(a), light(b))
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_known_colours() -> None:
    """The figures that WCAG's own examples have."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert contrast("#ffffff", "#767676") == contrast("#767676", "#ffffff")


def test_tokens() -> None:
    """The widget gets one flat map: both schemes for auto, one without prefix where it is fixed."""
    auto, dark = look(Theme(accent="#123456")).tokens(), look(Theme(scheme="dark", accent="#ABCDEF")).tokens()

    assert auto["--accent"] == "#123456"
    assert auto["--dark-accent"] == RULES.default.dark["accent"]
    assert auto["scheme"] == "auto"
    assert dark["--accent"] == "#abcdef"
    assert not any(name.startswith("--dark") for name in dark)
