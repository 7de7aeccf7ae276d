"""What a store is worth after a fault: opened by the service's own code, read row by row, judged against what was
acknowledged.
"""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any, NamedTuple

from starlette.types import Message, Scope

from consent.app import App, create_app
from consent.config import Config
from consent.errors import Problem
from tests.faults import tree
from tests.faults.load import Said, differences
from tests.faults.tree import Trees
from tests.records.shop import ORIGIN


class Found(NamedTuple):
    """What was in a store. `fault` is why it is of no use as it is: it does not open, is corrupt, takes no record."""

    records: dict[str, dict[str, Any]]
    write_hashes: dict[str, str]
    trees: Trees
    fault: str

    def lost(self, acknowledged: dict[str, Said]) -> list[str]:
        """What was acknowledged and is not there, or not as it was acknowledged."""
        lines = []
        for identity, said in acknowledged.items():
            write_hash = self.write_hashes.get(said.answer["receipt"])
            wrong = differences(said, self.records.get(identity), write_hash)
            forked = self.trees.contradicts(said.answer["proof"])
            wrong += [forked] if forked else []
            lines += [f"{identity} {', '.join(wrong)}"] if wrong else []
        return lines


def read(store: Path) -> Found:
    """Everything in a store, and whether it is sound."""
    connection = sqlite3.connect(store)
    connection.row_factory = sqlite3.Row
    try:
        sound = [line for (line,) in connection.execute("pragma integrity_check")]
        records = {row["id"]: dict(row) for row in connection.execute("select * from consent_record")}
        hashes = {row["id"]: row["write_hash"] for row in connection.execute("select id, write_hash from receipt")}
        trees = tree.read(connection)
    except sqlite3.Error as error:
        return nothing(f"the store cannot be read: {error}")
    finally:
        connection.close()
    broken = "" if sound == ["ok"] else f"integrity_check: {'; '.join(sound)[:300]}"
    return Found(records, hashes, trees, broken or "; ".join(trees.faults))


def nothing(fault: str) -> Found:
    """What is found where nothing can be read."""
    return Found({}, {}, Trees({}, []), fault)


async def opened(config: Config, said: dict[str, Any] | None = None, before: Said | None = None) -> Found:
    """Start the service on a store as after a power loss, stop it, and read what is there.

    Meanwhile let it take a choice, and one that was acknowledged `before` once more: the answer must be the same.
    """
    fault = ""
    try:
        app = create_app(config)
        async with asyncio.timeout(20), app.router.lifespan_context(app):
            if said is not None:
                fault = await _takes(app, said)
            if before is not None:
                fault = fault or await _answers_again(app, before)
    except Problem as problem:
        fault = f"it does not start: {problem.message}"
    except Exception as error:  # whatever it is, it is a fault of this image, and the next one is looked at too
        fault = f"it does not start: {error!r}"
    if not config.store.exists():
        return nothing(fault or "no store")
    found = read(config.store)
    return found._replace(fault=found.fault or fault)


async def _takes(app: App, said: dict[str, Any]) -> str:
    """Why the service does not record a choice; empty when it does, or has no site to record it for."""
    status, answer = await call(app, "POST", "/v1/shop/consent", json.dumps(said).encode())
    if status in (200, 201) or (status == 404 and answer["error"] == "unknown_site"):
        return ""
    return f"it takes no choice: {status} {answer['message']}"


async def _answers_again(app: App, before: Said) -> str:
    """Why a retry is not answered as the first time; a choice that is missing is counted elsewhere."""
    status, answer = await call(app, "POST", "/v1/shop/consent", json.dumps(before.sent).encode())
    differing = [name for name in ("id", "receipt", "write_key", "time") if answer.get(name) != before.answer.get(name)]
    return f"a retry is answered with another {', '.join(differing)}" if status == 200 and differing else ""


async def call(app: App, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
    """One request, without a socket."""
    headers = [(b"origin", ORIGIN.encode()), (b"content-type", b"application/json"), (b"host", b"consent.example")]
    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "raw_path": path.encode(), "query_string": b"", "headers": headers, "client": ("127.0.0.1", 1),
        "server": ("consent.example", 80), "scheme": "http", "root_path": "",
    }  # fmt: skip
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent))
