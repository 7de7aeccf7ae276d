"""The whole application behind a real server in this process's loop, and a browser's way in."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn

from consent.accounts.account import Role
from consent.app import create_app
from consent.config import Config
from tests.accounts import people
from tests.records.shop import open_shop


@contextlib.asynccontextmanager
async def serving(config: Config) -> AsyncIterator[str]:
    """The service on a free port; its origin."""
    listener = socket.create_server(("127.0.0.1", 0))
    app = create_app(config)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", http="httptools"))
    async with app.router.lifespan_context(app):  # ours, so that the port is asked only when the store is open
        running = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


async def owner(config: Config, email: str = "") -> tuple[str, str]:
    """Name and value of the cookie of a new owner's session."""
    async with open_shop(config) as db:
        account = await people.add(db, {0: Role.OWNER}, email)
        name, _, value = (await people.cookie(db, config, account))["Cookie"].partition("=")
    return name, value
