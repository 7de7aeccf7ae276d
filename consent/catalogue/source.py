"""A source: where a service loads from, written as a CSP source without a scheme (`docs/formats.md`, section 2).

`cdn.example.com/player/` is a prefix, `cdn.example.com/player.js` one file, `cdn.example.com` the whole host,
`*.example.com` every host below a domain (not the domain itself), `wss://…` a socket.
"""

import re

_LABEL = r"[a-z0-9-]+"
_SOURCE = re.compile(rf"(wss://)?(\*\.)?{_LABEL}(\.{_LABEL})+(:\d{{1,5}})?(/[A-Za-z0-9/._~%+@!-]*)?", re.ASCII)


def is_token(text: str) -> bool:
    """Whether the core would accept this text as a token of an allow-list (`docs/formats.md`, section 2)."""
    return _SOURCE.fullmatch(text) is not None


def fault(text: str) -> str | None:
    """Why this text may not be declared as a source, as the end of a sentence; None when it may.

    Stricter than `is_token`: what two spellings could mean is refused, so that comparing text is comparing meaning.
    """
    if "://" in text and not text.startswith("wss://"):
        return "has a scheme; leave it out (sockets begin with wss://)"
    if not is_token(text):
        return "is not a host with an optional path, such as www.example.com/embed/ or *.example.com"
    host, path = split(text)[1:]
    if "%" in path:
        return "has a percent sign; browsers compare decoded paths, so end the source before that segment"
    if "/./" in f"{path}/" or "/../" in f"{path}/" or "//" in path:
        return "has an empty, '.' or '..' segment, which no address of a browser has"
    if re.search(r":(80|443)$", host):
        return "names the port that its scheme has anyway; leave it out"
    if len(text) > 200:
        return "is longer than 200 characters; end it at an earlier slash"
    return None


def split(source: str) -> tuple[bool, str, str]:
    """Socket mark, host (with wildcard and port), path ('' when there is none)."""
    socket = source.startswith("wss://")
    host, slash, path = source.removeprefix("wss://").partition("/")
    return socket, host, slash + path


def covers(a: str, b: str) -> bool:
    """Whether everything that source `b` matches is matched by source `a` too.

    Mirrors `widget/src/rules.js`; vectors: `tests/vectors/csp.json`. Follows CSP Level 3, section 6.7.2, but
    for sockets: there `wss://a` would match https too, while Chromium 156 and Firefox 153 keep them apart (measured).
    """
    a_socket, a_host, a_path = split(a)
    b_socket, b_host, b_path = split(b)
    if a_socket != b_socket:
        return False
    if a_host != b_host and not (a_host.startswith("*.") and b_host.endswith(a_host[1:])):
        return False
    if a_path in ("", "/"):
        return True
    return a_path == b_path or (a_path.endswith("/") and b_path.startswith(a_path))
