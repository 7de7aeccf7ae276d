"""The themes shipped, and what a site's own colours make of them."""

import msgspec

from consent.policy.policy import Colours, Theme


class Palette(msgspec.Struct, frozen=True):
    """Every colour of one scheme, as `#rrggbb`."""

    background: str
    text: str
    accent: str  # links, focus rings, switches that are on
    accent_text: str  # on accent
    accept_background: str
    accept_text: str
    reject_background: str
    reject_text: str


class Look(msgspec.Struct, frozen=True):
    """A theme with nothing left open."""

    scheme: str
    radius: str
    font: str
    position: str
    control: str
    light: Palette
    dark: Palette


LIGHT = Palette(
    background="#ffffff", text="#1c2430", accent="#1f4fd8", accent_text="#ffffff",
    accept_background="#1c2f5c", accept_text="#ffffff", reject_background="#1c2f5c", reject_text="#ffffff",
)  # fmt: skip
DARK = Palette(
    background="#171c26", text="#eef1f6", accent="#9db8ff", accent_text="#10141c",
    accept_background="#dfe7ff", accept_text="#131a2c", reject_background="#dfe7ff", reject_text="#131a2c",
)  # fmt: skip


def look(theme: Theme) -> Look:
    """Fill what the owner left open from the theme shipped."""
    dark_only = theme.scheme == "dark"
    return Look(
        scheme=theme.scheme, radius=theme.radius, font=theme.font, position=theme.position, control=theme.control,
        light=LIGHT if dark_only else _mix(LIGHT, theme),
        dark=_mix(_mix(DARK, theme) if dark_only else DARK, theme.dark),
    )  # fmt: skip


def _mix(palette: Palette, colours: Colours) -> Palette:
    given = {name: getattr(colours, name) for name in Palette.__struct_fields__}
    return msgspec.structs.replace(palette, **{k: v.lower() for k, v in given.items() if v is not None})
