"""What services left among the cookies that a browser sends: names of those that may not run (EU-08, CK-07). Pure."""

import re
from collections.abc import Iterator
from functools import lru_cache

from consent.catalogue.match import pattern
from consent.policy.duties.site import REGIME_COOKIE
from consent.policy.resolved import Resolved
from consent.policy.sources import granted_keys
from consent.records.cookie import Choice

MOST_NAMES = 180
"""Cookies looked at; no browser keeps more for one domain (Chromium 180, Firefox 150)."""

LONGEST_NAME = 256
"""Characters of a name that is looked at: wildcards are tried at each of them."""


def traces(resolved: Resolved, choice: Choice, sent: str) -> Iterator[str]:
    """Names in a `Cookie` header that only services declare which the choice does not let run; never our own."""
    declared = resolved.first_party_cookies
    if not declared or not sent:
        return
    may = granted_keys(resolved.services, resolved.required_purposes, choice.purposes, choice.services)
    forms = [(_form(name), keys) for name, keys in declared.items() if "*" in name]
    for name in _names(sent):
        if name in (resolved.cookie.name, REGIME_COOKIE):
            continue
        owners = declared.get(name, frozenset()).union(*(keys for form, keys in forms if form.fullmatch(name)))
        if owners and not owners & may:
            yield name


def _names(sent: str) -> list[str]:
    """The names in a `Cookie` header, once each."""
    parts = sent.split(";", MOST_NAMES)[:MOST_NAMES]
    names = dict.fromkeys(part.partition("=")[0].strip(" \t") for part in parts)
    return [name for name in names if len(name) <= LONGEST_NAME]


@lru_cache(maxsize=4_096)
def _form(name: str) -> re.Pattern[str]:
    return pattern(name)
