"""Renders the pages without script: the site's own texts and theme, and nothing that could run."""

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from consent.delivery.manifest import direction
from consent.delivery.words import Words
from consent.policy.resolved import Resolved
from consent.policy.theme import Look


def render_page(name: str, resolved: Resolved, words: Words, title: str, **values: Any) -> str:
    """The HTML of one page; every value is escaped."""
    template = templates().get_template(f"{name}.html")
    style = Markup(page_style(resolved.look))  # noqa: S704  # colours, lengths and fonts that the policy's check let through
    home = next(iter(resolved.origins), "")
    return template.render(
        resolved=resolved, words=words, title=title, style=style, home=home, dir=direction(words.language), **values
    )


def page_policy(resolved: Resolved) -> str:
    """The Content-Security-Policy of our own pages: one style sheet, one form, nothing else."""
    digest = base64.b64encode(hashlib.sha256(page_style(resolved.look).encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def page_style(look: Look) -> str:
    """The style sheet with the site's theme."""
    tokens = look.tokens()
    dark = {f"--{name[7:]}": value for name, value in tokens.items() if name.startswith("--dark-")}
    light = {name: value for name, value in tokens.items() if name.startswith("--") and not name.startswith("--dark-")}
    sheet = f":root{{{_declarations(light)}}}"
    if dark:
        sheet += f"@media (prefers-color-scheme:dark){{:root{{{_declarations(dark)}}}}}"
    return sheet + _file("page.css").replace("color-scheme: light dark", f"color-scheme: {_SCHEMES[look.scheme]}")


_SCHEMES = {"auto": "light dark", "light": "light", "dark": "dark"}


def _declarations(tokens: dict[str, str]) -> str:
    return "".join(f"{name}:{value};" for name, value in tokens.items())


@cache
def templates() -> jinja2.Environment:
    """The templates of this room; they escape what is put in."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("consent.delivery", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _file(name: str) -> str:
    return (resources.files("consent.delivery") / "templates" / name).read_text("utf-8").strip()
