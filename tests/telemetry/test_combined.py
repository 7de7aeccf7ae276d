"""Lines of access logs: every format that servers write by default is read, whatever is none is refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.telemetry.combined import MAX_LENGTH, REASONS, Entry, Unread, read

TIME = 971_211_336_000  # 10 October 2000, 13:55:36, seven hours west of Greenwich
STAMP = "[10/Oct/2000:13:55:36 -0700]"
AGENT = "Mozilla/4.08 [en] (Win98; I ;Nav)"
COMMON = f'192.0.2.7 - frank {STAMP} "GET /a.html?q=1 HTTP/1.0" 200 2326'
COMBINED = f'{COMMON} "http://www.example.com/start.html" "{AGENT}"'
HIT = Entry(TIME, "192.0.2.7", "", "", "GET", "/a.html?q=1", 200, "http://www.example.com/start.html", AGENT)


def line(head: str = "192.0.2.7 - -", request: str = "GET / HTTP/1.1", tail: str = '200 12 "-" "-"') -> bytes:
    return f'{head} {STAMP} "{request}" {tail}'.encode()


def hit(raw: bytes, *, cookies: bool = False) -> Entry:
    found = read(raw, 1, cookies=cookies)
    assert isinstance(found, Entry), found
    return found


def test_formats() -> None:
    """The examples of Apache's own manual say the same with and without referrer, and whatever ends their line."""
    assert hit(COMBINED.encode()) == HIT
    assert hit(COMBINED.encode() + b"\r\n") == HIT
    assert hit(COMMON.encode()) == HIT._replace(referrer="", agent="")


@pytest.mark.parametrize(
    ("head", "peer", "forwarded", "host"),
    [
        ("2001:db8::1 - -", "2001:db8::1", "", ""),
        ("::ffff:192.0.2.7 - -", "192.0.2.7", "", ""),
        ("www.Example.com:443 192.0.2.7 - -", "192.0.2.7", "", "www.example.com"),
        ("shop_2.example 2001:db8::1 - -", "2001:db8::1", "", "shop_2.example"),
        ("[2001:db8::5]:8443 192.0.2.7 - -", "192.0.2.7", "", "[2001:db8::5]"),
        ("203.0.113.9, 10.0.0.1 - -", "10.0.0.1", "203.0.113.9", ""),
        ("203.0.113.9,198.51.100.2, 10.0.0.1 - frank", "10.0.0.1", "203.0.113.9,198.51.100.2", ""),
        ("www.example.com 203.0.113.9, 10.0.0.1 - -", "10.0.0.1", "203.0.113.9", "www.example.com"),
        ("192.0.2.7 - frank smith", "192.0.2.7", "", ""),
        ("crawl-1.example.net - -", "", "", ""),
        ("- - -", "", "", ""),
    ],
)
def test_clients(head: str, peer: str, forwarded: str, host: str) -> None:
    """Addresses of both kinds, lists of forwarded ones and the virtual host in front are told apart."""
    found = hit(line(head))
    assert (found.peer, found.forwarded, found.host) == (peer, forwarded, host)


def test_quotes() -> None:
    """What Apache and nginx write for quotes, backslashes and bytes beyond ASCII reads as what was sent."""
    found = hit(line(tail='200 1 "https://a.example/?q=\\"x\\"" "A \\\\ \\x22b\\x22 caf\\xc3\\xa9 \\xff"'))
    assert found.referrer == 'https://a.example/?q="x"'
    assert found.agent == 'A \\ "b" café \ufffd'


def test_targets() -> None:
    """A proxy's absolute target names the host; user and port in it are left out."""
    assert hit(line(request="GET http://me:pw@Shop.Example:8080/x?y HTTP/1.1"))[3:6] == ("shop.example", "GET", "/x?y")
    assert hit(line(request="GET https://shop.example HTTP/2.0"))[3:6] == ("shop.example", "GET", "/")


@pytest.mark.parametrize(
    ("request_line", "method", "target"),
    [
        ("GET /lamps/", "GET", "/lamps/"),
        ("GET   /lamps/   HTTP/1.1  ", "GET", "/lamps/"),
        ("GET /lamps/ HTTP/1.10", "GET", "/lamps/"),
        ("M-SEARCH / HTTP/1.1", "M-SEARCH", "/"),
        ("GET /caf\\xC3\\xA9\\xC2\\xA0noir HTTP/1.1", "GET", "/caf\u00e9\u00a0noir"),
        ("GET /\\xE3\\x80\\x80 HTTP/2.0", "GET", "/\u3000"),
    ],
)
def test_requests(request_line: str, method: str, target: str) -> None:
    """What nginx answers like any other request is read: HTTP/0.9, spaces beyond one, or those beyond ASCII."""
    found = hit(line(request=request_line))
    assert (found.method, found.target) == (method, target)


def test_fields_behind() -> None:
    """nginx's `main` format has the forwarded address behind the user agent; a Cookie header is read only if told."""
    nginx = line(tail='200 12 "-" "curl/8" "203.0.113.9, 10.1.1.1"')
    assert hit(nginx).forwarded == "203.0.113.9, 10.1.1.1"
    both = line(tail='200 12 "-" "curl/8" "203.0.113.9" 0.004 "consent=1.x; theme=\\"dark\\""')
    assert hit(both).cookies == ""
    assert hit(both, cookies=True).cookies == 'consent=1.x; theme="dark"'
    assert hit(both, cookies=True).forwarded == "203.0.113.9"
    assert hit(line(tail='200 12 "-" "curl/8" "-"'), cookies=True).cookies == ""


def test_times() -> None:
    """Zones are taken into account, a leap second is the next one, and days that do not exist are refused."""
    assert hit(line().replace(b"-0700", b"+0000")).time == TIME - 7 * 3_600_000
    assert hit(line().replace(b"13:55:36", b"23:59:60")).time == TIME + (10 * 3_600 + 4 * 60 + 24) * 1_000
    for stamp in (b"31/Feb/2000", b"10/Foo/2000", b"10/10/2000"):
        assert read(line().replace(b"10/Oct/2000", stamp), 7) == Unread(7, "time")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"x" * (MAX_LENGTH + 1), "too-long"),
        (b"\xff\xfe" + line(), "not-utf8"),
        (b"\x00\x00\x00" + line(), "control"),
        (b"time=12:00 level=info msg=hello", "shape"),
        (COMBINED.encode()[:-5], "shape"),
        (line(tail="200"), "shape"),
        (line("-"), "client"),
        (line("bad/host!x 192.0.2.7 - -"), "client"),
        (line("203.0.113.9, nonsense - -"), "client"),
        (line().replace(b"13:55", b"25:55"), "time"),
        (line(request="\\x16\\x03\\x01\\x02"), "request"),
        (line(request="-"), "request"),
        (line(request="GET /two words HTTP/1.1"), "request"),
        (line(request="get / HTTP/1.1"), "request"),
        (line(request="GET / HT"), "request"),
        (line(request="POST /"), "request"),
        (line(request="GET /two\\x09words HTTP/1.1"), "request"),
        (line(tail='000 12 "-" "-"'), "status"),
        (line(tail='٢٠٠ 12 "-" "-"'), "status"),
    ],
)
def test_refusals(raw: bytes, reason: str) -> None:
    """Broken lines are refused with a word that says what is wrong, and with their number."""
    assert read(raw, 12) == Unread(12, reason)  # type: ignore[arg-type]
    assert reason in REASONS


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode), st.booleans())
def test_anything(raw: bytes, cookies: bool) -> None:
    """No bytes make it raise; what is read has a method and a target."""
    found = read(raw, 1, cookies=cookies)
    assert found.reason in REASONS if isinstance(found, Unread) else found.method and found.target


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60))
def test_escapes(text: str) -> None:
    """Whatever a visitor sends, escaped as Apache does it, comes back as it was, and breaks out of no field."""
    written = text.replace("\\", "\\\\").replace('"', '\\"')
    found = hit(line(tail=f'200 12 "{written}" "agent"'))
    assert found.agent == "agent"
    assert found.referrer == ("" if text == "-" else text)


def test_slow_lines() -> None:
    """No line takes long to be refused: patterns look at each character a few times at most."""
    for tail in ('"\\' * 8_000, '" ' * 8_000, "[" * 16_000, '200 1 "' + '\\"' * 7_000, " " * 16_000):
        assert isinstance(read(f"192.0.2.7 - - {STAMP} {tail}".encode()[:MAX_LENGTH], 1), Unread)
