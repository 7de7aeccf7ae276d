"""Puts values into a built script, in the place of its free identifiers `CONSENT_…`."""

import json
import re
from collections.abc import Mapping
from typing import Any

_IDENTIFIER = re.compile(r"\bCONSENT_[A-Z]+\b", re.ASCII)


def literal(value: Any) -> str:
    """A value as JavaScript that is safe inside a script element and in any encoding: ASCII, without `<`."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\x3c")


def fill(script: str, values: Mapping[str, Any]) -> str:
    """The script with each identifier replaced. Raises ValueError unless exactly these are in it, once each."""
    found = _IDENTIFIER.findall(script)
    if sorted(found) != sorted(values):
        raise ValueError(f"The built script holds {found} and not {list(values)}, each once: build the widget again.")
    return _IDENTIFIER.sub(lambda match: literal(values[match[0]]), script)
