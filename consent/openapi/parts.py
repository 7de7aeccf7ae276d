"""What descriptions of addresses are made of. Pure."""

from typing import Any

Json = dict[str, Any]


def json_of(name: str) -> Json:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def answered(description: str, content: Json | None = None) -> Json:
    return {"description": description} | ({"content": content} if content else {})


def refusals(**reasons: str) -> Json:
    return {number.removeprefix("s"): answered(reason, json_of("Fault")) for number, reason in reasons.items()}


def seen(**reasons: str) -> Json:
    """Faults of pages: a page to who accepts one, or JSON."""
    faces = json_of("Fault") | {"text/html": {"schema": {"type": "string"}}}
    return {number.removeprefix("s"): answered(reason, faces) for number, reason in reasons.items()}


TOKENS = "Too many wrong tokens, or requests; Retry-After says how long to wait."
"""What may be answered wherever a token is read (accounts/door.py)."""


def parameter(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


TEXT = {"type": "string"}
HTML = {"text/html": {"schema": TEXT}}
CSV = {"text/csv": {"schema": TEXT}}
OBJECT = {"application/json": {"schema": {"type": "object"}}}
NO_SITE = "No policy is published for this site."
STORE = "The store cannot be read or written now; Retry-After says when to try again."
MOMENT = "RFC 3339, or milliseconds since 1970"


def read_at(summary: str, content: Json, **faults: str) -> Json:
    """An address that is read."""
    return {"get": {"summary": summary, "responses": {"200": answered(summary, content), **refusals(**faults)}}}


def posted(summary: str, body: str, answers: Json, **faults: str) -> Json:
    """An address that takes JSON, which pages may call text/plain."""
    content = json_of(body) | {"text/plain": {"schema": TEXT}}
    asked = {"summary": summary, "requestBody": {"required": True, "content": content}}
    return {"post": asked | {"responses": answers | refusals(**faults)}}


def placed(name: str, **schema: object) -> Json:
    """A part of an address, by its name in braces."""
    return {name: {"name": name, "in": "path", "required": True, "schema": schema}}
