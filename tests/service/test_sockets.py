"""The endpoint is open to the web: slow, greedy and crooked connections, over real sockets."""

import asyncio
import re
import time
from pathlib import Path

import pytest

from tests.records.shop import ORIGIN
from tests.service.process import Line, Service

GOOD = b"GET /livez HTTP/1.1\r\nHost: consent.example\r\n\r\n"
SECOND = b"GET /livez?smuggled HTTP/1.1\r\nHost: consent.example\r\n\r\n"
POST = b"POST /v1/shop/consent HTTP/1.1\r\nHost: consent.example\r\n"
AT_ONCE = 4
"""Seconds: less than the five after which a connection is closed, and enough for a busy machine."""

FROM_SHOP = f"Origin: {ORIGIN}\r\nContent-Type: text/plain\r\n".encode()


def answers(data: bytes) -> list[int]:
    """The statuses of all answers in what came back."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", data)]


async def ask(service: Service, data: bytes, seconds: float = 8) -> bytes:
    """Send bytes, read until the other side closes."""
    async with await service.connect() as line:
        await line.send(data)
        return await line.rest(seconds)


class TestSlow:
    """Who does not finish is not waited for."""

    async def test_each_is_closed_after_five_seconds(self, standing: Service) -> None:
        """A silent, dripping or idle connection is closed after five seconds, counted from its first byte."""
        cases = [
            (b"", b""),
            (b"", b"\r\n"),
            (b"GET / HTTP/1.1\r\nHost: a\r\n", b""),
            (b"GET / HTTP/1.1\r\nHost: a\r\n", b"X: y\r\n"),
            (b"GET /", b"a"),
            (POST + b"Content-Length: 1000\r\n\r\n", b"a"),
            (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
            (GOOD, b""),
            (GOOD, b"\r\n"),
        ]
        lasted = await asyncio.gather(*(how_long(standing, first, drip) for first, drip in cases))

        for case, seconds in zip(cases, lasted, strict=True):
            assert 4.5 < seconds < 9, case

    async def test_who_never_reads_harms_nobody(self, standing: Service) -> None:
        """Who asks and asks and never reads is cut off at its second request; others are served."""
        async with await standing.connect() as line:
            flood = asyncio.create_task(send_many(line, b"GET /c/shop.js HTTP/1.1\r\nHost: a\r\n\r\n" * 50, 10_000))
            assert (await standing.get("/livez")).status == 200
            await asyncio.wait_for(flood, 5)

    async def test_many_slow_connections_harm_nobody(self, tmp_path: Path) -> None:
        """600 slow connections from one place: another place is served at once, and they are gone after six seconds."""
        service = Service(tmp_path)
        await service.publish()
        await service.start()
        lines = [await service.connect("127.0.0.2") for _ in range(600)]
        for number, line in enumerate(lines):
            if number % 2:
                line.writer.write(b"POST /v1/shop/consent HTTP/1.1\r\nHost: a\r\nContent-Le")
        waits = []
        ending = time.monotonic() + 5.5
        while time.monotonic() < ending:
            began = time.monotonic()
            assert (await service.get("/livez")).status == 200
            waits.append(time.monotonic() - began)
            await asyncio.sleep(0.05)
        rests = await asyncio.gather(*(line.rest(3) for line in lines))
        for line in lines:
            await line.close()
        await service.stop()

        assert sorted(waits)[int(len(waits) * 0.99)] < 0.25
        assert sum(b" 503 " in rest for rest in rests) == 600 - 128  # more than one place may have
        assert service.messages == ""


async def how_long(service: Service, first: bytes, drip: bytes) -> float:
    """Seconds until a connection is closed that begins so and goes on so."""
    async with await service.connect() as line:
        began = time.monotonic()
        await line.send(first)
        dripping = asyncio.create_task(keep_sending(line, drip))
        await line.rest(8)
        dripping.cancel()
        return time.monotonic() - began


async def keep_sending(line: Line, drip: bytes) -> None:
    while drip:
        await asyncio.sleep(0.4)
        try:
            await line.send(drip)
        except OSError:
            return


CROOKED = {
    "length and chunks": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
    "two lengths in one": POST + b"Content-Length: 0, 5\r\n\r\n",
    "negative length": POST + b"Content-Length: -1\r\n\r\n",
    "length with a sign": POST + b"Content-Length: +5\r\n\r\nabcde",
    "length in hex": POST + b"Content-Length: 0x5\r\n\r\nabcde",
    "length with a space inside": POST + b"Content-Length: 5 5\r\n\r\nabcde",
    "length too large for a number": POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
    "chunked misspelt": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and more": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked with a vertical tab": POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "space before the colon": POST + b"Content-Length : 5\r\n\r\nabcde",
    "chunk size that is none": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
    "chunk size with a sign": POST + b"Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n",
    "chunk longer than its size": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    "chunk size of 17 digits": POST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n",
    "bare line feeds": b"GET /livez HTTP/1.1\nHost: consent.example\n\n",
    "bare line feed in the head": b"GET /livez HTTP/1.1\r\nHost: consent.example\nX: y\r\n\r\n",
    "bare carriage return": b"GET /livez HTTP/1.1\r\nHost: consent.example\rX: y\r\n\r\n",
    "folded header": b"GET /livez HTTP/1.1\r\nHost: consent.example\r\nX: y\r\n z\r\n\r\n",
    "header without a name": b"GET /livez HTTP/1.1\r\nHost: consent.example\r\n: y\r\n\r\n",
    "header without a colon": b"GET /livez HTTP/1.1\r\nHost: consent.example\r\nnonsense\r\n\r\n",
    "NUL in a value": b"GET /livez HTTP/1.1\r\nHost: consent.example\r\nX: a\x00b\r\n\r\n",
    "escape in a value": b"GET /livez HTTP/1.1\r\nHost: consent.example\r\nUser-Agent: \x1b[31m\r\n\r\n",
    "no host": b"GET /livez HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /livez HTTP/1.1\r\nHost: consent.example\r\nHost: evil.example\r\n\r\n",
    "space in the address": b"GET /livez x HTTP/1.1\r\nHost: consent.example\r\n\r\n",
    "a byte beyond ASCII in the address": b"GET /liv\xe9z HTTP/1.1\r\nHost: consent.example\r\n\r\n",
    "an unknown method": b"STEAL /livez HTTP/1.1\r\nHost: consent.example\r\n\r\n",
    "a method in small letters": b"get /livez HTTP/1.1\r\nHost: consent.example\r\n\r\n",
    "HTTP/1.2": b"GET /livez HTTP/1.2\r\nHost: consent.example\r\n\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /livez\r\n",
    "CONNECT": b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    "not HTTP at all": b"\x00\x01\x02\x03\r\n\r\n",
}


class TestCrooked:
    """What two programs could read in two ways is read by nobody."""

    @pytest.mark.parametrize("request_bytes", CROOKED.values(), ids=CROOKED.keys())
    async def test_it_is_refused_and_nothing_after_it_is_read(self, standing: Service, request_bytes: bytes) -> None:
        """One answer, a refusal, then the end: what follows on the connection is never answered."""
        got = await ask(standing, request_bytes + SECOND)

        assert answers(got) in ([400], [405], [413])
        assert b"smuggled" not in got
        assert standing.messages == ""

    @pytest.mark.parametrize(
        "headers",
        [b"Upgrade: websocket\r\nConnection: Upgrade\r\n", b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"],
    )
    async def test_other_protocols_are_not_taken_up(self, standing: Service, headers: bytes) -> None:
        """An offer to speak something else is ignored: the request is answered, and what follows is not."""
        got = await ask(standing, GOOD[:-2] + headers + b"\r\n" + SECOND)

        assert answers(got) == [200]
        assert standing.messages == ""

    async def test_requests_do_not_overtake(self, standing: Service) -> None:
        """A second request that comes before the first was answered is not read: one answer, then the end."""
        got = await ask(standing, GOOD + SECOND)

        assert answers(got) == [200]
        assert b"connection: close" in got

    async def test_nothing_after_the_body_is_a_header(self, standing: Service) -> None:
        """Trailers are dropped: an Origin that comes after the body counts as none."""
        body = standing.body()
        head = POST + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: Origin\r\n\r\n"
        trailer = b"0\r\nOrigin: " + ORIGIN.encode() + b"\r\n\r\n"
        async with await standing.connect() as line:
            await line.send(head + b"%x\r\n%b\r\n" % (len(body), body) + trailer)
            answer = await line.answer()

        assert (answer.status, answer.json["error"]) == (403, "wrong_origin")

    async def test_ordinary_requests_follow_each_other(self, standing: Service) -> None:
        """Keep-alive works: several requests one after another on one connection, chunked ones among them."""
        known = len(await standing.log())
        async with await standing.connect() as line:
            for _ in range(3):
                assert (await line.ask("GET", "/livez")).status == 200
                assert (await line.post(standing.body())).status == 201
            body = standing.body()
            head = POST + f"Origin: {ORIGIN}\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
            await line.send(head)
            for part in (body[:100], body[100:]):
                await asyncio.sleep(0.01)
                await line.send(b"%x;extension=1\r\n%b\r\n" % (len(part), part))
            await line.send(b"0\r\n\r\n")
            assert (await line.answer()).status == 201
            assert (await line.ask("HEAD", "/livez")).body == b""
            assert (await line.ask("GET", "/livez")).status == 200

        assert len(await standing.log()) == known + 4

    async def test_old_clients_are_served(self, standing: Service) -> None:
        """HTTP/1.0 without a Host is answered and closed; Expect is met."""
        assert answers(await ask(standing, b"GET /livez HTTP/1.0\r\n\r\n")) == [200]
        body = standing.body()
        async with await standing.connect() as line:
            head = f"Origin: {ORIGIN}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
            await line.send(POST + head.encode() + b"Expect: 100-continue\r\n\r\n")
            assert await line.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            await line.send(body)
            assert (await line.answer()).status == 201


class TestGreedy:
    """Sizes are bounded, and the refusal is heard."""

    @pytest.mark.parametrize(
        ("data", "status", "error"),
        [
            (b"GET /" + b"a" * 3_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "url_too_long"),
            (b"GET /?" + b"a" * 3_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414, "url_too_long"),
            (b"GET /" + b"a" * 10_000_000, 431, "headers_too_large"),
            (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 17_000 + b"\r\n\r\n", 431, "headers_too_large"),
            (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 10_000_000, 431, "headers_too_large"),
            (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 64 + b"\r\n", 431, "headers_too_large"),
            (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 100_000 + b"\r\n", 431, "headers_too_large"),
            (b"\r\n" * 20_000, 431, "headers_too_large"),
            (POST + b"Content-Length: 65537\r\n\r\n", 413, "too_large"),
            (POST + b"Content-Length: 65537\r\nExpect: 100-continue\r\n\r\n", 413, "too_large"),
            (POST + FROM_SHOP + b"Transfer-Encoding: chunked\r\n\r\n10001\r\n" + b"a" * 65_537, 413, "too_large"),
        ],
        ids=["path", "query", "endless address", "header", "endless header", "65 headers", "100,000 headers",
             "blank lines", "declared body", "declared and expected body", "streamed body"],
    )  # fmt: skip
    async def test_beyond_the_limit_is_refused(self, standing: Service, data: bytes, status: int, error: str) -> None:
        """The refusal comes at once, as JSON with a remedy, and the connection ends."""
        async with await standing.connect() as line:
            began = time.monotonic()
            sending = asyncio.create_task(line.send(data))
            answer = await line.answer()
            waited = time.monotonic() - began
            await line.rest()
            await asyncio.gather(sending, return_exceptions=True)

        assert (answer.status, answer.json["error"]) == (status, error)
        assert answer.json["remedy"]
        assert waited < AT_ONCE

    async def test_two_hundred_megabytes_take_no_memory(self, standing: Service) -> None:
        """A body of 200 MB, declared or streamed, is refused at once and never held."""
        assert standing.process is not None
        await standing.get("/livez")
        before = resident(standing.process.pid)
        block = b"a" * 1_000_000
        chunk = b"f4240\r\n" + block + b"\r\n"
        ours = f"Origin: {ORIGIN}\r\nContent-Type: text/plain\r\n".encode()
        for head, frame, status in (
            (b"Content-Length: 200000000\r\n\r\n", block, 413),
            (ours + b"Transfer-Encoding: chunked\r\n\r\n", chunk, 413),
            (b"Transfer-Encoding: chunked\r\n\r\n", chunk, 403),  # answered before it came
        ):
            async with await standing.connect() as line:
                began = time.monotonic()
                await line.send(POST + head)
                early = await line.answer() if status == 403 else None
                sending = asyncio.create_task(send_many(line, frame, 200))
                answer = early or await line.answer()
                assert time.monotonic() - began < AT_ONCE
                assert answer.status == status
                assert answers(await line.rest()) == []
                await sending
        assert resident(standing.process.pid) - before < 10_000_000

    async def test_a_body_under_the_ceiling_hears_its_refusal(self, standing: Service) -> None:
        """Between a route's limit and the ceiling the body is read to its end, and the connection goes on."""
        async with await standing.connect() as line:
            assert (await line.post(b"a" * 60_000)).status == 413
            assert (await line.post(standing.body())).status == 201

    async def test_one_place_has_so_many_connections(self, strict: Service) -> None:
        """The 129th connection of one place is told so and closed; other places and later connections are served."""
        lines = [await strict.connect("127.0.0.3") for _ in range(128)]
        async with await strict.connect("127.0.0.3") as one_more:
            assert b" 503 " in await one_more.rest()
        assert (await strict.get("/livez", near="127.0.0.4")).status == 200
        await lines[0].close()
        await asyncio.sleep(0.05)
        assert (await strict.get("/livez", near="127.0.0.3")).status == 200
        for line in lines[1:]:
            await line.close()


async def send_many(line: Line, frame: bytes, times: int) -> None:
    """Go on sending whatever the other side says, until it does not listen any more."""
    for _ in range(times):
        try:
            await line.send(frame)
        except OSError:
            return


def resident(process: int) -> int:
    """Bytes of memory that a process has."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4_096


async def test_who_leaves_early_leaves_no_trace(standing: Service) -> None:
    """Connections that end in the middle of a request are nothing to log and nothing to record."""
    known = await standing.log()
    for cut in (b"GET", POST, POST + b"Content-Length: 100\r\n\r\n{"):
        for _ in range(5):
            async with await standing.connect() as line:
                await line.send(cut)
    async with await standing.connect() as line:
        assert (await line.ask("GET", "/livez")).status == 200

    assert await standing.log() == known
    assert standing.messages == ""


async def test_a_proxy_brings_many_visitors(tmp_path: Path) -> None:
    """Connections of a trusted proxy are not counted by address; its visitors are limited one by one."""
    service = Service(tmp_path, CONSENT_TRUSTED_PROXIES="127.0.0.0/8", CONSENT_RATE_ADDRESS="2")
    await service.publish()
    await service.start()
    lines = [await service.connect() for _ in range(200)]
    statuses = []
    for who in ("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "2001:db8::1"):
        headers = {"origin": ORIGIN, "content-type": "text/plain", "x-forwarded-for": f"198.51.100.1, {who}"}
        statuses.append((await lines[-1].ask("POST", "/v1/shop/consent", service.body(), headers)).status)
    for line in lines:
        await line.close()
    await service.stop()

    assert statuses == [201, 201, 429, 201, 201]
