"""A log that a real nginx wrote is imported line by line as what was asked of it, whoever asked."""

import contextlib
import gzip
import http.client
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from consent import cli_import
from consent.visitors.visit import DAY
from tests.telemetry.imported import BOT, CHROME, answered, publish, rows, views, visitor
from tests.telemetry.nginx import MISSING, ODD, PROGRAM, Nginx, nginx, serve

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=MISSING)

PAGES = {
    "/": "/",
    "/lamps/": "/lamps/",
    "/lamps/oak-1?utm_source=news&mail=anna.muster@mail.example": "/lamps/oak-1",
    "/search?q=brass+lamp": "/search",
    "/account/anna.muster@mail.example/orders/7391826455": "/account/:email/orders/:id",
    "/caf%C3%A9": "/café",
}
"""Pages that there are, as they are asked for, and as reports show them."""

OTHERS = ["/site.css", "/none", "/old/lamp", "/basket", "/empty", "/broken", "//lamps//"]
AGENTS = [
    CHROME,
    CHROME.replace("131", "132"),
    'Mozilla/5.0 (X11; Linux x86_64; rv:133.0) "quoted\\" Firefox/133.0',
    BOT,
]
FIELDS = [
    {},
    {"Referer": "https://news.example/a?mail=anna.muster@mail.example"},
    {"Referer": 'https://www.google.com/search?q="oak"'},
    {"If-None-Match": "*"},
    {"Range": "bytes=0-9"},
    {"X-Real-IP": "2001:db8:77::7"},
]
TRACES = [b"198.51.100", b"2001:db8:77", b"Chrome/13", b"quoted", b"anna.muster", b"7391826455", b"127.0.0"]


class Asked(NamedTuple):
    """A request and what nginx answered."""

    method: str
    target: str
    agent: str
    status: int

    @property
    def becomes(self) -> str:
        """What the import has to make of it."""
        if self.target.endswith(".css"):
            return "asset"
        if self.agent == BOT:
            return "bot"
        return "counted" if self.method == "GET" and self.status in (200, 304) else "no-view"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Nginx]:
    """An nginx with the shop's pages, and a second log as docs/owners.md has it."""
    folder = tmp_path / "nginx"
    found = ("/", "/lamps/", "/lamps/oak-1", "/search", "/account", "/basket", "/café", "/café\u00a0noir", "/site.css")
    serve(folder, found)
    owners = (Path(__file__).parents[2] / "docs" / "owners.md").read_text("utf-8")
    [form] = re.findall(r"^ *(log_format consent .*;)$", owners, re.MULTILINE)
    with nginx(folder, f"{form} access_log {folder}/consent.log consent;") as running:
        yield running


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a published policy."""
    publish(tmp_path / "data")
    return tmp_path / "data"


def ask(server: Nginx, asked: list[tuple[str, str, str, dict[str, str]]], source: str = "127.0.0.1") -> list[Asked]:
    """Send requests one after another over one connection."""
    found = []
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, 20, (source, 0))) as connection:
        for number, (method, target, agent, fields) in enumerate(asked):
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, text in ({"X-Real-IP": f"198.51.100.{number % 250}"} | fields | {"User-Agent": agent}).items():
                connection.putheader(name, text.encode())
            connection.endheaders()
            answer = connection.getresponse()
            answer.read()
            found.append(Asked(method, target, agent, answer.status))
    return found


def test_imported(server: Nginx, data: Path) -> None:
    """Every line of a log in two parts is counted, left out or refused as what was sent, once, and leaves no trace."""
    plan = [
        (method, target, agent, fields)
        for method in ("GET", "POST", "HEAD")
        for target in (*PAGES, *OTHERS)
        for agent in AGENTS
        for fields in (FIELDS if method == "GET" else FIELDS[:1])
    ]
    beside = ThreadPoolExecutor(1)
    waiting = [beside.submit(server.say, odd) for odd in ODD if odd.waits]
    asked = ask(server, plan[::2])
    old = server.rotate()
    packed = old.with_suffix(".1.gz")
    packed.write_bytes(gzip.compress(old.read_bytes()))
    asked += ask(server, plan[1::2], "127.0.0.3")
    for odd in ODD:
        if not odd.waits:
            server.say(odd, six=len(odd.name) % 2 > 0)
    assert [len(one.result()) for one in waiting] == [0]
    beside.shutdown()
    server.stop()

    said = answered(data, "import-log", "shop", str(packed), str(server.log), "--country", "FR")
    odd_ones = Counter[str]()
    for odd in ODD:
        odd_ones[odd.becomes] += odd.lines
    expected = Counter(one.becomes for one in asked) + odd_ones
    assert lines_of(old) + lines_of(server.log) == len(asked) + odd_ones.total() == said["lines"]
    assert Counter(said["left"]) + Counter(said["refused"]) + Counter(counted=said["counted"]) == expected
    assert {200, 204, 206, 301, 303, 304, 404, 405, 502} <= {one.status for one in asked}

    shown = Counter(PAGES.get(one.target, one.target) for one in asked if one.becomes == "counted")
    shown += Counter({"/lamps/": odd_ones["counted"] - 1, "/caf\u00e9\u00a0noir": 1})
    assert views(data) == {f"shop.example{page}": number for page, number in shown.items()}
    held = b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    assert [trace for trace in TRACES if trace in held] == []

    again = answered(data, "import-log", "shop", str(old), str(server.log), "--country", "FR")
    assert (again["lines"], again["before"], again["counted"]) == (0, said["lines"], 0)
    assert sum(views(data).values()) == said["counted"]


def lines_of(file: Path) -> int:
    return file.read_bytes().count(b"\n")


def test_cookies(server: Nginx, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The format that the documentation gives to owners has what rows need: of who agreed there are some."""
    now = time.time_ns() // 1_000_000
    yes, who = visitor(data, ago=0, now=now)
    no, _ = visitor(data, grants=False, ago=0, now=now)
    fields = {"Referer": 'https://news.example/"x"', "X-Real-IP": "203.0.113.77"}
    plan = [
        ("GET", "/lamps/", CHROME, fields | {"Cookie": f'theme="dark"; {yes}'}),
        ("GET", "/none", CHROME, fields | {"Cookie": yes}),
        ("GET", "/lamps/", CHROME, fields | {"Cookie": no}),
        ("GET", "/lamps/", CHROME, fields),
    ]
    ask(server, plan)
    server.stop()
    monkeypatch.setattr(cli_import, "_now", lambda: now + 2 * DAY)
    log = server.log.with_name("consent.log")
    said = answered(data, "import-log", "shop", str(log), "--cookies", "--country", "DE")
    assert (said["lines"], said["stored"], said["left"], said["refused"]) == (4, 2, {"not-allowed": 2}, {})
    assert rows(data, "select id from visitor") == [(who.hex(),)]
    assert rows(data, "select source from session") == [("news.example",)]
    assert rows(data, "select event, path, status, address from event order by path") == [
        ("view", "/lamps/", 200, "203.0.113.0"),
        ("request", "/none", 404, "203.0.113.0"),
    ]
