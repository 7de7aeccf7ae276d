"""What a service of a kind does, in the languages in which the catalogue has no description of each service."""

import tomllib
from functools import cache
from importlib import resources


def describe(kind: str, provider: str, language: str) -> str | None:
    """Two sentences about a service in a language; None where there are none in it."""
    sentences = load_kinds().get(language)
    if sentences is None:
        return None
    return f"{sentences[kind]} {sentences['learns'].replace('{provider}', provider)}"


@cache
def load_kinds() -> dict[str, dict[str, str]]:
    """The sentences by language and kind."""
    return tomllib.loads((resources.files("consent.catalogue") / "kinds.toml").read_text("utf-8"))
