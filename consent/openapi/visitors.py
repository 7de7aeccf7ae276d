"""What visitors' browsers, apps and sites' servers send."""

from consent.openapi.parts import NO_SITE, OBJECT, STORE, TEXT, Json, answered, json_of, parameter, posted, refusals

_OURS = "Not a page of this site."
_BODY = {
    "s413": "The body is too large.",
    "s415": "The body is neither application/json nor text/plain.",
    "s422": "The body does not fit.",
    "s429": "Too many; Retry-After says how long to wait.",
}
_PREFLIGHT: Json = {
    "options": {
        "summary": "The preflight of browsers.",
        "responses": {"204": answered("This origin may post."), **refusals(s403=_OURS, s404=NO_SITE)},
    },
}


def _told(summary: str, body: str, answers: Json, **faults: str) -> Json:
    """What a site's own server sends, with its token."""
    faults |= {"s401": "No token of this site.", "s403": "Not from here.", "s503": STORE}
    made = posted(summary, body, answers, **_BODY, **faults)
    return {"post": made["post"] | {"security": [{"token": []}]}}


CONSENT = _PREFLIGHT | posted(
    "Record what a visitor decided; answered when it is on disk.",
    "Claim",
    {
        "201": answered("Recorded.", json_of("Answer")),
        "200": answered("The same was recorded before.", json_of("Answer")),
    },
    s403="wrong_origin: not a page of this site. wrong_write_key: not the visitor's own receipt.",
    s404=NO_SITE,
    s409="policy_outdated: the site asks something else by now. key_reused: make a new key.",
    **_BODY
    | {
        "s422": "The body does not fit; `field` names where.",
        "s429": "Too many posts; Retry-After says how long to wait.",
    },
    s503=STORE,
)
ERASE = _PREFLIGHT | posted(
    "Destroy the records of a receipt: whoever holds it may ask, and is not asked who they are.",
    "Wish",
    {"200": answered("Gone; `pending` while bytes of them are still being overwritten.", json_of("Outcome"))},
    s403=_OURS,
    s404="No such site, or no such receipt, or it was erased before.",
    **_BODY | {"s422": "The body does not name a receipt."},
    s503=STORE,
)
SHOWN = _PREFLIGHT | posted(
    "A layer came up: counted where the law lets that be counted.",
    "Shown",
    {"204": answered("Counted, or not.")},
    s403=_OURS,
    s404=NO_SITE,
    **_BODY,
)
EVENTS = _PREFLIGHT | posted(
    "What pages and apps tell of visits, as far as the visitor's choice lets it.",
    "Batch",
    {
        "202": answered("Taken, counted or dropped."),
        "205": answered("Nothing was taken: the cookies are in the answer, send it once more with them."),
    },
    s403="Not a page, nor an app, of this site.",
    s404=NO_SITE,
    **_BODY,
    s503="Choices go first; Retry-After says when to come again.",
)
VISITOR: Json = {
    "get": {
        "summary": "What the visitors' log holds of who has the cookies.",
        "parameters": [parameter("after", "The session behind which it goes on: what stood in `next`.", TEXT)],
        "responses": {
            "200": answered("All of it, or so much that `next` goes on with it.", OBJECT),
            **refusals(s403=_OURS, s404=NO_SITE, s422="after names no session.", s429=_BODY["s429"], s503=STORE),
        },
    },
    **posted(
        "Correct what the site said of its customer, or delete all.",
        "VisitorWish",
        {"200": answered("Done.", OBJECT)},
        s403=_OURS,
        s404="No such site, or visitor.",
        **_BODY,
        s503=STORE,
    ),
    **_PREFLIGHT,
}
CUSTOMER = _told(
    "The site's server says who is signed in.",
    "CustomerTold",
    {"200": answered("How many browsers are known as that customer's.", OBJECT)},
    s404="No such site, or visitor.",
)
REQUESTS = _told(
    "The site's server tells of page requests, as far as each visitor's choice lets it.",
    "RequestsTold",
    {"202": answered("How many were stored, counted or left.", OBJECT)},
    s404=NO_SITE,
)
PIXEL: Json = {
    "get": {
        "summary": "A clear image that tells of a visit.",
        "parameters": [
            parameter("page", "An address or a path of the site.", TEXT),
            parameter("event", "The event's name.", TEXT),
        ],
        "responses": {
            "200": answered("The image.", {"image/gif": {"schema": {"type": "string", "format": "binary"}}}),
            **refusals(s404=NO_SITE),
        },
    },
}
