"""A site: one owner's pages under one policy, known by a short key."""

import re

import msgspec

from consent.errors import Problem

KEY = "[a-z][a-z0-9-]{0,39}"
_KEY = re.compile(KEY)
_TAKEN = "install"
"""Stands for the whole install where a site's key would stand in the name of a log."""


class Site(msgspec.Struct, frozen=True):
    """`key` stands in addresses and snippets; `site_id` is ours. `created` is in milliseconds since 1970."""

    site_id: int
    key: str
    created: int


def check_key(key: str) -> str:
    """The key, when it may be one. Raises Problem."""
    if _KEY.fullmatch(key) is None or key == _TAKEN:
        raise Problem(
            "site_key",
            f"{key[:80]!r} cannot be a site's key.",
            "Use 1 to 40 lower-case letters, digits and hyphens, a letter first, such as my-shop; not install.",
            field="key",
        )
    return key
