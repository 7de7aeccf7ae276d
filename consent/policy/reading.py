"""Reads TOML into a struct part by part, so that an owner hears of every fault at once and not one a run."""

import difflib
import re
import tomllib
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from consent.policy.finding import Finding, PolicyError

T = TypeVar("T", bound=msgspec.Struct)

MAX_BYTES = 512_000  # a policy with 500 services written out in full is about 300 kB


def read(text: str, kind: type[T]) -> T:
    """The struct that this TOML text holds. Raises PolicyError listing what does not fit."""
    if len(text) > MAX_BYTES:
        raise PolicyError([Finding("", f"The file is longer than {MAX_BYTES} bytes.", "Split it into several sites.")])
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise PolicyError([Finding("", f"The file is not TOML: {fault}.", "Correct that line.")]) from fault
    findings = _faults(raw, kind, "")
    if findings:
        raise PolicyError(findings)
    return msgspec.convert(raw, kind)


def _faults(value: Any, kind: Any, path: str) -> list[Finding]:
    """Every fault of a value, found by descending as far as the types tell the way."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _struct_faults(value, kind, path)
    parts = _parts(value, kind, path)
    if parts:
        return [finding for part in parts for finding in _faults(*part)]
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as fault:
        return [_finding(path, str(fault))]
    return []


def _parts(value: Any, kind: Any, path: str) -> list[tuple[Any, Any, str]]:
    """Values inside a table or an array of structs or strings, each with its type and path; [] when there are none."""
    options = [kind, *get_args(kind)]
    for option in options:
        origin, inner = get_origin(option), get_args(option)
        if origin is dict and isinstance(value, dict):
            names = [(name, inner[0], _join(path, name)) for name in value]
            return names + [(item, inner[1], _join(path, name)) for name, item in value.items()]
        if origin is tuple and isinstance(value, list):
            return [(item, inner[0], f"{path}[{index}]") for index, item in enumerate(value)]
    return []


def _struct_faults(value: Any, kind: type[msgspec.Struct], path: str) -> list[Finding]:
    if not isinstance(value, dict):
        return [Finding(path, "This must be a table.", f"Write [{path}] and its fields below it.")]
    hints = get_type_hints(kind, include_extras=True)
    findings = [_unknown(_join(path, name), name, list(hints)) for name in value if name not in hints]
    for field in msgspec.structs.fields(kind):
        if field.name in value:
            findings += _faults(value[field.name], hints[field.name], _join(path, field.name))
        elif field.required:
            findings.append(Finding(_join(path, field.name), "This is missing.", f"Add {field.name} = …"))
    return findings


def _unknown(path: str, name: str, known: list[str]) -> Finding:
    near = difflib.get_close_matches(name, known, 1)
    remedy = f"Did you mean {near[0]}?" if near else f"Remove it; known here are {', '.join(known)}."
    return Finding(path, f"There is no setting named {name}.", remedy)


def _finding(path: str, fault: str) -> Finding:
    """A sentence for what msgspec says, such as "Expected `int`, got `str`"."""
    pattern = re.fullmatch(r"Expected `str` matching regex '(.*)'", fault)
    if pattern:
        return Finding(path, "This is not spelled as it must be.", f"It must match {pattern[1]}.")
    place = re.fullmatch(r"(.*?) - at `\$(.*)`", fault)
    if place:
        path, fault = path + place[2], place[1]
    return Finding(path, f"{fault}.", "Write a value of that kind.")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else str(name)
