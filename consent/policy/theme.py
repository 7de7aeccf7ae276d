"""The theme shipped and its rules (`themes.toml`), and what a site's own values make of it."""

import tomllib
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from consent.policy.policy import Colours, Theme


class Contrast(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A colour and what it must be told apart from, by at least this ratio."""

    of: str
    on: tuple[str, ...]
    least: float


class Equal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of accept's contrast refuse must have at least: its text's, and its button's to the card."""

    text: float
    button: float


class Shipped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds where a site says nothing."""

    radius: str
    font: str
    control_inset: str
    light: dict[str, str]
    dark: dict[str, str]


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file `themes.toml`."""

    schemes: tuple[str, ...]
    positions: tuple[str, ...]
    controls: tuple[str, ...]
    kinds: dict[str, str]
    tokens: dict[str, str]
    contrast: tuple[Contrast, ...]
    equal: Equal
    default: Shipped

    @property
    def colours(self) -> tuple[str, ...]:
        """Names of the tokens that are colours."""
        return tuple(name for name, kind in self.tokens.items() if kind == "colour")


class Look(msgspec.Struct, frozen=True):
    """A theme with nothing left open; colours are `#rrggbb` by token."""

    scheme: Literal["auto", "light", "dark"]
    position: Literal["bottom", "center"]
    control: Literal["bottom-left", "bottom-right", "none"]
    radius: str
    font: str
    control_inset: str
    light: dict[str, str]
    dark: dict[str, str]

    def tokens(self) -> dict[str, str]:
        """The flat map that the widget reads: custom properties, the dark scheme's as `--dark-…`, and plain keys."""
        one = self.dark if self.scheme == "dark" else self.light
        flat = {_property(name): value for name, value in one.items()}
        flat |= {_property(name): getattr(self, name) for name in ("radius", "font", "control_inset")}
        if self.scheme == "auto":
            flat |= {f"--dark{_property(name)[1:]}": value for name, value in self.dark.items()}
        return flat | {"scheme": self.scheme, "position": self.position}


@cache
def load_rules() -> Rules:
    """The theme shipped and what every theme must keep to."""
    text = (resources.files("consent.policy") / "themes.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Rules)


def look(theme: Theme) -> Look:
    """Fill what the owner left open from the theme shipped."""
    shipped = load_rules().default
    dark_only = theme.scheme == "dark"
    return Look(
        scheme=theme.scheme,
        position=theme.position,
        control=theme.control,
        radius=shipped.radius if theme.radius is None else theme.radius,
        font=shipped.font if theme.font is None else theme.font,
        control_inset=shipped.control_inset if theme.control_inset is None else theme.control_inset,
        light=shipped.light if dark_only else shipped.light | given(theme),
        dark=shipped.dark | (given(theme) if dark_only else {}) | given(theme.dark),
    )


def given(colours: Colours) -> dict[str, str]:
    """The colours that the owner wrote."""
    named = {name: getattr(colours, name) for name in Colours.__struct_fields__}
    return {name: value.lower() for name, value in named.items() if value is not None}


def _property(token: str) -> str:
    return f"--{token.replace('_', '-')}"
