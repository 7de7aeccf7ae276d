"""What a browser is called in the list of sessions."""

import pytest

from consent.accounts.device import called

AGENTS = [
    ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36", "Chrome on Linux"),
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Windows"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "Safari on macOS"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1", "Safari on iPhone"),
    ("Mozilla/5.0 (Windows NT 10.0) Chrome/131.0 Safari/537.36 Edg/131.0", "Edge on Windows"),
    ("Mozilla/5.0 (Linux; Android 15) Chrome/131.0 Mobile Safari/537.36", "Chrome on Android"),
    ("curl/8.5.0", "curl"),
    ("<script>alert(1)</script>", "<script>alert(1)<"),
    ("\x1b[2J\x00", "[2J"),
    ("", "unknown"),
    ("x" * 9_000, "x" * 40),
]  # fmt: skip


@pytest.mark.parametrize(("agent", "name"), AGENTS)
def test_names(agent: str, name: str) -> None:
    """Browser and system in a few words; of anything else its first word, short and without control characters."""
    assert called(agent) == name
