"""The interface's own texts: `texts/<language>.toml`, one file a language.

A file holds a table `[ui]` of key = "text", for each default purpose a table `[purposes.<key>]` with title, summary and
description, and `[visits]` with name and description of the service that a policy's [telemetry] brings.
"""

import tomllib
from functools import cache
from importlib import resources

import msgspec

from consent.policy.policy import PurposeTexts


class VisitsTexts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the service `visits` is called and does, in one language."""

    name: str = ""
    description: str = ""


class LanguageTexts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of texts."""

    ui: dict[str, str] = {}
    purposes: dict[str, PurposeTexts] = {}
    visits: VisitsTexts = VisitsTexts()


@cache
def load_texts() -> dict[str, LanguageTexts]:
    """Every language shipped, by its tag."""
    folder = resources.files("consent.policy") / "texts"
    if not folder.is_dir():
        return {}
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return {f.name.removesuffix(".toml"): _read(f.read_text("utf-8")) for f in files}


def _read(text: str) -> LanguageTexts:
    return msgspec.convert(tomllib.loads(text), LanguageTexts)
