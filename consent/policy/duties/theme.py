"""Themes: refusing is as easy to see as accepting (EU-05, EU-06), and everything can be read (WCAG 2.2)."""

import re
from collections.abc import Iterator, Mapping

from consent.policy.contrast import chroma, contrast
from consent.policy.finding import Finding
from consent.policy.policy import Policy, Theme
from consent.policy.theme import Look, given, load_rules, look

GREYER = 0.25  # of 1: how much less colourful the button to refuse may be, so that grey beside green is noticed
BOTH_CLEAR = 7.0  # WCAG 2.2, 1.4.6 (AAA): above it one word does not stand out more than another

_LENGTHS = {"radius": {"px": 32.0, "em": 2.0}, "control_inset": {"px": 64.0, "em": 4.0}}


def check_theme(policy: Policy) -> Iterator[Finding]:
    """Values are plain data, and in each scheme that a visitor can meet both buttons weigh the same."""
    faults = [*_values(policy.theme), *_colours("theme", given(policy.theme))]
    faults += _colours("theme.dark", given(policy.theme.dark))
    yield from faults
    if faults:
        return
    for path, palette in shown(look(policy.theme)):
        yield from _readable(path, palette)
        yield from _equal(path, palette)


def shown(filled: Look) -> list[tuple[str, Mapping[str, str]]]:
    """The palettes that a visitor can meet, with where in the policy each is written."""
    if filled.scheme == "auto":
        return [("theme", filled.light), ("theme.dark", filled.dark)]
    return [("theme", filled.dark if filled.scheme == "dark" else filled.light)]


def _values(theme: Theme) -> Iterator[Finding]:
    kinds = load_rules().kinds
    for name, limits in _LENGTHS.items():
        value = getattr(theme, name)
        if value is None:
            continue
        unit = value[-2:]
        if not re.fullmatch(kinds["length"], value, re.ASCII) or float(value[:-2]) > limits.get(unit, 0):
            most = " or ".join(f"{limit:g}{unit}" for unit, limit in limits.items())
            yield Finding(f"theme.{name}", f"{value[:40]!r} is not a length of at most {most}.", "Write 12px.")
    font = theme.font
    if font is not None and (not re.fullmatch(kinds["font"], font, re.ASCII) or any(font.count(q) % 2 for q in "\"'")):
        yield Finding("theme.font", "This is not a list of font names.", 'Write inherit, or "Inter, sans-serif".')


def _colours(path: str, colours: Mapping[str, str]) -> Iterator[Finding]:
    form = load_rules().kinds["colour"]
    for name, value in colours.items():
        if not re.fullmatch(form, value, re.ASCII):
            yield Finding(f"{path}.{name}", f"{value[:40]!r} is not a colour.", "Write six hex digits: #1f4fd8.")


def _readable(path: str, palette: Mapping[str, str]) -> Iterator[Finding]:
    for rule in load_rules().contrast:
        for back in rule.on:
            ratio = contrast(palette[rule.of], palette[back])
            if ratio < rule.least:
                sentence = f"{rule.of} on {back} has a contrast of {_cut(ratio)} : 1; it needs {rule.least:g} : 1."
                yield Finding(f"{path}.{rule.of}", sentence, f"Make {rule.of} or {back} darker or lighter.")


def _equal(path: str, palette: Mapping[str, str]) -> Iterator[Finding]:
    """Refusing may stand out more than accepting, never less."""
    rules, remedy = load_rules().equal, "Give both buttons the same colours."
    base, accept, reject = palette["background"], palette["accept_background"], palette["reject_background"]
    if contrast(reject, base) < rules.button * contrast(accept, base):
        sentence = "The button to refuse is paler than the one to accept."
        yield Finding(f"{path}.reject_background", sentence, remedy)
    elif chroma(reject) < chroma(accept) - GREYER:
        sentence = "The button to refuse is grey beside the one to accept."
        yield Finding(f"{path}.reject_background", sentence, remedy)
    words_accept = contrast(palette["accept_text"], accept)
    words_reject = contrast(palette["reject_text"], reject)
    if words_reject < min(rules.text * words_accept, BOTH_CLEAR):
        sentence = "The word to refuse stands out less than the word to accept."
        yield Finding(f"{path}.reject_text", sentence, remedy)


def _cut(ratio: float) -> float:
    """Two digits, cut and not rounded, so that 4.499 does not read as enough."""
    return int(ratio * 100) / 100
