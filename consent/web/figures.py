"""How numbers, shares and times read on a page, in English. Pure; templates know each as a filter."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

MINUS = "\u2212"
NONE = "–"
"""What stands where there is no figure: not zero."""

_SHORT = ((1_000_000_000, 1_000_000_000, "bn"), (1_000_000, 1_000_000, "m"), (10_000, 1_000, "k"))
_BYTES = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))


def number(value: float | None) -> str:
    """`1234567` is `1,234,567`; fractions with one digit."""
    if value is None:
        return NONE
    text = f"{value:,.1f}" if isinstance(value, float) and not value.is_integer() else f"{value:,.0f}"
    return text.replace("-", MINUS)


def short(value: float | None) -> str:
    """For labels of axes: `12 500` is `12.5k`, `3 000 000` is `3m`; below ten thousand whole."""
    if value is None:
        return NONE
    for least, unit, name in _SHORT:
        if abs(value) >= least:
            return f"{value / unit:.1f}".removesuffix(".0").replace("-", MINUS) + name
    return number(value)


def share(value: float | None, digits: int = 1) -> str:
    """A part of one as per cent: `0.634` is `63.4 %`."""
    return NONE if value is None else f"{100 * value:.{digits}f}\u202f%".replace("-", MINUS)


def points(value: float | None) -> str:
    """A difference between two shares in percentage points, always with its sign."""
    if value is None:
        return NONE
    sign = "+" if value > 0 else MINUS if value < 0 else "±"
    return f"{sign}{abs(100 * value):.1f}\u202fpp"


def signed(value: float | None) -> str:
    """A difference of numbers, always with its sign."""
    if value is None:
        return NONE
    return f"+{number(value)}" if value > 0 else number(value) if value < 0 else "±0"


def size(value: float | None) -> str:
    """Bytes, decimal: `1234567` is `1.2 MB`."""
    if value is None:
        return NONE
    for unit, name in _BYTES:
        if value >= unit:
            return f"{value / unit:.1f}\u202f{name}"
    return f"{value:.0f}\u202fB"


def seconds(value: float | None) -> str:
    """A length of time in seconds: `75` is `1 min 15 s`."""
    if value is None:
        return NONE
    whole = round(value)
    if value < 10 and value != whole:
        return f"{value:.1f}\u202fs"
    if whole >= 48 * 3600:
        return f"{whole // 86_400} days"
    minutes, rest = divmod(whole, 60)
    if minutes >= 120:
        return f"{minutes // 60}\u202fh {minutes % 60}\u202fmin"
    return f"{minutes}\u202fmin {rest}\u202fs" if minutes else f"{rest}\u202fs"


def moment(ms: int | None) -> str:
    """Milliseconds since 1970 as a time of the day, UTC: `2026-11-28 00:31:07`."""
    return NONE if not ms else datetime.fromtimestamp(ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso(ms: int) -> str:
    """The same for machines."""
    return datetime.fromtimestamp(ms / 1_000, UTC).isoformat().replace("+00:00", "Z")


def word(text: str) -> str:
    """`not_applicable` is `not applicable`."""
    return text.replace("_", " ")


def lower_first(text: str) -> str:
    """A name within a sentence: `Policy version` is `policy version`; words in capitals stay."""
    return text if text[:2].isupper() or (" " in text and text.istitle()) else text[:1].lower() + text[1:]


FILTERS: dict[str, Callable[..., Any]] = {
    "number": number, "short": short, "share": share, "points": points, "signed": signed, "size": size,
    "seconds": seconds, "moment": moment, "iso": iso, "word": word, "lower_first": lower_first,
}  # fmt: skip
