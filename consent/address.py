"""Where the service that uses a data folder listens: it says so in a file there, and commands read it."""

import os
import re
from pathlib import Path

FILE = "address"

_URL = re.compile(r"https?://[^\s/<>\"']{1,300}")


def note(folder: Path, base_url: str) -> None:
    """Write down the base URL, whole or not at all, readable by the folder's owner. Raises OSError."""
    made = folder / f".{FILE}.{os.getpid()}"
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(f"{base_url}\n")
    made.replace(folder / FILE)


def noted(folder: Path) -> str:
    """The base URL of the service that listened last; empty where none did, or where the file says something else."""
    try:
        text = (folder / FILE).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return text if _URL.fullmatch(text) else ""
