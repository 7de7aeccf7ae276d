"""How well two colours can be told apart: WCAG 2.2, relative luminance and contrast ratio."""


def luminance(colour: str) -> float:
    """Relative luminance of `#rrggbb`, 0 (black) to 1 (white)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    """Contrast ratio of two colours, 1 (the same) to 21 (black on white), whichever is which."""
    lighter, darker = sorted((luminance(a), luminance(b)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def chroma(colour: str) -> float:
    """How colourful `#rrggbb` is, 0 (grey) to 1 (pure)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return max(parts) - min(parts)
