"""Fetching a page of the own site reaches nothing else: no foreign origin, no address that is not public."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from consent.errors import Problem
from consent.reports import peek

ORIGINS = ("https://shop.example", "http://shop.example:8080")

FOREIGN = [
    "", "shop.example", "//shop.example/", "https://evil.example/", "http://shop.example/", "https:/shop.example/",
    "https://shop.example:444/", "https://shop.example.evil.example/", "https://evil.example/https://shop.example",
    "https://shop.example@evil.example/", "https://user:pw@shop.example/", "https://shop.example\\@evil.example/",
    "https://shop.example%23@evil.example/", "file:///etc/passwd", "gopher://shop.example/", "ftp://shop.example/",
    "data:text/html,x", "javascript:alert(1)", "https://[::1]/", "https://127.0.0.1/", "https://2130706433/",
    "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/", "http://169.254.169.254/latest/meta-data/",
    "https://shop.example:99999/", "https://xn--shp-sna.example/", "https://shöp.example/", "https://shop。example/",
    "https:///shop.example/", "https://shop.example/" + "a" * 2_000,
]  # fmt: skip

PRIVATE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1", "2001:db8::1", "fc00::1", "fd12::1", "fe80::1",
    "fe80::1%eth0", "fec0::1", "ff02::1", "100::1", "192.88.99.1",
]  # fmt: skip


def looked(*addresses: str) -> peek.Look:
    return lambda host, port: list(addresses)


@pytest.fixture(autouse=True)
def _nothing_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection anywhere but to this machine fails the test."""
    real = socket.create_connection

    def connect(address: tuple[str, int], *rest: object, **more: object) -> socket.socket:
        assert address[0] == "127.0.0.1", address
        return real(address, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_connection", connect)


@pytest.mark.parametrize("url", FOREIGN)
async def test_only_the_policys_origins(url: str) -> None:
    """Every other address is refused before its name is looked up."""

    def look(host: str, port: int) -> list[str]:
        raise AssertionError(host)

    with pytest.raises(Problem) as caught:
        await peek.fetch(url, ORIGINS, look=look)
    assert caught.value.code == "not_looked_at"


@pytest.mark.parametrize("address", PRIVATE)
async def test_only_public_addresses(address: str) -> None:
    """An own name that leads inside is refused; also when only one of its addresses does."""
    for found in ((address,), ("93.184.215.14", address)):
        with pytest.raises(Problem, match="not on the public internet"):
            await peek.fetch("https://shop.example/", ORIGINS, look=looked(*found))


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses_are_public(address: str) -> None:
    """The rule is not so strict that nothing passes."""
    assert peek.public(address)


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server on this machine that gives these answers; its origin, and what it was asked."""
    asked: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(65_536))
                connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    finally:
        listener.close()
        thread.join(2)


def page(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""])
    return head.encode() + body


async def test_the_demos_own_page_is_fetched() -> None:
    """What is this service itself may be on this machine; no cookie, no credentials are sent."""
    with answering(page(b"<p>Lamps")) as (origin, asked):
        assert await peek.fetch(f"{origin}/a?b=c", [origin], own=[origin]) == "<p>Lamps"

    assert asked[0].startswith(b"GET /a?b=c HTTP/1.1\r\n")
    assert b"cookie" not in asked[0].lower() and b"authorization" not in asked[0].lower()


@pytest.mark.parametrize(
    "to",
    [
        "http://169.254.169.254/latest/",
        "https://evil.example/",
        "file:///etc/passwd",
        "//evil.example/",
        "http://[::1]/",
    ],
)
async def test_redirects_are_judged_like_the_first_address(to: str) -> None:
    """One that leads out of the policy's origins is not followed."""
    with answering(page(b"", f"Location: {to}", status="302 Found")) as (origin, _), pytest.raises(Problem) as caught:
        await peek.fetch(f"{origin}/", [origin], own=[origin])

    assert "origins" in caught.value.message


async def test_redirects_end() -> None:
    """A few of them are followed within the origin, not for ever."""
    more = page(b"", "Location: /next", status="301 Moved")
    with answering(more, page(b"here")) as (origin, asked):
        assert await peek.fetch(f"{origin}/", [origin], own=[origin]) == "here"
        assert asked[1].startswith(b"GET /next ")
    with answering(*[more] * 4) as (origin, _), pytest.raises(Problem, match="only leads to others"):
        await peek.fetch(f"{origin}/", [origin], own=[origin])


async def test_a_page_is_read_to_its_bound() -> None:
    """A million bytes, whatever its head promises; other answers than a page are told."""
    with answering(page(b"x" * 3_000_000)) as (origin, _):
        assert len(await peek.fetch(f"{origin}/", [origin], own=[origin])) == peek.MOST
    with answering(page(b"", status="404 Not Found")) as (origin, _), pytest.raises(Problem, match="status 404"):
        await peek.fetch(f"{origin}/", [origin], own=[origin])
    with answering(b"rubbish\r\n\r\n") as (origin, _), pytest.raises(Problem, match="could not be fetched"):
        await peek.fetch(f"{origin}/", [origin], own=[origin])
