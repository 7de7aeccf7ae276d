"""Lines of access logs: Apache's and nginx's common and combined formats, read into what a request was. Pure.

Also with the virtual host in front, a list of X-Forwarded-For in place of the address, and quoted fields behind the
user agent: addresses count as forwarded ones, and where the owner says so the last other one as the Cookie header.
A line that is none of this is refused with one word of `REASONS`, never guessed at.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from consent.web.address import parse as parse_address

Reason = Literal["empty", "too-long", "not-utf8", "control", "shape", "client", "time", "request", "status"]
REASONS: tuple[Reason, ...] = get_args(Reason)

MAX_LENGTH = 16_384
"""Bytes of a line: servers take 8 kB of request line and as much of one header (Apache, LimitRequestLine). nginx writes
four for a byte that it escapes, so that a header full of those makes a line that is longer, and is refused."""

MAX_HOST = 260

_QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
_LINE = re.compile(
    rf"(.{{1,2000}}?) \[([^\]]{{1,60}})\] {_QUOTED} (\S{{1,10}}) (?:[0-9]{{1,19}}|-)(?: {_QUOTED} {_QUOTED}(.*))?"
)
_MORE = re.compile(_QUOTED)
_TIME = re.compile(r"([0-9]{2}/[A-Za-z]{3}/[0-9]{4}):([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60) ([+-][0-9]{4})")
_REQUEST = re.compile(
    r"([A-Z][A-Z_-]{1,30}) +([^\x00-\x20\x7f]+) +HTTP/[0-9]{1,3}(?:\.[0-9]{1,3})? *|(GET) +(/[^\x00-\x20\x7f]*) *"
)
"""As nginx takes it: with a dash in the method, spaces beyond one, whatever space is beyond ASCII, and as HTTP/0.9."""

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_ABSOLUTE = re.compile(r"(?i)https?://([^/?#]*)(.*)")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|.)")
_NAMED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "v": "\v", "f": "\f"}


class Entry(NamedTuple):
    """One request as a log tells it; a field is empty where the log does not.

    Args:
        time: ms since 1970.
        peer: the address that the server saw; empty where the log holds a name.
        forwarded: X-Forwarded-For, as it stands there.
        host: in lower case, without port.
        target: path and query.
    """

    time: int
    peer: str
    forwarded: str
    host: str
    method: str
    target: str
    status: int
    referrer: str
    agent: str
    cookies: str = ""


class Unread(NamedTuple):
    """A line that says nothing we can rely on; `number` counts from 1."""

    number: int
    reason: Reason


class Fault(NamedTuple):
    """Why bytes are no text."""

    reason: Reason


def read(raw: bytes, number: int, *, cookies: bool = False) -> Entry | Unread:
    """What a line tells. Never raises.

    Args:
        raw: the line, with or without its end.
        number: which line it is, from 1.
        cookies: whether the last quoted field behind the user agent is the request's Cookie header.
    """
    text = _text(raw.rstrip(b"\r\n"))
    if isinstance(text, Fault):
        return Unread(number, text.reason)
    found = _LINE.fullmatch(text)
    if found is None:
        return Unread(number, "shape")
    head, stamp, request, status, referrer, agent, more = found.groups()
    client, time = _client(head), _time(stamp)
    line = _REQUEST.fullmatch(_plain(request))
    if client is None:
        return Unread(number, "client")
    if time is None:
        return Unread(number, "time")
    if line is None:
        return Unread(number, "request")
    if not (status.isascii() and status.isdecimal() and len(status) == 3 and "100" <= status < "600"):
        return Unread(number, "status")
    vhost, peer, before = client
    host, target = _target(line[2] or line[4])
    behind, jar = _more(more, cookies)
    return Entry(
        time,
        peer,
        before or behind,
        host or vhost,
        line[1] or line[3],
        target,
        int(status),
        _said(referrer),
        _said(agent),
        jar,
    )


def _text(raw: bytes) -> str | Fault:
    if len(raw) > MAX_LENGTH:
        return Fault("too-long")
    if not raw or raw.isspace():
        return Fault("empty")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return Fault("not-utf8")
    return text if text.isprintable() or _CONTROL.search(text) is None else Fault("control")


@lru_cache(maxsize=8_192)
def _client(head: str) -> tuple[str, str, str] | None:
    """Virtual host, address and forwarded addresses of what stands before the time: `[HOST] CLIENT IDENT USER`."""
    words = head.split(" ")
    vhost = ""
    if len(words) > 3 and not words[0].endswith(",") and _is_client(words[1]):
        vhost = _host(words.pop(0))
        if not vhost:
            return None
    if len(words) < 3:
        return None
    listed = [words.pop(0)]
    while listed[-1].endswith(",") and len(words) > 2:
        listed.append(words.pop(0))
    hops = [hop for hop in "".join(listed).split(",") if hop]
    if len(hops) == 1:
        address = parse_address(hops[0])
        return vhost, str(address) if address else "", ""
    return (vhost, hops[-1], ",".join(hops[:-1])) if hops and parse_address(hops[-1]) else None


def _is_client(word: str) -> bool:
    return parse_address(word.partition(",")[0]) is not None


def _host(text: str) -> str:
    """A host in lower case without its port; empty for what is none."""
    name = text.lower()
    name = name if name.endswith("]") else re.sub(r":[0-9]{1,5}$", "", name)
    return name if len(name) <= MAX_HOST and _HOST.fullmatch(name) else ""


@lru_cache(maxsize=256)
def _time(stamp: str) -> int | None:
    found = _TIME.fullmatch(stamp)
    start = _midnight(found[1], found[5]) if found else None
    if found is None or start is None:
        return None
    return start + (int(found[2]) * 3_600 + int(found[3]) * 60 + int(found[4])) * 1_000


@lru_cache(maxsize=256)
def _midnight(day: str, zone: str) -> int | None:
    """Ms since 1970 of a day's beginning in a zone; None where there is no such day."""
    try:
        start = datetime.strptime(f"{day} {zone}", "%d/%b/%Y %z")
    except ValueError:
        return None
    return int(start.astimezone(UTC).timestamp()) * 1_000


def _target(target: str) -> tuple[str, str]:
    """Host and path of a request's target: the host is there where a proxy was asked."""
    found = _ABSOLUTE.fullmatch(target)
    if found is None:
        return "", target
    rest = found[2] if found[2].startswith("/") else f"/{found[2]}"
    return _host(found[1].rpartition("@")[2]), rest


def _more(more: str | None, cookies: bool) -> tuple[str, str]:
    """The forwarded addresses and the cookies in the quoted fields behind the user agent."""
    forwarded = jar = ""
    for quoted in _MORE.findall(more) if more else ():
        text = _said(quoted)
        if text and all(parse_address(hop) for hop in text.split(",")):
            forwarded = forwarded or text
        elif cookies:
            jar = text
    return forwarded, jar


def _said(text: str | None) -> str:
    return _plain(text) if text and text != "-" else ""


def _plain(text: str) -> str:
    """Without the server's escapes: `\\"`, `\\\\`, `\\x22`, `\\n`. Bytes that are no UTF-8 become replacement marks."""
    if "\\" not in text:
        return text
    shown = _ESCAPE.sub(_unescaped, text)
    return shown.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] == "x" and len(code) == 3:
        byte = int(code[1:], 16)
        return chr(byte) if byte < 128 else chr(0xDC00 + byte)
    return _NAMED.get(code, code)
