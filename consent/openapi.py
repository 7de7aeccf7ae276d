"""The OpenAPI 3.1 description of every address. Schemas come from the types that the routes decode and encode."""

import re
from importlib.metadata import version
from typing import Any

import msgspec

from consent.delivery.shown import Shown
from consent.records.claim import KEY, Claim
from consent.records.question import ACTIONS, DEFAULT_PAGE, MAX_PAGE
from consent.records.record import Record
from consent.records.routes import Answer
from consent.rights.erasure import Outcome
from consent.rights.routes import Wish

Json = dict[str, Any]


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
        [Claim, Shown, Answer, Page, Wish, Outcome, Fault], ref_template="#/components/schemas/{name}"
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
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "A site's log token."}},
        },
    }


def _placed(path: str, operations: Json) -> Json:
    """The operations of a path with the parameters in it."""
    found = re.findall(r"{(\w+)}", path)
    return {"parameters": [PLACES[name] for name in found], **operations} if found else operations


def _json(name: str) -> Json:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _answer(description: str, content: Json | None = None) -> Json:
    return {"description": description} | ({"content": content} if content else {})


def _faults(**reasons: str) -> Json:
    return {number.removeprefix("s"): _answer(reason, _json("Fault")) for number, reason in reasons.items()}


def _query(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


_TEXT = {"type": "string"}
_HTML = {"text/html": {"schema": _TEXT}}
_CSV = {"text/csv": {"schema": _TEXT}}
_OBJECT = {"application/json": {"schema": {"type": "object"}}}
_NO_SITE = "No policy is published for this site."
_STORE = "The store cannot be read or written now; Retry-After says when to try again."
_MOMENT = "RFC 3339, or milliseconds since 1970"
_LIMIT = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE}
_LOG_PARAMETERS = [
    _query("since", f"From this moment on ({_MOMENT}).", _TEXT),
    _query("until", f"Before this moment ({_MOMENT}).", _TEXT),
    _query("action", "Only records of this action.", {"type": "string", "enum": list(ACTIONS)}),
    _query("after", "The `next` of the page before.", _TEXT),
    _query("limit", "Records on a page.", _LIMIT),
]
_LOG_FAULTS = {
    "s401": "No token of this site.",
    "s404": "There is no such site.",
    "s422": "A parameter does not fit; `field` names it.",
    "s429": "Too many wrong tokens; Retry-After says how long to wait.",
    "s503": _STORE,
}
_CONSENT: Json = {
    "post": {
        "summary": "Record what a visitor decided; answered when it is on disk.",
        "requestBody": {"required": True, "content": _json("Claim") | {"text/plain": {"schema": _TEXT}}},
        "responses": {
            "201": _answer("Recorded.", _json("Answer")),
            "200": _answer("The same was recorded before.", _json("Answer")),
            **_faults(
                s403="wrong_origin: not a page of this site. wrong_write_key: not the visitor's own receipt.",
                s404="No policy is published for this site.",
                s409="policy_outdated: the site asks something else by now. key_reused: make a new key.",
                s413="The body is too large.",
                s415="The body is neither application/json nor text/plain.",
                s422="The body does not fit; `field` names where.",
                s429="Too many posts; Retry-After says how long to wait.",
                s503=_STORE,
            ),
        },
    },
    "options": {
        "summary": "The preflight of browsers.",
        "responses": {
            "204": _answer("This origin may post."),
            **_faults(s403="Not a page of this site.", s404="No policy is published for this site."),
        },
    },
}


def _get(summary: str, content: Json, **faults: str) -> Json:
    """An address that is read."""
    return {"get": {"summary": summary, "responses": {"200": _answer(summary, content), **_faults(**faults)}}}


def _script(summary: str, missing: str, content: Json | None = None) -> Json:
    read = _get(summary, content or {"text/javascript": {"schema": _TEXT}}, s404=missing, s503=_STORE)
    read["get"]["responses"]["304"] = _answer("Unchanged.")
    return read


def _log(summary: str, content: Json) -> Json:
    read = _get(summary, content, **_LOG_FAULTS)
    read["get"] |= {"security": [{"token": []}], "parameters": _LOG_PARAMETERS}
    return read


PLACES: dict[str, Json] = {
    "epoch": {
        "name": "epoch",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": "^e[1-9][0-9]*$"},
    },
    "tile": {"name": "tile", "in": "path", "required": True, "schema": {"type": "string"}},
    "hash": {"name": "hash", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
    "site": {"name": "site", "in": "path", "required": True, "schema": {"type": "string", "pattern": f"^{KEY}$"}},
    "version": {"name": "version", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}},
    "name": {
        "name": "name",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "pattern": r"^[a-z]+\.[A-Za-z-]+\.[0-9a-f]{16}\.js$"},
    },
}

_ERASE: Json = {
    "post": {
        "summary": "Destroy the records of a receipt: whoever holds it may ask, and is not asked who they are.",
        "requestBody": {"required": True, "content": _json("Wish") | {"text/plain": {"schema": _TEXT}}},
        "responses": {
            "200": _answer("Gone; `pending` while bytes of them are still being overwritten.", _json("Outcome")),
            **_faults(
                s403="Not a page of this site.",
                s404="No such site, or no such receipt, or it was erased before.",
                s413="The body is too large.",
                s415="The body is neither application/json nor text/plain.",
                s422="The body does not name a receipt.",
                s429="Too many; Retry-After says how long to wait.",
                s503=_STORE,
            ),
        },
    },
    "options": _CONSENT["options"],
}

_SHOWN: Json = {
    "post": {
        "summary": "A layer came up: counted where the law lets that be counted.",
        "requestBody": {"required": True, "content": _json("Shown") | {"text/plain": {"schema": _TEXT}}},
        "responses": {
            "204": _answer("Counted, or not."),
            **_faults(
                s403="Not a page of this site.",
                s404="No policy is published for this site.",
                s413="The body is too large.",
                s415="The body is neither application/json nor text/plain.",
                s422="The body does not fit.",
                s429="Too many; Retry-After says how long to wait.",
            ),
        },
    },
    "options": _CONSENT["options"],
}
_NO_NOTICE = "The site never showed such a notice."
_ALTERED = "What is stored has another hash than its own."

_NO_LOG = "There is no such log."
_CHECKPOINT = _get(
    "The signed head of a log (C2SP tlog-checkpoint).", {"text/plain": {"schema": _TEXT}}, s404=_NO_LOG, s503=_STORE
)
_TILE = _get(
    "A tile of hashes or of entries (C2SP tlog-tiles).",
    {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    s404="There is no such log or tile.",
    s503=_STORE,
)

PATHS: dict[str, Json] = {
    "/v1/{site}/consent": _CONSENT,
    "/v1/{site}/shown": _SHOWN,
    "/n/{site}": _get("Every notice that a site ever showed.", _OBJECT, s404=_NO_SITE, s503=_STORE),
    "/n/{site}/{hash}.json": _get(
        "The bytes of a notice, whose SHA-256 is its hash.", _OBJECT, s404=_NO_NOTICE, s500=_ALTERED, s503=_STORE
    ),
    "/n/{site}/{hash}": _get("A notice as it was, as a page.", _HTML, s404=_NO_NOTICE, s500=_ALTERED, s503=_STORE),
    "/v1/{site}/erase": _ERASE,
    "/v1/{site}/log": _log("A site's records, oldest first.", _json("Page") | _CSV),
    "/v1/{site}/log.csv": _log("The same as CSV; the Link header leads to the next page.", _CSV),
    "/c/{site}.js": _script("The widget with a site's settings.", _NO_SITE),
    "/c/{site}/{version}/{name}": _script("A layer of the widget, by the hash of its bytes.", "There is none such."),
    "/choices/{site}": {
        **_get("Your privacy choices: a page with a form, without script.", _HTML, s404=_NO_SITE, s503=_STORE),
        "post": {
            "summary": "The form was sent: everything optional is refused.",
            "responses": {
                "303": _answer("Recorded; back to the page."),
                **_faults(
                    s403="The form stood on another site's page.",
                    s404=_NO_SITE,
                    s429="Too many; Retry-After says how long to wait.",
                    s503=_STORE,
                ),
            },
        },
    },
    "/c/{site}/declaration": _script("Every service with its cookies, as a page.", _NO_SITE, _HTML),
    "/log/{site}/checkpoint": _CHECKPOINT,
    "/log/{site}/tile/{tile}": _TILE,
    "/log/{site}/{epoch}/checkpoint": _CHECKPOINT,
    "/log/{site}/{epoch}/tile/{tile}": _TILE,
    "/.well-known/consent-log/{site}": _get(
        "A site's logs and the keys that sign them.", _OBJECT, s404=_NO_LOG, s503=_STORE
    ),
    "/.well-known/gpc.json": _get(
        "Whether the site at this host honours the Global Privacy Control.", _OBJECT, s404="No site has this host."
    ),
    "/livez": _get("Whether the service runs.", _OBJECT),
    "/readyz": _get("Whether a choice could be recorded now.", _OBJECT, s503="It could not; the message says why."),
    "/openapi.json": _get("This description.", _OBJECT),
    "/": _get("A page for people who come here by hand.", _HTML),
    "/demo/": _get("The demo's shop.", _HTML, s404=_NO_SITE, s503=_STORE),
    "/demo/privacy": _get("The demo's privacy page.", _HTML, s404=_NO_SITE, s503=_STORE),
    "/demo/imprint": _get("The demo's imprint.", _HTML, s404=_NO_SITE, s503=_STORE),
    "/demo/style.css": _get("The demo's style sheet.", {"text/css": {"schema": _TEXT}}),
    "/demo/newsletter": {
        "post": {
            "summary": "The demo's form; nothing is stored.",
            "responses": {"200": _answer("Thanks.", _HTML), **_faults(s404=_NO_SITE, s503=_STORE)},
        }
    },
}
