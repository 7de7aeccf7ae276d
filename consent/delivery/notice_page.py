"""The page that shows a stored notice again: one file, in which nothing runs but the stored code. Pure."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import Any

import msgspec
from markupsafe import Markup

from consent.delivery.outline import outline
from consent.delivery.page import templates
from consent.delivery.stage import Stage, source, stage
from consent.errors import Problem
from consent.policy.notice_queries import Code, Notice

_EMPTY = Stage((), (), ())


class Page(msgspec.Struct, frozen=True):
    """The page, and the Content-Security-Policy that it is to be sent with."""

    html: str
    policy: str


def read_body(notice: Notice) -> dict[str, Any]:
    """What a notice says. Raises Problem when the stored bytes are not those that its hash is over."""
    if hashlib.sha256(notice.body.encode()).hexdigest() != notice.hash:
        raise Problem(
            "notice_altered",
            f"What is stored as the notice {notice.hash} has another hash: it was altered.",
            "Look for the bytes with this hash in a backup or an export.",
            status=500,
        )
    body: dict[str, Any] = json.loads(notice.body)
    return body


def render_notice(
    notice: Notice, code: Code | None, *, versions: Mapping[int, int], address: str, alone: bool = False
) -> Page:
    """The page of a notice.

    Args:
        code: the scripts that the notice names; None where they are not stored.
        versions: which policy versions showed it, since when (ms).
        address: where its exact bytes are, as a URL or a file's name.
        alone: the page is to be a file: then it carries its policy itself.
    """
    body = read_body(notice)
    staged, trouble = _staged(body, code)
    style = _style()
    policy = _policy(staged, source(style))
    html = (
        templates()
        .get_template("notice.html")
        .render(
            notice=notice,
            site=body["site"],
            first=_when(notice.first),
            versions=[(version, _when(since)) for version, since in versions.items()],
            address=address,
            scenes=staged.scenes,
            trouble=trouble,
            sections=outline(body),
            style=Markup(style),  # noqa: S704  # a file of ours
            policy=policy if alone else "",
        )
    )
    return Page(html, f"{policy}; frame-ancestors 'none'")


def _staged(body: Mapping[str, Any], code: Code | None) -> tuple[Stage, str]:
    """The frames, or none and why."""
    if body["kind"] != "layers":
        return _EMPTY, ""
    if code is None:
        return _EMPTY, "the code that showed it is not stored."
    try:
        return stage(body, code), ""
    except ValueError as error:
        return _EMPTY, str(error)


def _policy(staged: Stage, style: str) -> str:
    """Frames inherit it: no request leaves them, and they can be led nowhere."""
    scripts = " ".join(staged.scripts) or "'none'"
    styles = " ".join([style, *staged.styles])
    return f"default-src 'none'; script-src {scripts}; style-src {styles}; base-uri 'none'; form-action 'none'"


def _when(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@cache
def _style() -> str:
    return (resources.files("consent.delivery") / "templates" / "notice.css").read_text("utf-8").strip()
