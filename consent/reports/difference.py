"""What a policy's version changed, so that a person can read it. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from consent.policy.resolved import Resolved

Kind = Literal["added", "removed", "altered"]

_NAMES = {
    "after_accept": "After everything was accepted", "controller": "Controller", "cookie": "Choice cookie",
    "days": "Days that a choice holds", "default_regime": "Law where the place is unknown", "languages": "Language",
    "look": "Theme", "necessary": "Necessary host", "origins": "Origin", "purposes": "Purpose", "regimes": "Law",
    "services": "Service", "site": "Site", "telemetry": "Visitors' log", "texts": "Text",
}  # fmt: skip
_KEYS = ("key", "name")
"""By which of its fields a part of a list is known."""


class Difference(msgspec.Struct, frozen=True):
    """One thing that was added, removed or altered: where, and what stood and stands there."""

    kind: Kind
    where: str
    before: str = ""
    after: str = ""


def differences(old: Resolved, new: Resolved) -> list[Difference]:
    """All that changed, in the order of the policy; a purpose or service that came or went is told once."""
    before, after = dict(_flat(msgspec.to_builtins(old))), dict(_flat(msgspec.to_builtins(new)))
    whole = {path[:2] for path in before.keys() ^ after.keys() if len(path) > 2 and path[0] in ("services", "purposes")}
    gone = {path for path in whole if not any(one[:2] == path for one in after)}
    come = {path for path in whole if not any(one[:2] == path for one in before)}
    found = [Difference("removed", _where(path)) for path in sorted(gone)]
    found += [Difference("added", _where(path)) for path in sorted(come)]
    for path in sorted(before.keys() | after.keys()):
        if path[:2] in gone | come or before.get(path) == after.get(path):
            continue
        found.append(_one(path, before, after))
    return found


def _one(
    path: tuple[str, ...], before: Mapping[tuple[str, ...], str], after: Mapping[tuple[str, ...], str]
) -> Difference:
    plain = before.get(path, after.get(path)) == path[-1]  # a part of a list, known by itself
    where = _where(path[:-1] if plain else path)
    if path not in before:
        return Difference("added", where, after=after[path])
    if path not in after:
        return Difference("removed", where, before=before[path])
    return Difference("altered", where, before[path], after[path])


def _flat(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every value by the way to it; parts of a list by their key, plain ones by themselves."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _flat(one, (*path, str(name)))
    elif isinstance(value, list | tuple):
        for one in value:
            known = next((str(one[key]) for key in _KEYS if key in one), "") if isinstance(one, Mapping) else str(one)
            if isinstance(one, Mapping):
                yield from _flat({name: part for name, part in one.items() if name != "key"}, (*path, known))
            else:
                yield (*path, known), known
    else:
        yield path, _said(value)


def _said(value: Any) -> str:
    if value is None:
        return "as the software has it"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _where(path: tuple[str, ...]) -> str:
    first, *rest = path
    said = [_NAMES.get(first, first.replace("_", " ")), *(part.replace("_", " ") for part in rest[:3])]
    return ", ".join(part for part in said if part)
