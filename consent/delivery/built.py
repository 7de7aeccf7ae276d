"""The widget's built files in `consent/static/`."""

from functools import cache
from importlib import resources
from typing import Literal

from consent.errors import Problem

Built = Literal["core", "core.strict", "core.hooks", "bootstrap", "banner", "preferences", "choices", "telemetry"]


def is_built(name: Built) -> bool:
    """Whether a file is there."""
    return (resources.files("consent") / "static" / f"{name}.js").is_file()


@cache
def read_built(name: Built) -> str:
    """The text of one built file. Raises Problem when the widget has not been built."""
    file = resources.files("consent") / "static" / f"{name}.js"
    if not file.is_file():
        raise Problem(
            "not_built",
            f"The widget's file {name}.js is not there.",
            "Run `node widget/build.mjs`, or install the package again.",
            status=503,
        )
    return file.read_text("utf-8").strip()
