"""Whether a page carries the lines: word for word, and first."""

import pytest

from consent.reports.presence import Variant, inspect

CORE = '<script>(()=>{var f="default-src \'self\'";CORE("https://c.example")})()</script>\n'
LINES: dict[Variant, str] = {
    "meta": CORE + '<meta http-equiv="x" content="y">',
    "tag": '<script async src="https://c.example/c/shop.js"></script>',
}
PAGE = "<!doctype html>\n<html><head><meta charset=utf-8><title>Lamps</title>{}</head><body>…</body></html>"


@pytest.mark.parametrize("variant", ["meta", "tag"])
@pytest.mark.parametrize("spaced", ["{}", "\n    {}\n  ", "<!-- consent -->\n{}"])
def test_the_lines_are_there(variant: Variant, spaced: str) -> None:
    """However they are indented, and with what does not load before them."""
    found = inspect(PAGE.format(spaced.format(LINES[variant].replace("\n", "\n      "))), LINES)

    assert (found.grade, found.variant) == ("good", variant)


@pytest.mark.parametrize(
    "ahead",
    [
        '<link rel="stylesheet" href="https://fonts.example/a.css">', "<script src=/a.js></script>",
        '<iframe src="https://v.example"></iframe>', '<meta http-equiv="refresh" content="9">',
        '<img src="/p.gif">', "<style>a{}</style>",
    ],
)  # fmt: skip
def test_what_stands_before_them_is_told(ahead: str) -> None:
    """Whatever could load before the lines act is named."""
    found = inspect(PAGE.format(ahead + LINES["meta"]), LINES)

    assert found.grade == "warn"
    assert ahead.partition(">")[0] in found.says


def test_old_lines_and_none() -> None:
    """Lines of before are told from none at all; a page that only talks of consent has none."""
    old = LINES["meta"].replace("'self'", "'self' old.example")

    assert (
        inspect(PAGE.format(old), {"meta": LINES["meta"].replace("var f", "var f"), "tag": LINES["tag"]}).grade == "bad"
    )
    assert (
        inspect(PAGE.format('<script async defer src="https://old.example/c/shop.js"></script>'), LINES).grade == "warn"
    )
    assert inspect(PAGE.format("<p>We ask for your consent.</p>"), LINES).grade == "bad"
    assert inspect("", LINES).grade == "bad"
