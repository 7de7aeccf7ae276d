"""A real nginx on loopback that writes its predefined format `combined`, and what is sent to one that no browser sends.

It believes `X-Real-IP` from loopback, so that whoever asks says from where.
"""

import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

_UNPACKED = Path(sys.prefix) / "nginx" / "usr" / "sbin"
"""Where scripts/nginx puts it."""

PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:{_UNPACKED}")
MISSING = "nginx was not found (Debian: apt-get install nginx)"

PATIENCE = 6
"""Seconds that nginx waits for a request: longer than whoever sends one may have to wait for a processor."""

NARROW = 1_500
"""Bytes of a request's body that are taken."""

CONFIG = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log crit;
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log;
  {more}
  default_type text/html;
  types {{ text/css css; text/javascript js; image/svg+xml svg; }}
  client_header_timeout {patience}s;
  client_max_body_size {narrow};
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
  set_real_ip_from 127.0.0.0/8;
  set_real_ip_from ::1;
  real_ip_header X-Real-IP;
  server {{
    {listen}
    server_name shop.example;
    root {folder}/pages;
    location / {{ try_files $uri $uri.html $uri/index.html =404; }}
    location /account/ {{ try_files /account.html =404; }}
    location /old/ {{ return 301 /lamps/; }}
    location /basket {{ if ($request_method = POST) {{ return 303 /basket; }} try_files /basket.html =404; }}
    location /empty {{ return 204; }}
    location /broken {{ proxy_pass http://127.0.0.1:1; }}
  }}
}}
"""

HOST = b"Host: shop.example\r\nConnection: close\r\n"
CHROME = (
    b"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    b" Chrome/131.0.0.0 Safari/537.36\r\n"
)


class Odd(NamedTuple):
    """Bytes that reach a web server and come from no browser.

    Args:
        name: what it is.
        sent: the bytes.
        becomes: of its line: why it is refused or left out, or `counted`.
        lines: that nginx writes for it.
        ends: whether the sender closes its side then.
        waits: whether the answer comes only when nginx loses its patience.
    """

    name: str
    sent: bytes
    becomes: str
    lines: int = 1
    ends: bool = False
    waits: bool = False


def greeting() -> bytes:
    """What a client that speaks TLS sends first."""
    sent = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), sent, server_hostname="shop.example")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return sent.read()


def _asks(line: bytes, *headers: bytes) -> bytes:
    return line + b"\r\n" + HOST + CHROME + b"".join(header + b"\r\n" for header in headers) + b"\r\n"


ODD = [
    Odd("TLS to the plain port", greeting(), "request"),
    Odd("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "bot"),
    Odd("a connection without a word", b"", "", lines=0, ends=True),
    Odd("empty lines", b"\r\n\r\n", "request", ends=True),
    Odd("half a request line", b"GET / HT", "request", ends=True),
    Odd("half a request line, and silence", b"GET /lam HT", "request", waits=True),
    Odd("HTTP/0.9", b"GET /lamps/\r\n", "bot"),
    Odd("bytes", bytes([1, 2, 3, 255, 128, 0, 10]) * 3, "request"),
    Odd("NULs", b"\0" * 40, "request"),
    Odd("Redis", b"*1\r\n$4\r\nPING\r\n", "request"),
    Odd("SSH", b"SSH-2.0-Go\r\n", "request"),
    Odd(
        "RDP", b"\x03\x00\x00\x2f\x2a\xe0\x00\x00\x00\x00\x00Cookie: mstshash=Administr\r\n\x01\x00\x08\x00", "request"
    ),
    Odd("a space in the address", _asks(b"GET /two words HTTP/1.1"), "request"),
    Odd("a tab in the address", _asks(b"GET /two\twords HTTP/1.1"), "request"),
    Odd("a method in lower case", _asks(b"get / HTTP/1.1"), "request"),
    Odd("a protocol in lower case", _asks(b"GET / http/1.1"), "request"),
    Odd("no host", b"GET / HTTP/1.1\r\n" + CHROME + b"\r\n", "no-view"),
    Odd("an address too long", _asks(b"GET /" + b"a" * 9_000 + b" HTTP/1.1"), "bot"),
    Odd("a header too long", _asks(b"GET / HTTP/1.1", b"X-Long: " + b"a" * 9_000), "no-view"),
    Odd("a referrer that escapes make long", _asks(b"GET / HTTP/1.1", b"Referer: " + b"\xff" * 7_000), "too-long"),
    Odd("a tunnel", _asks(b"CONNECT mail.example:25 HTTP/1.1"), "bot"),
    Odd("another's page, as of a proxy", _asks(b"GET http://other.example/x HTTP/1.1"), "other-site"),
    Odd("our page, as of a proxy", _asks(b"GET http://shop.example/lamps/ HTTP/1.1"), "counted"),
    Odd("TRACE", _asks(b"TRACE / HTTP/1.1"), "no-view"),
    Odd("OPTIONS of all", _asks(b"OPTIONS * HTTP/1.1"), "bot"),
    Odd("a method with a dash", _asks(b"M-SEARCH / HTTP/1.1"), "no-view"),
    Odd("HEAD", _asks(b"HEAD /lamps/ HTTP/1.1"), "no-view"),
    Odd("a version to come", _asks(b"GET / HTTP/9.9"), "bot"),
    Odd("a version of two digits", _asks(b"GET /lamps/ HTTP/1.10"), "counted"),
    Odd("spaces at the end", _asks(b"GET /lamps/ HTTP/1.1  "), "counted"),
    Odd("many spaces between", _asks(b"GET   /lamps/   HTTP/1.1"), "counted"),
    Odd("a NUL in a header", _asks(b"GET / HTTP/1.1", b"X-Nul: a\0b"), "no-view"),
    Odd("a length that is none", _asks(b"POST /basket HTTP/1.1", b"Content-Length: x"), "no-view"),
    Odd("a body too long", _asks(b"POST /basket HTTP/1.1", b"Content-Length: 9999999"), "no-view", ends=True),
    Odd("chunks", _asks(b"POST /basket HTTP/1.1", b"Transfer-Encoding: chunked") + b"0\r\n\r\n", "no-view"),
    Odd("an agent without a name", b"GET / HTTP/1.1\r\n" + HOST + b"User-Agent:\r\nReferer:\r\n\r\n", "bot"),
    Odd(
        "letters beyond ASCII, a space of theirs among them",
        _asks("GET /caf\u00e9\u00a0noir HTTP/1.1".encode()),
        "counted",
    ),
    Odd(
        "quotes and backslashes", _asks(b'GET /lamps/?q="\\x22" HTTP/1.1', b'Referer: https://a.example/"\\'), "counted"
    ),
    Odd(
        "a forged line in the referrer", _asks(b"GET /lamps/ HTTP/1.1", b'Referer: " "x" [1] 192.0.2.1 - -'), "counted"
    ),
    Odd(
        "a forged line in the name",
        _asks(b"GET /lamps/ HTTP/1.1", b"Authorization: Basic eCBbMV0gIkdFVCAvIiAyMDA6eA=="),
        "counted",
    ),
    Odd("up, out of the folder", _asks(b"GET /../../etc/passwd HTTP/1.1"), "bot"),
    Odd("percent signs that say nothing", _asks(b"GET /%zz%00 HTTP/1.1"), "bot"),
    Odd(
        "two requests at once",
        b"GET /a HTTP/1.1\r\nHost: a\r\n" + CHROME + b"\r\n" + _asks(b"GET /b HTTP/1.1"),
        "no-view",
        2,
    ),
]


class Nginx:
    """A running one. `six`: the port on ::1, None where there is no IPv6."""

    def __init__(self, folder: Path, port: int, six: int | None, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.log = folder / "access.log"
        self.port = port
        self.six = six
        self._process = process

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answers(self) -> bool:
        """Whether it takes connections by now."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=20):
            return True
        return False

    def say(self, odd: Odd, *, six: bool = False) -> bytes:
        """Send bytes as they are over a connection of their own; all that comes back until the server ends it."""
        to = ("::1", self.six) if six and self.six else ("127.0.0.1", self.port)
        answer = b""
        with socket.create_connection(to, timeout=20) as connection, contextlib.suppress(ConnectionError):
            connection.sendall(odd.sent)
            if odd.ends:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                answer += part
        return answer

    def rotate(self) -> Path:
        """Begin a new log, as logrotate does; the one of before."""
        old = self.log.with_name("access.log.1")
        self.log.rename(old)
        self._process.send_signal(signal.SIGUSR1)
        self.wait(self.log.exists)
        return old

    def stop(self) -> None:
        """End it when what it answers is answered, and written."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
        if self._process.wait(20):
            raise RuntimeError(f"nginx ended with {self._process.returncode}: {self.errors}")

    @property
    def errors(self) -> str:
        file = self.folder / "error.log"
        return file.read_text("utf-8", "replace")[-2_000:] if file.exists() else ""

    def wait(self, is_so: Callable[[], bool]) -> None:
        """Until it is so. Raises RuntimeError where nginx ends before, or takes long."""
        end = time.monotonic() + 20
        while not is_so():
            if time.monotonic() > end or self._process.poll() is not None:
                raise RuntimeError(f"nginx does not do what it should: {self.errors}")
            time.sleep(0.005)  # it tells nobody


def serve(folder: Path, targets: Iterable[str], page: str = "<p>A page.</p>") -> None:
    """Put pages there for an nginx that is started in this folder, and files where a target ends like one."""
    for target in targets:
        name = target.removeprefix("/") + ("index" if target.endswith("/") else "")
        file = folder / "pages" / (name if "." in name else f"{name}.html")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(page, "utf-8")


@contextlib.contextmanager
def nginx(folder: Path, more: str = "") -> Iterator[Nginx]:
    """Start one that serves the pages of `serve`; `more` goes into its configuration."""
    assert PROGRAM is not None, MISSING
    with contextlib.ExitStack() as held:
        port = held.enter_context(_reserved(socket.AF_INET, "127.0.0.1"))
        six = held.enter_context(_reserved(socket.AF_INET6, "::1")) if socket.has_ipv6 else None
        listen = f"listen 127.0.0.1:{port};" + (f" listen [::1]:{six};" if six else "")
        file = folder / "nginx.conf"
        file.write_text(
            CONFIG.format(folder=folder, listen=listen, more=more, narrow=NARROW, patience=PATIENCE), "utf-8"
        )
        command = [PROGRAM, "-p", str(folder), "-c", str(file), "-e", str(folder / "error.log")]
        server = Nginx(folder, port or 0, six, subprocess.Popen(command))
        try:
            server.wait(server.answers)
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def _reserved(family: socket.AddressFamily, host: str) -> Iterator[int | None]:
    """A port that nobody else is given meanwhile; None where there is no such address."""
    with socket.socket(family) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as nginx does: two may be bound, one listens
        try:
            held.bind((host, 0))
        except OSError:
            yield None
            return
        yield held.getsockname()[1]
