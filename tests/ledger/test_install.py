"""The install's own log: the heads of all sites, cosigned by witnesses that may be anywhere, or nowhere."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from consent.config import Config, load
from consent.db import Database
from consent.errors import ConfigError
from consent.ledger import install_queries as queries
from consent.ledger.checkpoint import Checkpoint
from consent.ledger.cosign import Cosigner
from consent.ledger.install import Install
from consent.ledger.memory import Memory
from consent.ledger.note import Vkey, open_note
from consent.ledger.queries import newest
from consent.ledger.sequencer import INSTALL, Log, Sequencer
from consent.ledger.witness import Witness, Witnesses, configured, cosigned
from consent.ledger.witness_routes import create_witness
from consent.ledger.witnessing import Witness as Watcher
from consent.web.fetch import LARGEST, fetch
from tests.ledger.test_sequencer import append, leaves, sequencer

COSIGNER = Cosigner("witness.example/w", b"w" * 32)
NOBODY = Witness("http://127.0.0.1:1", COSIGNER.vkey)


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """An application on a free port, by a real server."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            await asyncio.wait({serving}, timeout=0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listener.close()


async def vkey_of(logs: Sequencer) -> Vkey:
    return (await logs.tail(Log(0, INSTALL))).key.vkey


async def head(db: Database) -> tuple[int, str]:
    """Size and text of the install's checkpoint, with the cosignatures that it has."""
    row = await newest(db, 0)
    assert row is not None
    return row["size"], await cosigned(db, row["epoch"], row["size"], row["checkpoint"])


async def contents(db: Database) -> list[str]:
    rows = await db.fetch("select type, content from ledger_leaf where site_id = 0 order by leaf")
    return [f"{row['type']} {row['content']}" for row in rows]


async def test_heads_that_changed_are_appended(db: Database, tmp_path: Path) -> None:
    """Each look appends a leaf for every site whose log grew since, and none where none did; also after a restart."""
    logs = sequencer(db, tmp_path)
    install = Install(db, logs, Witnesses(db, []))
    assert await install.publish() == 0
    for site, count in (("one", 3), ("two", 1)):
        await append(db, logs, leaves(count), Log({"one": 1, "two": 2}[site], site))
    assert await install.publish() == 2
    assert await install.publish() == 0
    await append(db, logs, leaves(2), Log(1, "one"))
    again = Install(db, sequencer(db, tmp_path), Witnesses(db, []))
    assert await again.publish() == 1
    assert await again.publish() == 0

    told = await contents(db)
    one, two = await newest(db, 1), await newest(db, 2)
    assert one is not None
    assert two is not None
    assert told[0].startswith("head consent.example/log/one 3 ")
    assert told[1:] == [f"head {row['origin']} {row['size']} {row['root']}" for row in (two, one)]
    size, note = await head(db)
    text, names = open_note(note, [await vkey_of(logs)])
    assert (size, names) == (3, ["consent.example/log/install"])
    assert Checkpoint.parse(text).size == 3


async def test_a_witness_cosigns(db: Database, tmp_path: Path) -> None:
    """Every new head is cosigned, also from where the witness says it is after its cosignatures were forgotten."""
    logs = sequencer(db, tmp_path)
    watcher = Watcher(COSIGNER, Memory(tmp_path / "w"), {"consent.example/log/install": [await vkey_of(logs)]})
    async with served(create_witness(watcher)) as address:
        install = Install(db, logs, Witnesses(db, [Witness(address, COSIGNER.vkey), NOBODY]))
        for forget in (False, False, True, False):
            if forget:
                await db.execute("delete from witness_cosignature")
            await append(db, logs, leaves(1))
            await install.publish()
            size, note = await head(db)
            text, names = open_note(note, [await vkey_of(logs), COSIGNER.vkey])

            assert names == ["consent.example/log/install", "witness.example/w"]
            assert Checkpoint.parse(text).size == size
    assert size == 4


def alone(status: int, body: bytes, kind: bytes) -> Callable[..., Any]:
    """A witness that always says the same."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", kind)]})
        await send({"type": "http.response.body", "body": body})

    return app


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((200, b"", b"text/plain"), "signature"),
        ((200, b"\xff" * 100, b"text/plain"), "signature"),
        ((200, Cosigner("witness.example/w", b"x" * 32).cosign("x\n", 1).encode(), b"text/plain"), "of its key"),
        ((200, COSIGNER.cosign("another text\n", 1).encode(), b"text/plain"), "does not hold"),
        ((200, b"x" * (LARGEST + 1), b"text/plain"), "too large"),
        ((302, b"", b"text/plain"), "answered 302"),
        ((400, b"", b"text/plain"), "understand"),
        ((403, b"", b"text/plain"), "trust"),
        ((404, b"", b"text/plain"), "know"),
        ((409, b"0\n", b"text/x.tlog.size"), "two histories"),
        ((409, b"7\n", b"text/x.tlog.size"), "rolled back"),
        ((409, b"many\n", b"text/x.tlog.size"), "whole number"),
        ((409, b"", b"text/plain"), "two histories"),
        ((422, b"", b"text/plain"), "another history"),
        ((500, b"", b"text/plain"), "answered 500"),
    ],
)
async def test_a_witness_that_does_not(
    db: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture, answer: tuple[int, bytes, bytes], told: str
) -> None:
    """Whatever a witness answers, the log goes on, no cosignature is kept, and the operator is told why, once."""
    logs = sequencer(db, tmp_path)
    async with served(alone(*answer)) as address:
        install = Install(db, logs, Witnesses(db, [Witness(address, COSIGNER.vkey)]))
        await append(db, logs, leaves(1))
        assert await install.publish() == 1
        await append(db, logs, leaves(1))
        assert await install.publish() == 1

    assert await queries.cosignatures(db, 1, 2) == []
    [line] = [record.getMessage() for record in caplog.records if "did not cosign" in record.getMessage()]
    assert told in line


async def test_an_older_cosignature_replaces_none(db: Database) -> None:
    """Of two answers that come the wrong way round, the one about the larger tree stays."""
    for size in (5, 3):
        row = {"epoch": 1, "witness": "w", "size": size, "line": f"line {size}\n", "time": 1}
        await queries.add_cosignature(db, row)

    assert await queries.cosigned_size(db, 1, "w") == 5
    assert await queries.cosignatures(db, 1, 5) == ["line 5\n"]


def test_witnesses_are_settings() -> None:
    """A list of addresses with their keys; in the environment one after the other."""
    line = f"https://w.example {COSIGNER.vkey}"

    assert configured(load(None, {}, {"witnesses": (line,)})) == [Witness("https://w.example", COSIGNER.vkey)]
    assert len(configured(load(None, {"CONSENT_WITNESSES": f"{line} {line}"}, {}))) == 2
    assert configured(Config()) == []


@pytest.mark.parametrize(
    "line",
    [
        "https://w.example",
        f"ftp://w.example {COSIGNER.vkey}",
        f"https://w.example {COSIGNER.vkey}x",
        f"https://w.example witness+00000000+{str(COSIGNER.vkey).split('+', 2)[2]}",
        f"{COSIGNER.vkey} https://w.example",
        "https://w.example PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_wrong_witnesses_are_told(line: str) -> None:
    """What is no address with the key of a witness is refused at the start, with what to write."""
    with pytest.raises(ConfigError) as found:
        configured(load(None, {}, {"witnesses": (line,)}))

    assert found.value.field == "witnesses[0]"


def test_only_http_is_fetched() -> None:
    """No file of this machine is read in the place of an answer."""
    with pytest.raises(OSError, match="no address of HTTP"):
        fetch("file:///etc/hostname")
