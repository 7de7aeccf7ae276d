"""The OpenAPI 3.1 description of every address. Schemas come from the types that the routes decode and encode."""

import re
from importlib.metadata import version

import msgspec

from consent.delivery.shown import Shown
from consent.openapi.parts import Json
from consent.openapi.paths import PATHS, PLACES
from consent.records.claim import Claim
from consent.records.record import Record
from consent.records.routes import Answer
from consent.reports.schema import Report
from consent.rights.erasure import Outcome
from consent.rights.routes import Wish
from consent.telemetry.event import Batch
from consent.telemetry.told import RequestsTold
from consent.telemetry.visitor_routes import CustomerTold, VisitorWish


class Fault(msgspec.Struct):
    """Every error: a stable word, what happened, what to do next, and where."""

    error: str
    message: str
    remedy: str
    field: str = ""


class Page(msgspec.Struct):
    """Records, oldest first, and the cursor to send as `after` for more of them."""

    records: list[Record]
    next: str | None


def describe(base_url: str) -> Json:
    """The whole description, for a service at this address."""
    _, schemas = msgspec.json.schema_components(
        [Claim, Shown, Answer, Page, Wish, Outcome, Report, Fault, Batch, VisitorWish, CustomerTold, RequestsTold],
        ref_template="#/components/schemas/{name}",
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Consent manager",
            "version": version("consent-manager"),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "Asks visitors, blocks until they agree, and keeps the evidence.",
        },
        "servers": [{"url": base_url}],
        "paths": {path: _placed(path, operations) for path, operations in PATHS.items()},
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A site's log token, or an account's token.",
                },
                "session": {"type": "apiKey", "in": "cookie", "name": "__Host-consent-account"},
            },
        },
    }


def _placed(path: str, operations: Json) -> Json:
    """The operations of a path with the parameters in it."""
    found = re.findall(r"{(\w+)}", path)
    return {"parameters": [PLACES[name] for name in found], **operations} if found else operations
