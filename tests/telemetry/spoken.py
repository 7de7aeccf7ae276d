"""One request to the app without a socket, from a browser behind the trusted proxy."""

import asyncio
from typing import NamedTuple

from starlette.types import Message, Scope

from consent.app import App
from tests.records.shop import ORIGIN

HOST = b"www.shop.example"
PROXY = "127.0.0.1"
REGION = "CF-IPCountry"


class Answer(NamedTuple):
    """Status, headers and body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def cookies(self) -> dict[str, str | None]:
        """The cookies it sets, by name; None for those it expires."""
        found: dict[str, str | None] = {}
        for name, value in self.headers:
            if name == b"set-cookie":
                key, _, rest = value.decode().partition("=")
                text, _, attributes = rest.partition(";")
                found[key] = None if "Max-Age=0" in attributes else text
        return found


async def ask(
    app: App, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None, *, origin: str = ORIGIN
) -> Answer:
    """Ask, and wait for the whole answer."""
    path, _, query = path.partition("?")
    sent = {"host": HOST.decode(), "content-type": "application/json"} | ({"origin": origin} if origin else {})
    lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in (sent | (headers or {})).items()]
    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "raw_path": path.encode(), "query_string": query.encode(), "headers": lines, "client": (PROXY, 1),
        "server": (HOST.decode(), 443), "scheme": "https", "root_path": "",
    }  # fmt: skip
    told: list[Message] = []
    ended = asyncio.Event()
    asked = False

    async def receive() -> Message:
        nonlocal asked
        if asked:
            await ended.wait()
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        told.append(message)

    await app(scope, receive, send)
    ended.set()
    whole = b"".join(message.get("body", b"") for message in told)
    return Answer(told[0]["status"], [tuple(one) for one in told[0]["headers"]], whole)
