"""What anyone may read of a log, put together by a stranger into the log itself."""

from base64 import b64decode
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from consent.app import create_app
from consent.config import Config
from consent.db.sqlite import open_sqlite
from consent.errors import Problem
from consent.ledger import merkle
from consent.ledger.checkpoint import Checkpoint
from consent.ledger.note import Vkey, open_note
from consent.ledger.proof import inclusion_path, needed_tiles
from consent.ledger.routes import Ledgers
from consent.ledger.tile import parse_bundle, split, tile_path
from consent.web import errors, problem_page
from tests.ledger.store import build

SIZE = 1_300


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx2.AsyncClient]:
    """A service with the log of a shop."""
    folder: Path = tmp_path_factory.mktemp("log")
    await build(folder, SIZE)
    db = await open_sqlite(folder / "consent.sqlite")
    try:
        routes = Ledgers(db, "https://consent.example").routes()
        app = Starlette(
            routes=routes, exception_handlers={Problem: errors.on_problem, HTTPException: problem_page.on_http}
        )
        transport = httpx2.ASGITransport(app)
        async with httpx2.AsyncClient(transport=transport, base_url="https://consent.example") as client:
            yield client
    finally:
        await db.close()


async def test_followed_from_its_address(client: httpx2.AsyncClient) -> None:
    """Keys, checkpoint, entries and tiles fit together: every entry is proved by tiles to be under the signed root."""
    [epoch] = (await client.get("/.well-known/consent-log/shop")).json()["epochs"]
    assert (epoch["size"], epoch["url"]) == (SIZE, "https://consent.example/log/shop/")
    note = (await client.get(epoch["url"] + "checkpoint")).text
    head = Checkpoint.parse(open_note(note, [Vkey.parse(key["vkey"]) for key in epoch["keys"]])[0])
    assert (head.origin, head.size) == (epoch["origin"], SIZE)
    entries: list[bytes] = []
    for index in range(6):
        width = min(256, SIZE - 256 * index)
        entries += parse_bundle((await client.get(epoch["url"] + tile_path("entries", index, width))).content)
    assert merkle.root([merkle.leaf_hash(one) for one in entries]) == head.root
    for leaf in (0, 255, 256, 1_279, 1_280, 1_299):
        tiles = {tile: await hashes(client, *tile) for tile in needed_tiles(leaf, SIZE)}
        path = inclusion_path(leaf, SIZE, lambda *tile, tiles=tiles: tiles[tile])
        merkle.verify_inclusion(leaf, SIZE, merkle.leaf_hash(entries[leaf]), path, head.root)


async def hashes(client: httpx2.AsyncClient, level: int, index: int, width: int) -> Sequence[bytes]:
    answer = await client.get(f"/log/shop/{tile_path(level, index, width)}")
    assert answer.status_code == 200
    return split(answer.content)


@pytest.mark.parametrize(
    ("path", "kind", "cache"),
    [
        ("/log/shop/checkpoint", "text/plain; charset=utf-8", "no-cache"),
        ("/log/shop/tile/0/000", "application/octet-stream", "public, max-age=31536000, immutable"),
        ("/log/shop/tile/0/000.p/7", "application/octet-stream", "public, max-age=3600"),
        ("/log/shop/tile/1/000.p/5", "application/octet-stream", "public, max-age=3600"),
        ("/log/shop/tile/entries/004", "application/octet-stream", "public, max-age=31536000, immutable"),
        ("/.well-known/consent-log/shop", "application/json", "public, max-age=300"),
    ],
)
async def test_headers(client: httpx2.AsyncClient, path: str, kind: str, cache: str) -> None:
    """Everything may be read from any origin; full tiles are kept for ever, the checkpoint is always asked for anew."""
    answer = await client.get(path)
    assert answer.status_code == 200
    told = (
        answer.headers["content-type"],
        answer.headers["cache-control"],
        answer.headers["access-control-allow-origin"],
    )
    assert told == (kind, cache, "*")


@pytest.mark.parametrize(
    "path",
    [
        "/log/nobody/checkpoint", "/log/shop/e2/checkpoint", "/log/shop/e1/checkpoint", "/log/shop/e02/checkpoint",
        "/log/shop/x/checkpoint", "/log/install/checkpoint", "/log/shop/tile/0/005", "/log/shop/tile/0/005.p/21",
        "/log/shop/tile/0/006.p/1", "/log/shop/tile/1/000", "/log/shop/tile/1/000.p/6", "/log/shop/tile/2/000.p/1",
        "/log/shop/tile/entries/005", "/log/shop/tile/0/000.p/0", "/log/shop/tile/0/x000/000", "/log/shop/tile/64/000",
        "/log/shop/tile/0/" + "x999/" * 40 + "000", "/.well-known/consent-log/nobody", "/log/shop/tile/0/%2e%2e/000",
    ],
)  # fmt: skip
async def test_absent(client: httpx2.AsyncClient, path: str) -> None:
    """What is not in the log is 404, with what to do instead."""
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.json()["remedy"]


async def test_entries_compressed(client: httpx2.AsyncClient) -> None:
    """Entries are compressed for who takes gzip, and plain for others."""
    plain = await client.get("/log/shop/tile/entries/000", headers={"Accept-Encoding": "identity"})
    packed = await client.get("/log/shop/tile/entries/000", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.content == packed.content
    assert len(b64decode(parse_bundle(plain.content)[0].split(b"\n")[3])) == 32


@pytest.mark.parametrize(("public", "code"), [(True, "no_log"), (False, "not_found")])
def test_logs_that_are_not_public(tmp_path: Path, *, public: bool, code: str) -> None:
    """The setting `public_log = false` closes every address of every log."""
    with TestClient(create_app(Config(data=tmp_path, public_log=public))) as client:
        for path in ("/.well-known/consent-log/nobody", "/log/nobody/checkpoint", "/log/nobody/tile/0/000.p/1"):
            assert client.get(path).json()["error"] == code
