"""The questions that are asked most, by name. Pure."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import parse_qsl

from consent.errors import NotFound


class Named(NamedTuple):
    """A question with a name: what it asks in words, and as parameters."""

    name: str
    says: str
    subject: str
    query: str

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The query, taken apart."""
        return parse_qsl(self.query, keep_blank_values=True, strict_parsing=True)

    def with_own(self, given: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """The parameters with those that are given in place of its own."""
        names = {name for name, _ in given}
        return [pair for pair in self.parameters if pair[0] not in names] + given


@cache
def questions() -> dict[str, Named]:
    """Every one, in the order of the file."""
    text = (files("consent.reports") / "questions.toml").read_text("utf-8")
    return {name: Named(name, **values) for name, values in tomllib.loads(text).items()}


def named(name: str) -> Named:
    """The question of a name. Raises NotFound."""
    found = questions().get(name)
    if found is None:
        remedy = f"Known are: {', '.join(questions())}."
        raise NotFound("report", f"There is no question {name[:40]!r}.", remedy)
    return found
