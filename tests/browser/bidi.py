"""WebDriver BiDi over a WebSocket: the little of it that we need, without a driver program in between."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.browser.driver import PageError

Listener = Callable[[dict[str, Any]], None]


class Connection:
    """A session with one browser. Commands may overlap; answers are matched by number."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listeners: list[tuple[str, Listener]] = []
        self._reading = asyncio.create_task(self._read())

    async def send(self, method: str, /, **params: Any) -> dict[str, Any]:
        """Send a command and return its result; `PageError` when the browser refuses or takes over 20 s."""
        self._number += 1
        number = self._number
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            await self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
            return await asyncio.wait_for(future, 20)
        except TimeoutError:
            raise PageError(f"{method}: no answer within 20 s") from None
        except ConnectionClosed as error:
            raise PageError(f"{method}: the browser is gone") from error
        finally:
            self._waiting.pop(number, None)

    def on(self, event: str, listener: Listener) -> None:
        self._listeners.append((event, listener))

    async def _read(self) -> None:
        try:
            async for text in self._socket:
                self._take(json.loads(text))
        except ConnectionClosed:
            pass
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(PageError("the browser is gone"))

    def _take(self, message: dict[str, Any]) -> None:
        future = self._waiting.get(message.get("id", -1))
        if message.get("type") == "event":
            for event, listener in self._listeners:
                if event == message["method"]:
                    listener(message["params"])
        elif future is not None and not future.done():
            if message.get("type") == "error":
                future.set_exception(PageError(f"{message['error']}: {message['message']}"))
            else:
                future.set_result(message["result"])

    async def close(self) -> None:
        await self._socket.close()
        await self._reading


async def open_session(url: str) -> tuple[Connection, dict[str, Any]]:
    """Connect to a browser's BiDi address and start a session that accepts our certificates."""
    socket = await connect(url, max_size=64_000_000, open_timeout=5, proxy=None, compression=None)
    connection = Connection(socket)
    answer = await connection.send("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
    return connection, answer["capabilities"]


def plain(value: dict[str, Any]) -> Any:
    """A BiDi remote value as Python: what JSON can say, `None` for the rest."""
    kind, inner = value["type"], value.get("value")
    if kind == "array":
        return [plain(item) for item in inner or []]
    if kind == "object":
        return {key if isinstance(key, str) else plain(key): plain(item) for key, item in inner or []}
    return inner if kind in ("string", "number", "boolean") else None
