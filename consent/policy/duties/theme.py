"""Themes: refusing is as easy to see as accepting (EU-05, EU-06), and everything can be read (WCAG 2.2)."""

import re
from collections.abc import Iterator

from consent.policy.contrast import chroma, contrast, is_colour
from consent.policy.finding import Finding
from consent.policy.policy import Colours, Policy, Theme
from consent.policy.theme import Look, Palette, look

TEXT = 4.5  # WCAG 2.2, 1.4.3
BUTTON_TEXT = 5.0  # TCF Policies, appendix B, C(g), for the two calls to action; more than WCAG asks
PALER = 0.9  # refusing has at least this share of accepting's contrast to the background: a tint, not a hint
GREYER = 0.25  # and may be less colourful by this much, of 1

_RADIUS = re.compile(r"(\d{1,2}(\.\d)?)(px|rem|em)?", re.ASCII)
_FONT = re.compile(r"[A-Za-z0-9 ,'\"._-]{1,120}", re.ASCII)
_RADIUS_LIMITS = {"px": 32.0, "rem": 2.0, "em": 2.0, None: 0.0}


def check_theme(policy: Policy) -> Iterator[Finding]:
    """Values are plain data, and in each scheme that a visitor can meet both buttons weigh the same."""
    faults = [*_values(policy.theme), *_colours("theme", policy.theme), *_colours("theme.dark", policy.theme.dark)]
    yield from faults
    if faults:
        return
    for path, palette in _shown(look(policy.theme)):
        yield from _readable(path, palette)
        yield from _equal(path, palette)


def _shown(filled: Look) -> list[tuple[str, Palette]]:
    """The palettes that a visitor can meet, with where in the policy each is written."""
    light, dark = ("theme", filled.light), ("theme.dark", filled.dark)
    return {"light": [light], "dark": [("theme", filled.dark)], "auto": [light, dark]}[filled.scheme]


def _values(theme: Theme) -> Iterator[Finding]:
    radius = _RADIUS.fullmatch(theme.radius)
    if radius is None or float(radius[1]) > _RADIUS_LIMITS[radius[3]]:
        yield Finding("theme.radius", f"{theme.radius!r} is not a radius.", "Write 0 to 32 px, or up to 2 rem: 12px.")
    if not _FONT.fullmatch(theme.font) or any(theme.font.count(quote) % 2 for quote in "\"'"):
        yield Finding("theme.font", "This is not a list of font names.", 'Write inherit, or "Inter, sans-serif".')


def _colours(path: str, colours: Colours) -> Iterator[Finding]:
    for name in Palette.__struct_fields__:
        value = getattr(colours, name)
        if value is not None and not is_colour(value):
            yield Finding(f"{path}.{name}", f"{value[:40]!r} is not a colour.", "Write six hex digits: #1f4fd8.")


def _readable(path: str, palette: Palette) -> Iterator[Finding]:
    pairs = [
        ("text", "background", TEXT),
        ("accent", "background", TEXT),
        ("accent_text", "accent", TEXT),
        ("accept_text", "accept_background", BUTTON_TEXT),
        ("reject_text", "reject_background", BUTTON_TEXT),
    ]
    for front, back, least in pairs:
        ratio = contrast(getattr(palette, front), getattr(palette, back))
        if ratio < least:
            sentence = f"{front} on {back} has a contrast of {_cut(ratio)} : 1; it needs {least} : 1 to be read."
            yield Finding(f"{path}.{front}", sentence, f"Make {front} or {back} darker or lighter.")


def _equal(path: str, palette: Palette) -> Iterator[Finding]:
    """Refusing may stand out more than accepting, never less."""
    base, accept, reject = palette.background, palette.accept_background, palette.reject_background
    place, remedy = f"{path}.reject_background", "Give both buttons the same colours."
    if contrast(reject, base) < PALER * contrast(accept, base):
        yield Finding(place, "The button to refuse is paler than the one to accept.", remedy)
    elif chroma(reject) < chroma(accept) - GREYER:
        yield Finding(place, "The button to refuse is grey beside the one to accept.", remedy)
    words_accept = contrast(palette.accept_text, accept)
    words_reject = contrast(palette.reject_text, reject)
    if words_reject < min(PALER * words_accept, 7.0):  # above 7 : 1 (WCAG AAA) both read equally well
        sentence = "The word to refuse stands out less than the word to accept."
        yield Finding(f"{path}.reject_text", sentence, remedy)


def _cut(ratio: float) -> float:
    """Two digits, cut and not rounded, so that 4.499 does not read as enough."""
    return int(ratio * 100) / 100
