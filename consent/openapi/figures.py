"""The log, figures and exports."""

from consent.openapi.console import AWAY
from consent.openapi.parts import (
    CSV,
    HTML,
    MOMENT,
    STORE,
    TEXT,
    TOKENS,
    Json,
    answered,
    json_of,
    parameter,
    read_at,
    refusals,
)
from consent.records.question import ACTIONS, DEFAULT_PAGE, MAX_PAGE
from consent.reports.export import MEDIA
from consent.reports.schema import SAYS

_LIMIT = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_PAGE}
_LOG_PARAMETERS = [
    parameter("since", f"From this moment on ({MOMENT}).", TEXT),
    parameter("until", f"Before this moment ({MOMENT}).", TEXT),
    parameter("action", "Only records of this action.", {"type": "string", "enum": list(ACTIONS)}),
    parameter("after", "The `next` of the page before.", TEXT),
    parameter("limit", "Records on a page.", _LIMIT),
]
_LOG_FAULTS = {
    "s401": "No token of this site.",
    "s404": "There is no such site.",
    "s422": "A parameter does not fit; `field` names it.",
    "s429": TOKENS,
    "s503": STORE,
}


def log(summary: str, content: Json) -> Json:
    read = read_at(summary, content, **_LOG_FAULTS)
    read["get"] |= {"security": [{"token": []}], "parameters": _LOG_PARAMETERS}
    return read


EXPORT: Json = {
    "get": {
        "summary": "Rows of a site, streamed in the order of time; who took them along is written down.",
        "security": [{"token": []}],
        "parameters": [
            parameter("from", "From this moment on: RFC 3339, or milliseconds since 1970.", TEXT),
            parameter("to", "Before this moment.", TEXT),
            parameter("after", "The cursor of the last row that came whole.", TEXT),
        ],
        "responses": {
            "200": answered(
                "The rows, each with its cursor but in Parquet.",
                {media.partition(";")[0]: {"schema": TEXT} for media in MEDIA.values()},
            ),
            **refusals(
                s401="Nobody is signed in, or the token does not hold.",
                s403="Who asks may not see such rows, or take them along.",
                s404="No such site, rows or format.",
                s422="A parameter makes no sense; `field` names it.",
                s429="Too many exports are under way, or wrong tokens; Retry-After says how long to wait.",
                s501="DuckDB, which writes Parquet, is not installed.",
                s503=STORE,
            ),
        },
    }
}
FIGURES = json_of("Report") | CSV | HTML


def report(summary: str, content: Json, parameters: list[Json] | None = None) -> Json:
    asked = [parameter(name, says, TEXT) for name, says in SAYS.items()] if parameters is None else parameters
    faults = {
        "s401": "Nobody is signed in, and no token holds.",
        "s403": "Not allowed to who asks.",
        "s404": "There is no such site, subject, question or face.",
        "s422": "A parameter does not fit; `field` names it.",
        "s429": TOKENS,
        "s503": "The store cannot be read, or the answer takes too long.",
    }
    read = read_at(summary, content, **faults)
    read["get"]["responses"] |= AWAY
    read["get"] |= {"security": [{"token": []}, {"session": []}], "parameters": asked}
    return read


SHARED: Json = {
    "get": {
        "summary": "Figures by the month that name nobody, as far as the site shares them; csv or ndjson.",
        "security": [{"token": []}],
        "parameters": [
            parameter("from", "The first day of a month that is over; default twelve months ago.", TEXT),
            parameter("to", "The last day of a month that is over.", TEXT),
        ],
        "responses": {
            "200": answered(
                "One number a row.", {"text/csv": {"schema": TEXT}, "application/x-ndjson": {"schema": TEXT}}
            ),
            **refusals(
                s401="Nobody is signed in, or the token does not hold.",
                s403="Who asks may not see figures, or the site shares none.",
                s404="No such site or format.",
                s409="Records of before there were counts are still being counted.",
                s422="A parameter makes no sense; `field` names it.",
                s429=TOKENS,
                s503=STORE,
            ),
        },
    }
}
