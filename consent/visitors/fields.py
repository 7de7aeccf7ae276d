"""Every field of the visitors' log, once: where it comes from, and whether an anonymous count may know it. Data.

`aggregate` may be counted per page and day without a visitor's consent, where the regime exempts that: only as the
column `counted` says, alone, never with another field's value. `full` is stored in rows, and only after the grant.
"""

from typing import Literal, NamedTuple

Level = Literal["aggregate", "full"]
Source = Literal["server", "header", "address", "page", "cookie", "customer", "app", "policy"]


class Field(NamedTuple):
    """One field of the log. `counted` is what an anonymous count knows of it; empty where that is nothing."""

    name: str
    level: Level
    source: Source
    description: str
    counted: str = ""


FIELDS: tuple[Field, ...] = (
    Field("time", "aggregate", "server", "when the service took it, ms", "the day, UTC"),
    Field("client_time", "full", "page", "when the page says it was, ms, within a day of the server's time"),
    Field("event", "aggregate", "page", "view, outbound, engagement or the name of an event the site made", "its name"),
    Field("event_id", "full", "page", "UUID made for the event, so that a repetition counts once"),
    Field("method", "aggregate", "server", "the request's method", "itself"),
    Field("host", "aggregate", "page", "the page's host", "itself"),
    Field("path", "aggregate", "page", "the page's path, ids in it replaced", "itself"),
    Field("query", "full", "page", "the page's query parameters that the policy lists"),
    Field("status", "aggregate", "server", "the answer's status", "itself"),
    Field("referrer", "aggregate", "page", "where the visitor came from, without query", "its host"),
    Field("address", "full", "address", "the IP address as the policy lets it be kept: none, /24 and /48, or full"),
    Field("browser", "aggregate", "header", "the browser's family", "a common name, else Other"),
    Field("browser_version", "aggregate", "header", "its version", "the major one"),
    Field("system", "aggregate", "header", "the operating system's family", "a common name, else Other"),
    Field("system_version", "full", "header", "its version, where it is not frozen"),
    Field("device", "aggregate", "header", "desktop, phone, tablet, tv, console, car, watch, bot or unknown", "itself"),
    Field("brand", "full", "header", "the device's brand"),
    Field("model", "full", "header", "the device's model"),
    Field("bot", "aggregate", "header", "the bot's name, or what makes it one", "itself"),
    Field("language", "aggregate", "header", "the language most wanted", "without region"),
    Field("languages", "full", "header", "up to eight languages by weight"),
    Field("screen", "aggregate", "page", "class of the window's width: small, medium, large", "itself"),
    Field("country", "aggregate", "address", "ISO 3166-1, by the address's network", "itself"),
    Field("region", "aggregate", "address", "ISO 3166-2, by the address's network", "itself"),
    Field("asn", "full", "address", "number of the network the address is in"),
    Field("network", "full", "address", "name of who runs that network"),
    Field("isp_domain", "full", "address", "domain of who runs that network"),
    Field("cookies", "full", "cookie", "which of our cookies the request had"),
    Field("visitor", "full", "cookie", "random id of the browser, for 390 days at most"),
    Field("session", "full", "cookie", "random id of the visit"),
    Field("visit", "full", "cookie", "which visit it is, from 1"),
    Field("customer", "full", "customer", "the site's own id of a customer who is signed in"),
    Field("customer_fields", "full", "customer", "up to ten fields the policy declares"),
    Field("app", "full", "app", "name of the mobile app"),
    Field("app_version", "full", "app", "its version"),
    Field("campaign", "full", "page", "utm_source, utm_medium, utm_campaign, utm_term, utm_content"),
    Field("target", "aggregate", "page", "the host that a link leads to, or that the policy refused", "itself"),
    Field("service", "aggregate", "policy", "the declared service of a host that was refused", "its key"),
    Field("props", "full", "page", "up to ten short values that the site gave to an event of its own"),
    Field("load_time", "aggregate", "page", "ms until the page had loaded", "per page and hour"),
    Field("engaged", "aggregate", "page", "seconds the page was looked at", "per page and day"),
    Field("scrolled", "aggregate", "page", "how far down it was read, in quarters", "per page and day"),
    Field("policy_version", "aggregate", "policy", "the policy that was in force", "itself"),
    Field("allowed_by", "aggregate", "policy", "the state that let it in: granted, or exempt for a count", "itself"),
)  # fmt: skip
"""Never among them: location of an app's device, a raw user agent, a hash of address and user agent, names, e-mails."""

BY_NAME = {field.name: field for field in FIELDS}


def level(name: str) -> Level:
    """The level of a field. Raises KeyError for what is no field: nothing else is stored."""
    return BY_NAME[name].level
