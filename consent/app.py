"""The whole service: opened, wired, and one list of every route."""

import asyncio
import contextlib
import logging
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable
from functools import lru_cache

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from consent import jobs, openapi
from consent.accounts.routes import Accounts
from consent.config import Config
from consent.db import Database
from consent.db.place import Hold, prepare, secret
from consent.db.sqlite import open_sqlite
from consent.delivery.notice_routes import NoticePages
from consent.delivery.notices import Notices
from consent.delivery.pages import Pages
from consent.delivery.routes import Delivery
from consent.delivery.shown import Counts
from consent.delivery.shown_routes import ShownPost
from consent.demo import demo
from consent.demo.routes import Demo
from consent.errors import LogRefused, Problem, Unavailable
from consent.ledger import install
from consent.ledger.install import Install
from consent.ledger.routes import Ledgers
from consent.ledger.sequencer import INSTALL, Log, sequencer
from consent.ledger.witness import Witnesses, configured
from consent.mail import Mailer
from consent.records.intake import Intake, milliseconds
from consent.records.limits import Limits
from consent.records.published import Published
from consent.records.recount import add_up, catch_up
from consent.records.routes import ConsentPost, Records
from consent.regimes.visit import Visits
from consent.reports import daily, export_routes, outages, summaries
from consent.reports import pages as report_pages
from consent.reports.answers import Answers, open_answers
from consent.reports.desk import Desk
from consent.reports.export_routes import Exports
from consent.reports.health_pages import Vitals
from consent.reports.letter_pages import LetterPages
from consent.reports.letters import Stops
from consent.reports.outages import Outages
from consent.reports.routes import Reports
from consent.reports.summaries import Summaries
from consent.rights.clock import Clock
from consent.rights.erasure import Erasure
from consent.rights.retention import Retention
from consent.rights.routes import ErasePost
from consent.telemetry import service as telemetry
from consent.web import assets, errors, problem_page
from consent.web.body import Gone
from consent.web.gate import Open, route
from consent.web.headers import SecurityHeaders

FRONT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Consent manager</title>
<h1>This is a consent manager</h1>
<p>Websites ask it to remember what their visitors allowed. Its addresses are described in
<a href="/openapi.json">/openapi.json</a>.</p></html>
"""


_logger = logging.getLogger(__name__)
_POST = re.compile("/v1/([^/]+)/(consent|events)")


class Service:
    """Everything that runs, made of one store and one set of settings."""

    def __init__(
        self, config: Config, db: Database, key: bytes, answers: Answers, ready: telemetry.Ready | None = None
    ) -> None:
        self.db = db
        self.data = config.data
        self.accounts = Accounts(db, config, milliseconds)
        self.published = Published(db, Notices(db).keep)
        self.sequencer = sequencer(db, config)
        self.intake = Intake(db, self.sequencer, key)
        self.visits = Visits(config)
        self.telemetry = telemetry.Telemetry(
            ready or telemetry.closed("it was not opened"),
            config=config,
            db=db,
            published=self.published,
            visits=self.visits,
            queued=lambda: self.intake.committer.queued,
            clock=time.monotonic,
        )
        self.places = self.telemetry.places
        self.answers = answers
        self.mailer = Mailer(config)
        self._for_visitors(config)
        self._for_evidence(config)
        self._for_analysts(config, Stops(key, config.base_url))
        self._described = msgspec.json.encode(openapi.describe(config.base_url))

    def _for_visitors(self, config: Config) -> None:
        """What visitors' browsers ask, and what they say."""
        limits, after = _limits(config), self.telemetry.withdrawals.after
        self.delivery = Delivery(self.db, config, self.published, self.visits)
        self.pages = Pages(
            self.delivery,
            db=self.db,
            config=config,
            sites=self.published,
            intake=self.intake,
            limits=limits,
            after=after,
        )
        self.post = ConsentPost(
            published=self.published,
            intake=self.intake,
            limits=limits,
            db=self.db,
            trusted=config.networks,
            visits=self.visits,
            after=after,
        )
        self.records = Records(self.db, self.post)
        self.notices = NoticePages(self.db, config)
        self.counts = Counts(self.db)
        self.shown = ShownPost(published=self.published, counts=self.counts, limits=_limits(config), config=config)
        self.demo = Demo(config, self.delivery.published)

    def _for_evidence(self, config: Config) -> None:
        """What keeps the logs, and what takes records out of the store."""
        self.erasure = Erasure(self.db, self.sequencer, config.data)
        self.retention = Retention(self.db, self.sequencer, self.erasure, config)
        self.erase = ErasePost(self.erasure, self.published, config.networks, time.monotonic)
        self.install = Install(self.db, self.sequencer, Witnesses(self.db, configured(config)))
        self.ledgers = Ledgers(self.db, config.base_url, public=config.public_log)

    def _for_analysts(self, config: Config, stops: Stops) -> None:
        """What operators look at, take along and are sent."""
        db, around = self.db, self.accounts.door.shell
        self.exports = Exports(config, db, self.answers, milliseconds)
        self.daily = daily.Daily(db, config, milliseconds)
        self.desk = Desk(db, self.answers, config, self.published, around=around, notes=self.notes)
        self.reports = Reports(db, self.answers, self.desk, milliseconds)
        self.vitals = Vitals(self.intake.committer, self.sequencer, self.telemetry)
        self.letters = LetterPages(self.desk, self.mailer, stops, milliseconds)
        self.summaries = Summaries(db, self.telemetry.store, self.mailer, stops, milliseconds)
        self.outages = Outages(
            db, self.mailer, stops, config, vitals=self.vitals, visits=lambda: self.telemetry.failure, now=milliseconds
        )

    def routes(self) -> list[BaseRoute]:
        """Every address there is, each behind its door; the busiest first."""
        return self.accounts.gate.guard(self._routes())

    def _routes(self) -> list[BaseRoute]:
        return [
            *self.records.routes(),
            *self.telemetry.routes(),
            *self.delivery.routes(),
            *self.telemetry.pages.watched([*self.pages.routes(), *self.notices.routes()]),
            *self.erase.routes(),
            *self.shown.routes(),
            *self.ledgers.routes(),
            *self.exports.routes(),
            *self.reports.routes(),
            *assets.routes(),
            *self.accounts.routes(),
            *self.letters.routes(),
            *report_pages.routes(self.desk, self.vitals, self.telemetry.withdrawals.forget_known),
            route("/livez", self.live, methods=["GET"], needs=Open.PUBLIC),
            route("/readyz", self.ready, methods=["GET"], needs=Open.PUBLIC),
            route("/openapi.json", self.described, methods=["GET"], needs=Open.PUBLIC),
            route("/", self.front, methods=["GET"], needs=Open.PUBLIC),
            *self.demo.routes(),
        ]

    def notes(self) -> tuple[str, ...]:
        """Whom a page that shows places has to name."""
        return tuple(maker.attribution for maker in self.places.attributions)

    async def live(self, _: Request) -> Response:
        """The service runs."""
        return Response(b'{"live":true}', headers={"Cache-Control": "no-store"}, media_type="application/json")

    async def ready(self, _: Request) -> Response:
        """Choices can be recorded now, but for sites whose logs must not grow; or 503, and why not."""
        failure = self.intake.committer.failure
        if failure:
            raise Unavailable(f"Choices cannot be recorded: {failure}.")
        refused = self.sequencer.refused
        ours = [why for key, why in refused.items() if key != INSTALL]  # no choice waits for the install's own log
        if ours and len(ours) == len(self.published.sites()):
            raise Unavailable(f"Choices cannot be recorded: {ours[0]}")
        body = msgspec.json.encode({"ready": True, "refused": refused, "visits": self.telemetry.failure})
        return Response(body, headers={"Cache-Control": "no-store"}, media_type="application/json")

    async def described(self, _: Request) -> Response:
        """The OpenAPI description."""
        return Response(self._described, headers={"Cache-Control": "no-cache"}, media_type="application/json")

    async def front(self, _: Request) -> Response:
        """For people who come here by hand: the demo, where there is one."""
        return RedirectResponse("/demo/") if self.published.site(demo.KEY) else HTMLResponse(FRONT)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Commit, and watch for what is published, until the block ends; then let in what was taken."""
        await self.published.refresh()
        await self._open_logs()
        tasks = [
            asyncio.create_task(self.intake.committer.run()),
            asyncio.create_task(self.published.watch()),
            asyncio.create_task(self.counts.run()),
            asyncio.create_task(self.mailer.run()),
            asyncio.create_task(jobs.run(self.jobs())),
            asyncio.create_task(self.telemetry.run()),
        ]
        try:
            yield
        finally:
            await self.intake.committer.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.visits.close()
            self.telemetry.close()

    def jobs(self) -> list[jobs.Job]:
        """What is done in the background, and every how many seconds."""
        clock = Clock(self.data)
        return [
            *[
                jobs.Job(one.name, one.period, clock.before(one.work) if one.aged else one.work)
                for one in self.telemetry.work()
            ],
            jobs.Job("adding up choices", 1, lambda: add_up(self.db)),
            jobs.Job("counting records of before there were counts", 3_600, lambda: catch_up(self.db)),
            jobs.Job("finishing erasures", 2, self.erasure.finish),
            jobs.Job("tidying the access log", 3_600, self.accounts.tidy),
            jobs.Job("noting requests", 60, self.erasure.tidy),
            jobs.Job("deleting what was kept long enough", 3_600, clock.before(self.retention.run)),
            jobs.Job("certifying deletions", 60, self.retention.certify),
            jobs.Job("exporting days", daily.EVERY, self.daily.run),
            jobs.Job("sending summaries", summaries.EVERY, self.summaries.run),
            jobs.Job("telling of outages", outages.EVERY, self.outages.run),
            jobs.Job("continuing the install's log", install.EVERY, self.install.publish),
        ]

    async def _open_logs(self) -> None:
        """Look at every log before anything is promised: what is wrong with one is told now, not to its visitors."""
        for site in self.published.sites():
            try:
                await self.sequencer.tail(Log(site.site_id, site.key))
            except LogRefused as refused:
                _logger.error("%s", refused)


def _limits(config: Config) -> Limits:
    return Limits(config.rate_address, config.rate_site, time.monotonic)


@lru_cache(maxsize=1_024)
def _posted(path: str) -> tuple[str, str] | None:
    """Site and kind of what is posted there."""
    found = _POST.fullmatch(path)
    return (found[1], found[2]) if found else None


class App(Starlette):
    """Starlette, with a door of its own for posts of consent and of events: they pay for no layer they do not need."""

    service: Service | None = None

    def is_prompt(self, scope: Scope) -> bool:
        """Whether a request is a post of events: it is answered before anything is stored, and waits for nothing."""
        found = _posted(scope["path"]) if scope["method"] == "POST" else None
        return found is not None and found[1] == "events"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.service is not None and scope["type"] == "http" and scope["method"] in ("POST", "OPTIONS"):
            found = _posted(scope["path"])
            if found:
                scope["path_params"] = {"site": found[0]}
                door = self.service.post if found[1] == "consent" else self.service.telemetry.events
                await door(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


def create_app(config: Config, on_fault: Callable[[], None] | None = None) -> App:
    """The service as an ASGI application. It opens the store when it starts and lets go of it when it stops.

    `on_fault` is called when the disk has failed, and should begin anew: until then every choice is answered 503.
    Raises StoreError at its start when the data folder cannot be used, also because another service uses it.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: App) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as opened:
            await asyncio.to_thread(prepare, config.data)
            opened.callback(Hold(config.data).release)
            await asyncio.to_thread(export_routes.sweep, config.data)
            db = await open_sqlite(config.store, on_fault=on_fault)
            opened.push_async_callback(db.close)
            ready = await telemetry.open_room(config)
            opened.push_async_callback(ready.close)
            answers = await open_answers(config)
            opened.push_async_callback(answers.close)
            service = Service(config, db, write_secret(config), answers, ready)
            app.router.routes[:] = service.routes()
            app.service = service
            await opened.enter_async_context(service.running())
            yield

    app = App(
        lifespan=lifespan,
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={
            Problem: problem_page.on_problem,
            HTTPException: problem_page.on_http,
            Gone: errors.on_gone,
            Exception: errors.on_fault,
        },
    )
    app.router.redirect_slashes = False  # it would answer with an address made of the request's Host
    return app


def write_secret(config: Config) -> bytes:
    """What write keys are derived from: 256 random bits in the data folder."""
    return bytes.fromhex(secret(config.data / "secret", secrets.token_hex(32)))
