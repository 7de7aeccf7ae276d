"""What a session's rows say of browser, device and place, and the little of it that a count may know. Pure, cached."""

from functools import lru_cache

import msgspec

from consent.regimes.geo import Place
from consent.telemetry.clean import printable
from consent.telemetry.distinct import OTHER, Distinct
from consent.telemetry.hit import Facts
from consent.telemetry.rollup import versioned
from consent.visitors import hints
from consent.visitors.agent import Agent, agent
from consent.visitors.behaviour import PAGES_A_MINUTE, Signs, suspicion
from consent.visitors.header import printable as readable
from consent.visitors.language import languages, primary
from consent.visitors.spot import Spot

AGENT = (b"user-agent", *hints.LOW, *hints.HIGH)
"""The headers that tell browser and device, in the order in which `Sent.lines` has them."""

CACHED = 4_096

LONGEST_APP = 60


class Told(msgspec.Struct, frozen=True, gc=False):
    """What the page or app itself says of the device."""

    screen: str = ""
    webdriver: bool = False
    app: str = ""
    app_version: str = ""
    device: str = ""
    system: str = ""
    system_version: str = ""


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What is known of a session.

    Args:
        lines: the headers named in `AGENT`; those of high entropy were asked for with consent.
        accepted: the Accept-Language header.
        spot: what the databases say of the address's network.
        place: what a trusted proxy, or the regimes' database, says; it fills in where `spot` is empty.
        told: what the page or app says.
        hurries: whether there were more page views in this minute than anybody reads.
        version: of the policy that let it in.
    """

    lines: tuple[bytes, ...]
    accepted: bytes
    spot: Spot
    place: Place | None
    told: Told
    hurries: bool
    version: int


@lru_cache(maxsize=CACHED)
def full(seen: Seen) -> Facts:
    """Everything a row may know."""
    spot, place, told = seen.spot, seen.place, seen.told
    found = agent(zip(AGENT, seen.lines, strict=True), high_entropy=True)
    tags = languages(readable(seen.accepted))
    views = PAGES_A_MINUTE + 1 if seen.hurries else 0
    signs = Signs(webdriver=told.webdriver, languages=bool(tags), a_minute=views)
    bot = "" if told.app else found.bot_name or suspicion(signs)
    country = spot.country or (place.country if place else "")
    region = spot.region or ((place.region or "") if place and place.country == country else "")
    return Facts(
        browser="" if told.app else found.browser,
        browser_version="" if told.app else found.browser_version,
        system=printable(told.system, LONGEST_APP) or found.system,
        system_version=printable(told.system_version, LONGEST_APP) or found.system_version,
        device="bot" if bot else told.device or found.device,
        brand="" if bot else found.brand,
        model="" if bot else found.model,
        bot=bot,
        language=primary(tags),
        languages=",".join(tags),
        screen=told.screen,
        country=country,
        region=region,
        asn=spot.asn,
        network=spot.network,
        isp_domain=spot.domain,
        app=told.app,
        app_version=printable(told.app_version, LONGEST_APP),
        policy_version=seen.version,
    )


def bounded(facts: Facts, distinct: Distinct) -> Facts:
    """The facts of a session that begins, without names of browsers, systems and brands for which the day has no room:
    a user agent may say anything."""
    browser, system = distinct.knows("agent", facts.browser), distinct.knows("agent", facts.system)
    version = browser and distinct.knows("agent", versioned(facts.browser, facts.browser_version, 1))
    of_system = system and distinct.knows("agent", versioned(facts.system, facts.system_version, 2))
    brand = distinct.knows("agent", facts.brand)
    if version and of_system and brand:
        return facts
    return msgspec.structs.replace(
        facts,
        browser=facts.browser if browser else OTHER,
        browser_version=facts.browser_version if version else "",
        system=facts.system if system else OTHER,
        system_version=facts.system_version if of_system else "",
        brand=facts.brand if brand else OTHER,
    )


@lru_cache(maxsize=CACHED)
def coarse(lines: tuple[bytes, ...]) -> Agent:
    """What a count may know: nothing that a page had to ask the device for."""
    return agent(zip(AGENT, lines, strict=True)).coarse()
