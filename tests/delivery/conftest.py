"""A real server with this room's routes over a real store, and a site that published."""

import asyncio
import contextlib
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from consent.config import Config
from consent.db import Database
from consent.delivery.notice_routes import NoticePages
from consent.delivery.notices import Notices, publish
from consent.delivery.pages import Pages
from consent.delivery.routes import Delivery
from consent.demo.demo import ensure
from consent.demo.routes import Demo
from consent.errors import Problem
from consent.policy.resolved import Resolved
from consent.records.intake import Intake
from consent.records.limits import Limits
from consent.records.published import Published
from consent.regimes.visit import Visits
from consent.sites.queries import add, by_key
from consent.web.problem_page import on_http, on_problem
from tests.records.shop import logs

Start = Callable[..., Any]


class Running:
    """A server that runs: its address, a client, and a way to publish."""

    def __init__(self, db: Database, config: Config, sites: Published, client: httpx.AsyncClient) -> None:
        self.db = db
        self.config = config
        self.sites = sites
        self.client = client

    async def publish(self, resolved: Resolved) -> None:
        site = await by_key(self.db, resolved.site) or await add(self.db, resolved.site, 1)
        await publish(self.db, site.site_id, resolved, time.time_ns() // 1_000_000)
        await self.sites.refresh()

    async def records(self) -> list[dict[str, Any]]:
        return await self.db.fetch("select * from consent_record order by id")


@asynccontextmanager
async def running(db: Database, **settings: Any) -> AsyncIterator[Running]:
    """Serve on a free port until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = Config(port=listener.getsockname()[1], **settings)
    await ensure(db, config)
    sites = Published(db, Notices(db).keep)
    await sites.refresh()
    opened = contextlib.ExitStack()
    folder = opened.enter_context(tempfile.TemporaryDirectory())
    intake = Intake(db, logs(db, Path(folder)), b"secret")
    visits = Visits(config)
    delivery = Delivery(db, config, sites, visits)
    limits = Limits(config.rate_address, config.rate_site, time.monotonic)
    pages = Pages(delivery, db=db, config=config, sites=sites, intake=intake, limits=limits)
    app = Starlette(
        routes=[
            *pages.routes(),
            *delivery.routes(),
            *NoticePages(db, config).routes(),
            *Demo(config, delivery.published).routes(),
        ],
        exception_handlers={Problem: on_problem, HTTPException: on_http},
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", proxy_headers=False, server_header=False))
    committing = asyncio.ensure_future(intake.committer.run())
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    address = f"http://127.0.0.1:{config.port}"
    try:
        async with httpx.AsyncClient(base_url=address, headers={"Accept-Encoding": "identity"}) as client:
            while not server.started:
                await asyncio.wait({serving}, timeout=0.01)
            yield Running(db, config, sites, client)
    finally:
        server.should_exit = True
        await serving
        committing.cancel()
        visits.close()
        listener.close()
        opened.close()


@pytest.fixture
async def service(db: Database) -> AsyncIterator[Running]:
    """A server as it comes, with the demo's site."""
    async with running(db) as made:
        yield made
