"""Which part of a host name its owner registered, by the Public Suffix List."""

from functools import cache

from publicsuffixlist import PublicSuffixList


def registrable_domain(host: str) -> str | None:
    """`example.co.uk` for `www.example.co.uk`; None for a name below which everyone registers, such as `co.uk`."""
    domain: str | None = _list().privatesuffix(host)
    return domain


@cache
def _list() -> PublicSuffixList:
    return PublicSuffixList()
