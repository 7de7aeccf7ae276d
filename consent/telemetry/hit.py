"""What crosses the door of the visitors' log: hits of visitors who agreed, anonymous counts, and cells they add to."""

from typing import Literal, NamedTuple

import msgspec

Grain = Literal["hour", "day"]
Kind = Literal["full", "gone", "count"]

GRAINS: dict[Grain, int] = {"hour": 3_600_000, "day": 86_400_000}
"""Milliseconds of a bucket. Buckets are numbered since 1970, UTC."""

VIEW = "view"
OUTBOUND = "outbound"
BLOCKED = "blocked"
ENGAGEMENT = "engagement"
"""Names of events that we make ourselves. An engagement tells of a view, and is no event of its own."""


class Facts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What holds for a session from its first hit to its end. Text is empty, a number 0, where nothing is known.

    `languages` are joined by commas; `screen` is small, medium or large; `country` and `region` are ISO codes.
    """

    browser: str = ""
    browser_version: str = ""
    system: str = ""
    system_version: str = ""
    device: str = ""
    brand: str = ""
    model: str = ""
    bot: str = ""
    language: str = ""
    languages: str = ""
    screen: str = ""
    country: str = ""
    region: str = ""
    asn: int = 0
    network: str = ""
    isp_domain: str = ""
    app: str = ""
    app_version: str = ""
    policy_version: int = 0


class EventRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event. Times are ms since 1970, `load_time` ms, `engaged` seconds, `scrolled` quarters of the page (0..4).

    `target` is the host that a click leads to, or that was refused; `service` the key of the service it belongs to.
    `whole`: the address is kept in full for a while, as the policy says; it is cut later.
    """

    id: str
    time: int
    event: str
    host: str
    path: str
    client_time: int = 0
    method: str = ""
    query: str = ""
    status: int = 0
    referrer: str = ""
    address: str = ""
    whole: bool = False
    cookies: str = ""
    load_time: int = 0
    engaged: int = 0
    scrolled: int = 0
    target: str = ""
    service: str = ""
    props: str = ""
    policy_version: int = 0
    allowed_by: str = ""


class Hit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one request of a visitor who agreed says: one session and its events, the oldest first.

    `visitor` and `session` are 32 hex digits; a session's id is ordered by the time it began. `first` is when the
    visitor came first, `began` when the session began (ms). `campaign` is a JSON object of utm_*.
    """

    site_id: int
    visitor: str
    first: int
    visit: int
    session: str
    began: int
    facts: Facts
    events: tuple[EventRow, ...]
    referrer: str = ""
    source: str = ""
    campaign: str = ""
    customer: str = ""
    customer_fields: str = ""


class Anonymous(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event that is counted without a row: nothing in it leads to a visitor. Fields as in a row.

    `entered`: 1 for a view that was come to from elsewhere. Where a visit ends no page knows without storing something.
    """

    site_id: int
    time: int
    event: str
    host: str
    path: str
    source: str = ""
    device: str = ""
    browser: str = ""
    screen: str = ""
    country: str = ""
    load_time: int = 0
    engaged: int = 0
    scrolled: int = 0
    target: str = ""
    service: str = ""
    entered: int = 0


class Cell(NamedTuple):
    """One place where something is added up. `bucket`: hours or days since 1970, by grain."""

    dim: str
    grain: Grain
    bucket: int
    val: str
    also: str = ""


class Measures(NamedTuple):
    """What is added up in a cell. `engaged`: seconds; `load_time`: ms, of `loaded` pages; `scrolled`: quarters."""

    views: int = 0
    events: int = 0
    sessions: int = 0
    visitors: int = 0
    newcomers: int = 0
    bounces: int = 0
    engaged: int = 0
    loaded: int = 0
    load_time: int = 0
    scrolled: int = 0


Cells = dict[Cell, Measures]
