"""The layout of our pages: escaped, under a policy that runs nothing foreign or inline, files named by their bytes."""

import gzip
import hashlib
import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from consent.web import assets, figures
from consent.web.pages import POLICY, Link, Shell, Templates

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"


def test_every_value_of_the_shell_is_escaped() -> None:
    """Names, keys, addresses and notes stand in the page as text, whatever they hold."""
    shell = Shell(
        account=HOSTILE, role=HOSTILE, sites=(HOSTILE, "b"), site=HOSTILE, here=HOSTILE,
        more=(Link(HOSTILE, HOSTILE),), notes=(HOSTILE,),
    )  # fmt: skip
    page = Templates().text("base.html", shell, title=HOSTILE)

    assert "<img" not in page
    assert page.count("<script") == 1


def test_the_page_runs_nothing_but_its_own_files() -> None:
    """No inline script or style, and the policy names neither 'unsafe-inline' nor any host."""
    answer = Templates().render("base.html", title="Title")
    page = bytes(answer.body).decode()

    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert re.findall(r"<style|style=|<script(?! src=\"/assets/)|\son\w+=|https?://(?!www\.w3\.org)", page) == []
    assert "unsafe" not in POLICY and "http" not in POLICY


def test_files_are_named_after_their_bytes() -> None:
    """Each file is kept for ever under its name, which is of its hash; another name is not there."""
    with TestClient(Starlette(routes=assets.routes())) as client:
        for asset in assets.ASSETS.values():
            plain = client.get(asset.path, headers={"Accept-Encoding": "identity"})
            assert hashlib.sha256(plain.content).hexdigest()[:16] in asset.path
            assert "immutable" in plain.headers["cache-control"]
            assert client.get(asset.path).content == plain.content == gzip.decompress(asset.packed)


@pytest.mark.parametrize(
    ("read", "value", "text"),
    [
        (figures.number, 1_234_567, "1,234,567"), (figures.number, None, "–"), (figures.number, -2.25, "−2.2"),
        (figures.short, 9_999, "9,999"), (figures.short, 12_500, "12.5k"), (figures.short, 3_000_000, "3m"),
        (figures.share, 0.634, "63.4\u202f%"), (figures.share, None, "–"), (figures.signed, 5, "+5"),
        (figures.points, 0.021, "+2.1\u202fpp"), (figures.points, -0.021, "−2.1\u202fpp"),
        (figures.points, 0.0, "±0.0\u202fpp"), (figures.size, 1_234_567, "1.2\u202fMB"),
        (figures.size, 12, "12\u202fB"),
        (figures.seconds, 75, "1\u202fmin 15\u202fs"), (figures.seconds, 0.4, "0.4\u202fs"),
        (figures.seconds, 7_260, "2\u202fh 1\u202fmin"), (figures.seconds, 200_000, "2 days"),
        (figures.moment, 1_795_825_867_000, "2026-11-28 00:31:07"), (figures.moment, 0, "–"),
        (figures.word, "not_applicable", "not applicable"),
    ],
)  # fmt: skip
def test_figures_read_as_people_write_them(read, value, text) -> None:  # type: ignore[no-untyped-def]
    """Thousands are parted, shares are per cent, differences carry a sign, and what is not known is a dash."""
    assert read(value) == text
