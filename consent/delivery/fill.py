"""Puts values into a built script, in the place of its free identifiers `CONSENT_…`."""

import json
import re
from collections.abc import Mapping
from typing import Any


def literal(value: Any) -> str:
    """A value as JavaScript that is safe inside a script element and in any encoding: ASCII, without `<`."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\x3c")


def fill(script: str, values: Mapping[str, Any]) -> str:
    """The script with each identifier replaced. Raises ValueError when one of them is not there exactly once."""
    for name in values:
        found = len(re.findall(rf"\b{name}\b", script))
        if found != 1:
            raise ValueError(f"The built script holds {name} {found} times instead of once: build the widget again.")
    names = "|".join(re.escape(name) for name in values)
    return re.sub(rf"\b({names})\b", lambda match: literal(values[match[1]]), script)
