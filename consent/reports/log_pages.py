"""GET /sites/SITE/log: the consent log, and one record with what proves it."""

from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from consent.db import Row
from consent.errors import NotFound
from consent.ledger import reading
from consent.ledger.queries import LogId
from consent.ledger.text import decoded
from consent.policy.queries import by_version
from consent.records import evidence, identifier
from consent.records.question import ACTIONS
from consent.records.record import from_row
from consent.reports import log_queries, logbook, page_queries
from consent.reports import span as spans
from consent.reports.desk import Desk, both
from consent.reports.logbook import Proof
from consent.web.gate import Need

NAMES = {
    "given": "Agreed to all", "partly": "Agreed in part", "refused": "Refused", "changed": "Changed",
    "withdrawn": "Withdrawn",
}  # fmt: skip


class LogPages:
    """The log, looked through and looked into."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[BaseRoute]:
        """Every path of these pages, for the app's one list."""
        return [
            *both("/sites/{site}/log", self.log, Need.LOG, "log"),
            *both("/sites/{site}/log/{record}", self.record, Need.LOG, "record"),
        ]

    async def log(self, request: Request) -> Response:
        """Records, the newest first, a page at a time; all of one receipt."""
        db, site_id = self._desk.db, request.state.site_id
        asked = logbook.parse(request.query_params, spans.today(self._desk.now()))
        async with self._desk.answers.reading() as readers:
            records, last = await log_queries.page(readers["main"], site_id, asked)
            known = await page_queries.versions(readers["main"], site_id)
        older = identifier.compact(bytes.fromhex(last.replace("-", ""))) if last else ""
        request.state.about = asked.receipt
        return await self._desk.answer(
            request,
            "log.html",
            "log",
            {"records": records, "before": older or None},
            title="Log",
            span=asked.span,
            asked=asked,
            records=records,
            older=older,
            granted=logbook.granted,
            keep=f"&{urlencode(asked.filters)}" if asked.filters else "",
            anything=bool(records) or await page_queries.anything(db, site_id),
            actions=[("", "Any"), *((action, NAMES[action]) for action in ACTIONS)],
            versions=[("0", "Any"), *((str(row["version"]), str(row["version"])) for row in known)],
        )

    async def record(self, request: Request) -> Response:
        """One record: what was said, what stood before the visitor, and a check of its proof."""
        db, site_id, wanted = self._desk.db, request.state.site_id, request.path_params["record"]
        row = await log_queries.one(db, site_id, wanted)
        if row is None:
            remedy = "It may have been erased, or kept long enough; the ledger tells which."
            raise NotFound("unknown_record", f"There is no record {wanted[:40]!r} at this site.", remedy)
        record = from_row(row)
        request.state.about = record.receipt
        proof = await self._proof(request.path_params["site"], site_id, row)
        titles, services = await self._words(site_id, record.version)
        return await self._desk.answer(
            request,
            "record.html",
            "log",
            {"record": record, "proof": proof},
            title=f"Record {record.id}",
            record=record,
            proof=proof,
            history=await log_queries.of_receipt(db, site_id, record.receipt),
            granted=logbook.granted,
            names=NAMES,
            titles=titles,
            services=services,
        )

    async def _proof(self, site: str, site_id: int, row: Row) -> Proof:
        """Check a record as whoever holds its receipt would."""
        place = (row["epoch"], row["leaf"])
        if not row["salt"]:
            return logbook.check(b"", None, place)
        salt = decoded(row["salt"], "A salt", 32)
        found = await reading.proof(self._desk.db, LogId(site_id, row["epoch"]), row["leaf"], salt)
        return logbook.check(evidence.canonical(row, site, row), found, place)

    async def _words(self, site_id: int, version: int) -> tuple[dict[str, str], dict[str, str]]:
        """Titles of purposes and names of services, as that version had them."""
        known = await by_version(self._desk.db, site_id, version)
        if known is None:
            return {}, {}
        resolved = known.resolved
        titles: dict[str, Any] = {one.key: one.texts[resolved.languages[0]].title for one in resolved.purposes}
        return titles, {service.key: service.name for service in resolved.services}
