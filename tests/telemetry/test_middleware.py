"""The middleware for other people's Python sites: pages are told of, nothing else is, and the site never notices."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from consent.errors import Problem
from consent.telemetry import sender, told
from consent.telemetry.asset import is_asset
from consent.telemetry.middleware import LogMiddleware
from consent.telemetry.sender import Sender
from consent.telemetry.told import Told

OURS = "consent=1.x; __Host-consent-visitor=sealed; consent-session=more"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
ONE = Told(id="0" * 32, time=1, method="GET", url="https://shop.example/", status=200)


class Kept:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.requests: list[Told] = []
        self.closed = False

    def put(self, request: Told) -> None:
        self.requests.append(request)

    def close(self) -> None:
        self.closed = True


class Broken(Kept):
    """A sink that fails."""

    def put(self, request: Told) -> None:
        raise RuntimeError("no room")


async def page(request: Request) -> Response:
    return HTMLResponse("<h1>Lamps</h1>", status_code=int(request.query_params.get("status", 200)))


async def fails(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await SITE(scope, receive, send)
    raise ValueError("the site's own fault")


SITE = Starlette(
    routes=[
        Route("/lamps", page, methods=["GET", "POST"]),
        Route("/api", lambda _: JSONResponse({})),
        Route("/site.css", lambda _: PlainTextResponse("", media_type="text/css")),
        Route("/old", lambda _: RedirectResponse("/lamps")),
        Route("/unchanged", lambda _: Response(status_code=304)),
        Route("/unchanged.css", lambda _: Response(status_code=304)),
    ]
)


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def client(kept: Kept) -> Iterator[TestClient]:
    app = LogMiddleware(SITE, site="shop", sink=kept, trusted=["10.0.0.0/8"])
    with TestClient(app, "https://shop.example", follow_redirects=False, client=("10.0.0.5", 1)) as client:
        yield client


def test_page(client: TestClient, kept: Kept) -> None:
    """It tells address, answer, referrer and what the browser said of itself; of cookies ours and no others."""
    sent = {"User-Agent": CHROME, "Accept-Language": "de", "Referer": "https://a.example/x", "Sec-GPC": "1"}
    sent |= {"Cookie": f"basket=17; {OURS}", "X-Forwarded-For": "198.51.100.7", "Authorization": "Basic c2VjcmV0"}
    client.get("/lamps?ref=1", headers=sent)
    [request] = kept.requests
    assert (request.method, request.url, request.status) == ("GET", "https://shop.example/lamps?ref=1", 200)
    assert (request.referrer, request.address, request.cookies) == ("https://a.example/x", "198.51.100.7", OURS)
    assert request.headers == {"user-agent": CHROME, "accept-language": "de", "sec-gpc": "1"}
    assert abs(request.time / 1_000 - time.time()) < 60
    assert "secret" not in told.write([request]).decode() and "basket" not in told.write([request]).decode()


def test_without_cookies(client: TestClient, kept: Kept) -> None:
    """Of a visitor without cookies of ours no full address leaves the site, whatever other cookies there are."""
    client.get("/lamps", headers={"X-Forwarded-For": "198.51.100.7", "Cookie": "consent=1.x; a=consent-visitor=1"})
    client.get("/lamps", headers={"X-Forwarded-For": "2001:db8:1:2::9"})
    assert [request.address for request in kept.requests] == ["198.51.100.0", "2001:db8:1::"]
    assert [request.cookies for request in kept.requests] == ["consent=1.x", ""]


def test_what_is_told(client: TestClient, kept: Kept) -> None:
    """Pages are told of by their content type, also pages that say no; assets, data, redirections, previews are not."""
    for path in ("/api", "/site.css", "/old", "/unchanged.css"):
        client.get(path)
    client.head("/lamps")
    client.get("/lamps", headers={"Sec-Purpose": "prefetch;prerender"})
    assert kept.requests == []
    client.post("/lamps")
    client.get("/lamps?status=404")
    client.get("/unchanged")
    assert [(one.method, one.status) for one in kept.requests] == [("POST", 200), ("GET", 404), ("GET", 304)]


def test_faults(kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    """An error of the site stays the site's and is told as 500; an error here is logged once and reaches nobody."""
    with (
        TestClient(LogMiddleware(fails, site="shop", sink=kept)) as client,
        pytest.raises(ValueError, match="own fault"),
    ):
        client.get("/lamps")
    assert [one.status for one in kept.requests] == [500]
    assert kept.closed
    with TestClient(LogMiddleware(SITE, site="shop", sink=Broken())) as client:
        assert client.get("/lamps").text == client.get("/lamps").text == "<h1>Lamps</h1>"
    assert caplog.text.count("could not be told") == 1


def test_needs() -> None:
    """Without a service or a token it says so at once, and not at the first visitor."""
    with pytest.raises(ValueError, match="address and the site's token"):
        LogMiddleware(SITE, site="shop", service="https://consent.example")
    with pytest.raises(ValueError, match="not the address"):
        LogMiddleware(SITE, site="shop", service="consent.example", token="t")


class Taken(NamedTuple):
    """What a service was sent."""

    path: str
    token: str
    requests: list[dict[str, Any]]


class Service(ThreadingHTTPServer):
    """A service that answers as it is told, and remembers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.answers: list[int] = []
        self.taken: list[Taken] = []
        self.came = threading.Semaphore(0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answering(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append(Taken(self.path, self.headers["Authorization"], json.loads(body)["requests"]))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.came.release()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_sending(service: Service) -> None:
    """Requests go to the service together, with the site's token, and what waits goes when the site stops."""
    app = LogMiddleware(SITE, site="shop", service=service.url + "/", token="secret")
    with TestClient(app) as client:
        for _ in range(3):
            client.get("/lamps")
    assert sum(len(one.requests) for one in service.taken) == 3
    assert {(one.path, one.token) for one in service.taken} == {("/v1/shop/requests", "Bearer secret")}


def test_trying_again(service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """While the service is busy or gone requests wait and are sent again, said once; what it refuses is dropped."""
    monkeypatch.setattr(sender, "EVERY", 0.01)
    service.answers = [503, 429, 202, 422]
    posts = Sender(f"{service.url}/v1/shop/requests", "secret")
    posts.put(ONE)
    for _ in range(3):
        assert service.came.acquire(timeout=10)
    posts.put(ONE)
    assert service.came.acquire(timeout=10)
    posts.close()
    assert (posts.sent, posts.dropped) == (1, 1)
    assert [len(one.requests) for one in service.taken] == [1, 1, 1, 1]
    assert caplog.text.count("does not take") == 2  # once, and once more after it had worked


def test_room(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long requests go in several posts, none larger than the service reads, and each goes once."""
    monkeypatch.setattr(sender, "EVERY", 0.01)
    posts = Sender(f"{service.url}/v1/shop/requests", "secret")
    for number in range(40):
        posts.put(
            Told(
                id=f"{number:032x}", time=1, method="GET", url="https://shop.example/", status=200, cookies="é" * 4_000
            )
        )
    posts.close()
    assert sorted(one["id"] for sent in service.taken for one in sent.requests) == [
        f"{number:032x}" for number in range(40)
    ]
    assert all(len(json.dumps(sent.requests, ensure_ascii=False).encode()) < told.MAX_BODY for sent in service.taken)
    assert (posts.sent, posts.dropped) == (40, 0)


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nobody to send to, so many wait and no more; the rest is counted as dropped, and stopping takes no time."""
    monkeypatch.setattr(sender, "MOST", 50)
    posts = Sender("http://127.0.0.1:9/v1/shop/requests", "secret")
    for _ in range(1_000):
        posts.put(ONE)
    began = time.monotonic()
    posts.close()
    assert time.monotonic() - began < sender.LAST + 1
    assert 1_000 - 50 - told.MAX_REQUESTS <= posts.dropped <= 1_000
    assert posts.sent == 0


def test_cost(kept: Kept) -> None:
    """A page costs the site less than a fifth of a millisecond more."""
    app, headers = (
        LogMiddleware(PLAIN, site="shop", sink=kept),
        [(b"user-agent", CHROME.encode()), (b"cookie", OURS.encode())],
    )
    scope = {"type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"", "scheme": "https"}
    scope |= {"headers": [*headers, (b"host", b"shop.example")], "client": ("198.51.100.7", 1)}

    async def spent(application: Any) -> float:
        async def receive() -> Any:
            raise AssertionError("nothing is read")

        async def send(_: Any) -> None:
            pass

        began = time.process_time()
        for _ in range(500):
            await application(scope, receive, send)
        return (time.process_time() - began) / 500

    best = min(asyncio.run(spent(app)) - asyncio.run(spent(PLAIN)) for _ in range(5))
    assert len(kept.requests) == 2_500
    assert best < 0.000_2


async def PLAIN(scope: Any, receive: Any, send: Any) -> None:
    """The least that a page can be."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b""})


def test_body() -> None:
    """What the middleware writes is what the endpoint reads; what does not fit is left out one by one, and counted."""
    assert told.read(told.write([ONE])) == ([ONE], {})
    bad = {"id": "x", "time": 1, "method": "GET", "url": "/", "status": 200}
    found, left = told.read(json.dumps({"requests": [bad, json.loads(told.write([ONE]))["requests"][0], 7]}).encode())
    assert (found, left) == ([ONE], {"malformed": 2})
    found, left = told.read(told.write([ONE] * (told.MAX_REQUESTS + 3)))
    assert (len(found), left) == (told.MAX_REQUESTS, {"too-many": 3})
    for body in (b"", b"\xff", b"[]", b'{"requests":{}}', b'{"requests":[],"more":1}', b"[" * 9_000):
        with pytest.raises(Problem):
            told.read(body)


def test_assets() -> None:
    """Files are told from pages by their ending; dots in a page's own path or query are none."""
    assert all(map(is_asset, ("/a.css", "/a/B.PNG?v=1", "/robots.txt")))
    assert not any(map(is_asset, ("/", "/a", "/v1.2/guide", "/lamp-1.5", "/index.html", "/x?file=a.css", "/a.css/")))


def test_weight() -> None:
    """A site that imports it loads nothing of the service: no store, no user agents, no ciphers."""
    program = "import sys, consent.telemetry.middleware; print(*sys.modules)"
    loaded = set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    )
    assert "consent.telemetry.sender" in loaded
    assert not loaded & {"ua_parser_rs", "cryptography", "maxminddb", "aiosqlite", "jinja2", "uvicorn", "consent.app"}
