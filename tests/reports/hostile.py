"""A store that holds hostile texts wherever a text can stand, past every check that would have kept them out."""

import itertools
import json
import secrets
import time
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from consent.config import Config
from consent.db import Database, Row
from consent.policy.queries import publish
from consent.policy.resolved import Resolved
from consent.records import identifier
from consent.records.identifier import Stamp
from consent.records.queries import adding
from consent.reports import breakdown, visits
from consent.sites.queries import add
from consent.telemetry.hit import EventRow, Facts, Measures
from consent.telemetry.queries import adding as adding_visits
from consent.telemetry.session import Session
from consent.telemetry.store import open_telemetry
from tests.policy.site import resolved
from tests.records.shop import SERVICES, open_shop

DAY = 86_400_000
_stamps = itertools.count()


async def fill(config: Config, key: str, texts: Sequence[str]) -> None:
    """A site whose records, counts, visitors and policy hold these texts in every field."""
    now = time.time_ns() // 1_000_000
    async with open_shop(config) as db:
        site = await add(db, key, now)
        await publish(db, site.site_id, resolved(SERVICES, site=f'site = "{key}"'), now - 1)
        version = await publish(db, site.site_id, _policy(resolved(SERVICES, site=f'site = "{key}"'), texts), now)
        records = [_record(site.site_id, version.version, text, now) for text in texts]
        receipts = [
            {"site_id": site.site_id, "id": row["receipt"], "write_hash": "", "created": now} for row in records
        ]
        await db.batch(adding(receipts, records))
        await _count(db, "consent_rollup", _choices(site.site_id, texts, now // DAY))
    telemetry = await open_telemetry(config)
    try:
        await _visits(telemetry, site.site_id, texts, now)
        await _count(telemetry, "rollup", _measures(site.site_id, texts, now // DAY))
        dropped = [{"site_id": site.site_id, "hour": now // 3_600_000, "reason": text, "n": 1} for text in texts]
        await telemetry.batch(adding_visits(dropped=dropped))
    finally:
        await telemetry.close()


def _policy(base: Resolved, texts: Sequence[str]) -> Resolved:
    """The policy with a text in each of its own."""
    more = itertools.cycle(texts)
    purposes = tuple(
        msgspec.structs.replace(
            purpose,
            texts={
                language: type(words)(next(more), next(more), next(more)) for language, words in purpose.texts.items()
            },
        )
        for purpose in base.purposes
    )
    services = tuple(
        msgspec.structs.replace(
            service,
            name=next(more),
            provider=next(more),
            country=next(more),
            cookies=tuple(
                msgspec.structs.replace(one, name=next(more), recipient=next(more)) for one in service.cookies
            ),
        )
        for service in base.services
    )
    controller = msgspec.structs.replace(base.controller, name=next(more), address=next(more), email=next(more))
    said = {language: dict.fromkeys(words, next(more)) for language, words in base.texts.items()}
    return msgspec.structs.replace(base, purposes=purposes, services=services, controller=controller, texts=said)


def _record(site_id: int, version: int, text: str, now: int) -> Row:
    said = json.dumps({text: "granted", "statistics": text})
    return {
        "site_id": site_id, "id": identifier.text(identifier.uuid7(Stamp(now, next(_stamps)), secrets.token_bytes(8))),
        "key": secrets.token_hex(8), "digest": "", "receipt": text, "time": now, "action": text, "control": text,
        "layer": 1, "language": text, "notice": text, "version": version, "purposes": said, "services": said,
        "regime": text, "region": text, "gpc": False, "client_time": now, "widget": text, "salt": "", "epoch": 0,
        "leaf": -1,
    }  # fmt: skip


def _choices(site_id: int, texts: Sequence[str], day: int) -> Iterable[Row]:
    for dim, text in itertools.product([*breakdown.DIMS, "total"], texts):
        yield {
            "site_id": site_id, "dim": dim, "grain": "day", "kind": "said", "bucket": day, "val": text, "also": text,
            "given": 3, "partly": 1, "refused": 2, "changed": 1, "withdrawn": 1,
        }  # fmt: skip


def _measures(site_id: int, texts: Sequence[str], day: int) -> Iterable[Row]:
    for dim, text in itertools.product([*visits.DIMS, "total", "blocked"], texts):
        yield {
            "site_id": site_id, "dim": dim, "grain": "day", "kind": "full", "bucket": day, "val": text, "also": text,
            **Measures(5, 3, 2, 1, 1, 1, 30, 2, 900, 4)._asdict(),
        }  # fmt: skip


async def _visits(db: Database, site_id: int, texts: Sequence[str], now: int) -> None:
    """A visitor with a visit and an event for each text."""
    visitors: list[Row] = []
    events: list[tuple[Session, EventRow]] = []
    for text in texts:
        visitor = secrets.token_hex(16)
        visitors.append(
            {"site_id": site_id, "id": visitor, "first": now, "last": now, "visits": 1, "views": 1, "customer": text}
            | {"customer_fields": json.dumps({text: text}), "leaving": False}
        )
        known: dict[str, Any] = {
            name: text for name in Facts.__struct_fields__ if name not in ("asn", "policy_version")
        }
        session = Session(
            site_id=site_id, id=secrets.token_hex(16), visitor=visitor, visit=1, began=now, last=now, views=1,
            entry=text, exit=text, referrer=text, source=text, campaign=text, facts=Facts(**known),
        )  # fmt: skip
        event = EventRow(
            id=secrets.token_hex(16), time=now, event=text, method=text, host=text, path=text, query=text,
            referrer=text, address=text, cookies=text, target=text, service=text, props=text, allowed_by=text,
        )  # fmt: skip
        events.append((session, event))
    await db.batch(adding_visits(visitors=visitors, sessions=[one for one, _ in events], events=events))


async def _count(db: Database, table: str, rows: Iterable[Row]) -> None:
    found = list(rows)
    names = list(found[0])
    await db.execute_many(
        f"insert into {table} ({', '.join(names)}) values ({', '.join(':' + name for name in names)})"
        " on conflict (site_id, dim, grain, kind, bucket, val, also) do nothing",
        found,
    )
