"""From what a page tells to what is kept of it: rows with consent, bare counts without; or why nothing is. Pure."""

from collections.abc import Collection
from typing import NamedTuple

import msgspec

from consent.policy.telemetry import ResolvedTelemetry
from consent.telemetry import clean
from consent.telemetry.clean import Page
from consent.telemetry.declared import Declared
from consent.telemetry.distinct import OTHER
from consent.telemetry.event import LONGEST_ENGAGED, LONGEST_LOAD, OWN, Event, identified, is_name, properties
from consent.telemetry.hit import BLOCKED, ENGAGEMENT, OUTBOUND, VIEW, Anonymous, EventRow
from consent.visitors.visit import DAY

QUARTERS = 4


class Around(msgspec.Struct, frozen=True, gc=False):
    """What holds for all events of a request.

    Args:
        site: what is worked out of its policy.
        terms: of its log.
        origins: of its pages.
        now: ms.
        newest: what the page's clock says of the newest event; the others' times count from it.
        since: the earliest time that a row may have.
    """

    site: Declared
    terms: ResolvedTelemetry
    origins: Collection[bytes]
    now: int
    newest: int
    since: int


class How(msgspec.Struct, frozen=True, gc=False):
    """What every row of a request has. `whole`: the address is kept in full; `present`: our cookies that came."""

    address: str
    whole: bool
    present: str
    method: str
    status: int
    version: int


class Coarse(NamedTuple):
    """What every count of a request may know of it."""

    device: str
    browser: str
    screen: str
    country: str


def place(event: Event, around: Around) -> Page | str:
    """The page of an event that may be taken; else why not, in one of the program's own words."""
    if not -DAY <= event.time - around.now <= DAY:
        return "too-old" if event.time < around.now else "too-new"
    around.site.distinct.begin(around.now // DAY)
    if event.event not in OWN:
        if not is_name(event.event):
            return "bad-name"
        if around.terms.events and event.event not in around.terms.events:
            return "undeclared-event"
        if not around.site.distinct.knows("event", event.event):
            return "too-many-names"
    page = clean.page(event.url, around.terms.query)
    if page is None:
        return "bad-url"
    if page.origin.encode() not in around.origins:
        return "other-site"
    if event.event in (BLOCKED, OUTBOUND):
        target = clean.host(event.target)
        if not target or (event.event == OUTBOUND and target in around.site.hosts):
            return "own-link" if target else "bad-target"
    return page


def row(event: Event, page: Page, around: Around, how: How) -> EventRow | str:
    """The row of an event at that page; or why there is none."""
    name = identified(event.id)
    props = properties(event.props)
    if name is None or props is None:
        return "bad-id" if name is None else "bad-props"
    return EventRow(
        id=name,
        time=max(around.now - max(around.newest - event.time, 0), around.since),
        client_time=event.time,
        event=event.event,
        method=how.method,
        host=page.host,
        path=_path(page, around),
        query=page.query,
        status=how.status,
        referrer=clean.referrer(event.referrer, around.site.hosts).referrer if event.referrer else "",
        address=how.address,
        whole=how.whole,
        cookies=how.present,
        load_time=event.load if 0 < event.load <= LONGEST_LOAD else 0,
        engaged=event.engaged if 0 < event.engaged <= LONGEST_ENGAGED else 0,
        scrolled=event.scrolled if 0 < event.scrolled <= QUARTERS else 0,
        target=around.site.distinct.keep("target", clean.host(event.target)) if event.target else "",
        service=around.site.service(event.target) if event.event == BLOCKED else "",
        props=props,
        policy_version=how.version,
        allowed_by="granted",
    )


def counted(event: Event, page: Page, around: Around, site_id: int, coarse: Coarse) -> Anonymous:
    """What a count adds up of an event at that page. The time is the service's, to the hour at most."""
    source = clean.referrer(event.referrer, around.site.hosts).host if event.referrer else ""
    internal = bool(event.referrer) and not source
    return Anonymous(
        site_id=site_id,
        time=around.now,
        event=event.event,
        host=page.host,
        path=_path(page, around),
        source=around.site.distinct.keep("source", source),
        device=coarse.device,
        browser=coarse.browser,
        screen=coarse.screen,
        country=coarse.country,
        load_time=event.load if 0 < event.load <= LONGEST_LOAD else 0,
        engaged=event.engaged if event.event == ENGAGEMENT and 0 < event.engaged <= LONGEST_ENGAGED else 0,
        scrolled=event.scrolled if event.event == ENGAGEMENT and 0 < event.scrolled <= QUARTERS else 0,
        target=around.site.distinct.keep("target", clean.host(event.target)) if event.target else "",
        service=around.site.service(event.target) if event.event == BLOCKED else "",
        entered=int(event.event == VIEW and not internal),
    )


def _path(page: Page, around: Around) -> str:
    return page.path if around.site.distinct.knows("page", page.path) else f"/{OTHER}"
