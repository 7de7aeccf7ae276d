"""GET /sites/SITE/health: what the service itself knows of how it is."""

import asyncio
import shutil
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.ledger import queries as logs
from consent.ledger.queries import LogId
from consent.ledger.sequencer import Sequencer
from consent.records import commit
from consent.records.commit import Committer
from consent.reports import health, visit_queries
from consent.reports.chart import Series, stacked
from consent.reports.desk import Desk, both
from consent.reports.health import Check, Head, Health
from consent.reports.span import HOUR
from consent.telemetry import buffer
from consent.telemetry.opened import Opened
from consent.telemetry.service import Telemetry
from consent.web.gate import Need

HOURS = 24
"""Of the figures of what was dropped."""


class Vitals(NamedTuple):
    """The parts of the service that can tell how they are."""

    committer: Committer
    sequencer: Sequencer
    telemetry: Telemetry


class HealthPages:
    """How the service is, for one site and for all."""

    def __init__(self, desk: Desk, vitals: Vitals) -> None:
        self._desk = desk
        self._vitals = vitals

    def routes(self) -> list[BaseRoute]:
        """Every path of these pages, for the app's one list."""
        return both("/sites/{site}/health", self.health, Need.LOG)

    async def health(self, request: Request) -> Response:
        """Checks, the log's head, what was dropped, sizes."""
        page = await self._health(request)
        hours = [f"{(self._desk.now() // HOUR - HOURS + 1 + at) % 24:02}:00" for at in range(HOURS)]
        chart = stacked(hours, [Series("Dropped", page.dropped_by_hour, "s2")], height=110)
        return await self._desk.answer(
            request,
            "health.html",
            "health",
            {"grade": page.grade, **msgspec.structs.asdict(page)},
            title="Health",
            page=page,
            dropped_chart=chart,
            reason=health.reason,
        )

    async def _health(self, request: Request) -> Health:
        key, site_id = request.path_params["site"], request.state.site_id
        head = await self._head(site_id)
        by_hour, reasons = await self._dropped(site_id)
        files, checks = await asyncio.to_thread(self._disk)
        door = self._vitals.telemetry.door
        waiting = door.buffer.waiting if isinstance(door, Opened) else None
        return Health(
            checks=(
                health.choices(self._vitals.committer.failure, self._vitals.committer.queued, commit.WAITING),
                health.ledger(self._vitals.sequencer.refused.get(key), head),
                health.buffer(waiting, buffer.MOST, sum(by_hour), self._vitals.telemetry.failure),
                *checks,
            ),
            head=head,
            dropped=tuple(reasons.most_common()),
            dropped_by_hour=by_hour,
            files=tuple(files),
        )

    async def _head(self, site_id: int) -> Head | None:
        db = self._desk.db
        row = await logs.newest(db, site_id)
        if row is None or not row["size"]:
            return None
        log = LogId(site_id, row["epoch"])
        last = await logs.leaves(db, log, row["size"] - 1, 1)
        signed = await logs.head(db, log)
        time = last[0]["time"] * 1_000 if last else 0
        return Head(row["origin"], row["epoch"], row["size"], row["root"], time, signed["vkey"] if signed else "")

    async def _dropped(self, site_id: int) -> tuple[tuple[int, ...], Counter[str]]:
        """Events dropped by hour, the last one running, and by reason."""
        first = self._desk.now() // HOUR - HOURS + 1
        by_hour, reasons = [0] * HOURS, Counter[str]()
        async with self._desk.answers.reading(["visitors"]) as readers:
            db = readers.get("visitors")
            rows = await visit_queries.dropped(db, site_id, first) if db else []
        for row in rows:
            reasons[row["reason"]] += row["n"]
            if row["hour"] - first < HOURS:
                by_hour[row["hour"] - first] += row["n"]
        return tuple(by_hour), reasons

    def _disk(self) -> tuple[list[tuple[str, int]], list[Check]]:
        """Sizes of files, and what is read from the disk; runs in a thread."""
        config, places = self._desk.config, self._vitals.telemetry.places
        names = (config.store, config.telemetry_store)
        paths = [path for name in names for path in (name, name.with_name(f"{name.name}-wal"))]
        sizes = [(path.name, path.stat().st_size) for path in paths if path.exists()]
        usage = shutil.disk_usage(config.data)
        places.refresh()
        known = [database.path.name for database in places.databases]
        return sizes, [
            health.disk(usage.free, usage.total),
            health.backup(last_backup(config.backup_note), self._desk.now()),
            health.places(known, list(places.faults.values())),
        ]


def last_backup(note: Path) -> int | None:
    """When the last backup was made (ms), as its note says."""
    try:
        return int(note.read_text("ascii").strip())
    except (OSError, ValueError):
        return None
