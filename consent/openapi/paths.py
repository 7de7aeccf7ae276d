"""Every address, and what stands for the parts in braces."""

from consent.openapi.console import ACCOUNTS, LETTERS, faces, signed
from consent.openapi.figures import EXPORT, FIGURES, SHARED, log, report
from consent.openapi.parts import (
    CSV,
    HTML,
    NO_SITE,
    OBJECT,
    STORE,
    TEXT,
    Json,
    answered,
    json_of,
    placed,
    read_at,
    refusals,
)
from consent.openapi.visitors import CONSENT, CUSTOMER, ERASE, EVENTS, PIXEL, REQUESTS, SHOWN, VISITOR
from consent.records.claim import KEY
from consent.reports.export import FORMATS, SOURCES
from consent.reports.named import questions
from consent.reports.schema import SUBJECT


def _script(summary: str, missing: str, content: Json | None = None) -> Json:
    read = read_at(summary, content or {"text/javascript": {"schema": TEXT}}, s404=missing, s503=STORE)
    read["get"]["responses"]["304"] = answered("Unchanged.")
    return read


PLACES: dict[str, Json] = {
    **placed("subject", type="string", pattern=rf"^({SUBJECT})(\.json|\.csv|\.html)?$"),
    **placed("question", type="string", pattern=rf"^({'|'.join(questions())})(\.json|\.csv|\.html)?$"),
    **placed("token", type="string", pattern="^[A-Za-z0-9_-]{43}$"),
    **placed("id", type="string", pattern="^[0-9a-f]{16,32}$"),
    **placed("epoch", type="string", pattern="^e[1-9][0-9]*$"),
    **placed("record", type="string", format="uuid"),
    **placed("visitor", type="string", pattern="^[0-9a-f]{32}$"),
    **placed("tile", type="string"),
    **placed("rows", type="string", enum=[*SOURCES]),
    **placed("format", type="string", enum=[*FORMATS]),
    **placed("hash", type="string", pattern="^[0-9a-f]{64}$"),
    **placed("site", type="string", pattern=f"^{KEY}$"),
    **placed("version", type="integer", minimum=0),
    **placed("name", type="string", pattern=r"^[a-z]+\.[A-Za-z-]+\.[0-9a-f]{16}\.js$"),
}
_NO_NOTICE = "The site never showed such a notice."
_ALTERED = "What is stored has another hash than its own."
_NO_LOG = "There is no such log."
_CHECKPOINT = read_at(
    "The signed head of a log (C2SP tlog-checkpoint).", {"text/plain": {"schema": TEXT}}, s404=_NO_LOG, s503=STORE
)
_TILE = read_at(
    "A tile of hashes or of entries (C2SP tlog-tiles).",
    {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    s404="There is no such log or tile.",
    s503=STORE,
)
PATHS: dict[str, Json] = {
    **LETTERS,
    **faces(),
    "/sites/{site}/live.json": signed("Choices of the last hour, as the overview draws them.", OBJECT),
    "/sites/{site}": signed("Leads to the first page of a site.", HTML),
    "/sites/": signed("A page: the sites that one may look at.", HTML),
    "/sites.json": signed("The sites that one may look at.", OBJECT),
    "/v1/{site}/consent": CONSENT,
    "/v1/{site}/shown": SHOWN,
    "/v1/{site}/events": EVENTS,
    "/v1/{site}/pixel.gif": PIXEL,
    "/v1/{site}/visitor": VISITOR,
    "/v1/{site}/customer": CUSTOMER,
    "/v1/{site}/requests": REQUESTS,
    "/n/{site}": read_at("Every notice that a site ever showed.", OBJECT, s404=NO_SITE, s503=STORE),
    "/n/{site}/{hash}.json": read_at(
        "The bytes of a notice, whose SHA-256 is its hash.", OBJECT, s404=_NO_NOTICE, s500=_ALTERED, s503=STORE
    ),
    "/n/{site}/{hash}": read_at("A notice as it was, as a page.", HTML, s404=_NO_NOTICE, s500=_ALTERED, s503=STORE),
    "/v1/{site}/erase": ERASE,
    "/v1/{site}/log": log("A site's records, oldest first.", json_of("Page") | CSV),
    "/v1/{site}/log.csv": log("The same as CSV; the Link header leads to the next page.", CSV),
    "/reports/{site}/export/shared.{format}": SHARED,
    "/reports/{site}/export/{rows}.{format}": EXPORT,
    "/reports/{site}/questions": report("The questions that have names, and all that can be asked.", OBJECT, []),
    "/reports/{site}/questions/{question}": report("The answer to a question that has a name.", FIGURES),
    "/reports/{site}/{subject}": report("Figures of a subject.", FIGURES),
    "/c/{site}.js": _script("The widget with a site's settings.", NO_SITE),
    "/c/{site}/{version}/{name}": _script("A layer of the widget, by the hash of its bytes.", "There is none such."),
    "/choices/{site}": {
        **read_at("Your privacy choices: a page with a form, without script.", HTML, s404=NO_SITE, s503=STORE),
        "post": {
            "summary": "The form was sent: everything optional is refused.",
            "responses": {
                "303": answered("Recorded; back to the page."),
                **refusals(
                    s403="The form stood on another site's page.",
                    s404=NO_SITE,
                    s429="Too many; Retry-After says how long to wait.",
                    s503=STORE,
                ),
            },
        },
    },
    "/c/{site}/declaration": _script("Every service with its cookies, as a page.", NO_SITE, HTML),
    "/log/{site}/checkpoint": _CHECKPOINT,
    "/log/{site}/tile/{tile}": _TILE,
    "/log/{site}/{epoch}/checkpoint": _CHECKPOINT,
    "/log/{site}/{epoch}/tile/{tile}": _TILE,
    "/.well-known/consent-log/{site}": read_at(
        "A site's logs and the keys that sign them.", OBJECT, s404=_NO_LOG, s503=STORE
    ),
    "/.well-known/gpc.json": read_at(
        "Whether the site at this host honours the Global Privacy Control.", OBJECT, s404="No site has this host."
    ),
    "/assets/{name}": read_at(
        "Style sheet, script or icon of our pages.",
        {kind: {"schema": TEXT} for kind in ("text/css", "text/javascript", "image/svg+xml")},
        s404="There is none such any more.",
    ),
    **ACCOUNTS,
    "/livez": read_at("Whether the service runs.", OBJECT),
    "/readyz": read_at("Whether a choice could be recorded now.", OBJECT, s503="It could not; the message says why."),
    "/openapi.json": read_at("This description.", OBJECT),
    "/": read_at("A page for people who come here by hand.", HTML),
    "/demo/": read_at("The demo's shop.", HTML, s404=NO_SITE, s503=STORE),
    "/demo/privacy": read_at("The demo's privacy page.", HTML, s404=NO_SITE, s503=STORE),
    "/demo/imprint": read_at("The demo's imprint.", HTML, s404=NO_SITE, s503=STORE),
    "/demo/style.css": read_at("The demo's style sheet.", {"text/css": {"schema": TEXT}}),
    "/demo/newsletter": {
        "post": {
            "summary": "The demo's form; nothing is stored.",
            "responses": {"200": answered("Thanks.", HTML), **refusals(s404=NO_SITE, s503=STORE)},
        }
    },
}
