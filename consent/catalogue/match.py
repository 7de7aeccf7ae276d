"""Finds the service behind an address or a cookie: the longest match wins, so that a widget is told from its host."""

import re
from collections import defaultdict
from collections.abc import Iterable
from urllib.parse import urlsplit

from consent.catalogue.service import Service
from consent.catalogue.source import split

_SCHEMES = {"https": (False, 443), "http": (False, 80), "wss": (True, 443), "ws": (True, 80)}
_MAX_URL = 8192


class Catalogue:
    """An index over services. Where two declare the same source or cookie, the first of them in order wins."""

    def __init__(self, services: Iterable[Service]) -> None:
        self._by_host: dict[tuple[bool, str], list[tuple[str, Service]]] = defaultdict(list)
        self._cookies: list[tuple[str, re.Pattern[str], Service]] = []
        for service in services:
            for source in service.sources:
                socket, host, path = split(source)
                self._by_host[socket, host].append(("" if path == "/" else path, service))
            self._cookies += [(c.name, pattern(c.name), service) for c in service.cookies]
        self._cookies.sort(key=lambda entry: -len(entry[0].replace("*", "")))

    def match_url(self, url: str) -> Service | None:
        """The service whose source matches this address with the longest path, then the most exact host."""
        place = _place(url)
        if place is None:
            return None
        socket, hosts, path = place
        best: tuple[int, Service] | None = None
        for host in hosts:
            for own, service in self._by_host.get((socket, host), ()):
                if _path_matches(own, path) and (best is None or len(own) > best[0]):
                    best = (len(own), service)
        return best[1] if best else None

    def match_cookie(self, name: str) -> Service | None:
        """The service that declares this cookie; the name with the most letters besides its wildcards wins."""
        return next((service for _, form, service in self._cookies if form.fullmatch(name)), None)


def pattern(name: str) -> re.Pattern[str]:
    """A declared name of a cookie or storage key, in which `*` stands for any text."""
    return re.compile(".*".join(re.escape(part) for part in name.split("*")), re.DOTALL)


def _place(url: str) -> tuple[bool, list[str], str] | None:
    """Socket mark, the hosts under which a source could be declared (exact first), path; None when it is no address."""
    try:
        parts = urlsplit(url[:_MAX_URL])
        socket, standard = _SCHEMES[parts.scheme.lower()]
        port = parts.port
    except (ValueError, KeyError):
        return None
    name = (parts.hostname or "").rstrip(".")
    if not name:
        return None
    mark = f":{port}" if port not in (None, standard) else ""
    labels = name.split(".")[-20:]
    wildcards = [f"*.{'.'.join(labels[at:])}{mark}" for at in range(1, len(labels))]
    return socket, [f"{name}{mark}", *wildcards], parts.path or "/"


def _path_matches(own: str, path: str) -> bool:
    return own in ("", path) or (own.endswith("/") and path.startswith(own))
