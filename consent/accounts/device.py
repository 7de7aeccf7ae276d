"""What a browser is called in the list of one's own sessions: enough to know it again, and no more. Pure."""

_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Windows", "Windows"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def called(agent: str) -> str:
    """The browser and its system, of the User-Agent header; another program's first word."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser:
        return f"{browser} on {system}" if system else browser
    words = agent.split("/", maxsplit=1)[0].split()
    return "".join(one for one in words[0] if one.isprintable())[:40] if words else "unknown"
