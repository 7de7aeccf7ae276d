"""A service: a tracker, widget, embed or helper of someone else that a page may load."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal

import msgspec

Kind = Literal[
    "beacon", "analytics", "ads", "social", "chat", "video", "audio", "map", "captcha", "font", "tag-manager",
    "payment", "comments", "forms", "cdn", "monitoring", "ab-test", "consent", "affiliate", "embed", "login",
    "search", "push", "newsletter", "scheduling", "reviews",
]  # fmt: skip

#: Kinds whose task is to follow people, or to load what does: never strictly necessary (EU-13; VG Hannover
#: 10 A 5385/22 for tag managers). A catalogue file may say otherwise with `tracker = …`.
TRACKERS: frozenset[str] = frozenset({"beacon", "analytics", "ads", "social", "tag-manager", "ab-test", "affiliate"})


class Cookie(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cookie that a service sets; `*` in `name` stands for any text."""

    name: str
    duration: str = ""  # "session", "13 months"; a cookie without one is refused (EU-11, Planet49)
    party: Literal["first", "third"] = "first"
    recipient: str = ""  # who receives it; empty: the provider


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key that a service keeps in the page's storage; `*` in `name` stands for any text."""

    kind: Literal["local", "session", "indexeddb"]
    name: str
    duration: str = ""  # empty: until deleted (local, indexeddb) or the session (session)


class Service(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One service of the catalogue; its key is the stem of its file."""

    name: str
    provider: str
    country: str  # ISO 3166-1 alpha-2, of the provider
    purposes: tuple[str, ...]
    kind: Kind
    hosts: tuple[str, ...]  # sources (`source.py`), `{param}` expanded from `params`
    privacy_url: str
    source: str = ""  # the vendor's own documentation these facts are from
    description: str = ""
    placeholder: str = ""
    necessary_possible: bool = False  # may be called strictly necessary, with a written reason
    tracker: bool | None = None  # None: by kind
    params: dict[str, tuple[str, ...]] = {}
    cookies: tuple[Cookie, ...] = ()
    storage: tuple[Storage, ...] = ()
    key: str = ""  # the stem of the file; never written in it

    @property
    def is_tracker(self) -> bool:
        """Whether this service may never be called strictly necessary."""
        return self.kind in TRACKERS if self.tracker is None else self.tracker

    @property
    def sources(self) -> tuple[str, ...]:
        """`hosts` with every parameter written out."""
        return expand(self.hosts, self.params)


class CatalogueError(Exception):
    """A file of the catalogue does not fit its schema: a fault of this software, not of its user."""


def expand(hosts: tuple[str, ...], params: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Write out `{param}` in hosts, once for each of its values; order kept, duplicates dropped."""
    sources = list(hosts)
    for name, values in params.items():
        mark = f"{{{name}}}"
        sources = [s.replace(mark, value) for s in sources for value in (values if mark in s else ("",))]
    return tuple(dict.fromkeys(sources))


def read_service(text: str, key: str) -> Service:
    """Read one catalogue file. Raises CatalogueError with the key and the place of the fault."""
    try:
        raw: dict[str, Any] = tomllib.loads(text)
        if "key" in raw:
            raise CatalogueError(f"catalogue/services/{key}.toml: the key is the file's name; remove `key`")
        return msgspec.convert({**raw, "key": key}, Service)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
        raise CatalogueError(f"catalogue/services/{key}.toml: {fault}") from fault


@cache
def load_catalogue() -> dict[str, Service]:
    """Every service of the catalogue, by key, in the order of the keys."""
    folder = resources.files("consent.catalogue") / "services"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    keys = [file.name.removesuffix(".toml") for file in files]
    return {key: read_service(file.read_text("utf-8"), key) for key, file in zip(keys, files, strict=True)}
