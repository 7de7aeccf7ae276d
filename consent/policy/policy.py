"""A policy as its owner writes it: one TOML file a site. `resolved.py` says what it means, `check.py` what is wrong."""

from typing import Annotated, Literal

import msgspec

from consent.catalogue.service import Cookie, Kind, Storage
from consent.policy.reading import read

Key = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{0,39}$")]
Language = Annotated[str, msgspec.Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
TextKey = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_-]{0,59}$")]
CookieName = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{1,40}$")]
EventName = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_.-]{0,39}$")]
FieldName = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,39}$")]
Parameter = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_.~-]{1,40}$")]


class Controller(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asks (EU-10)."""

    name: str
    address: str = ""
    email: str = ""
    privacy_url: str = ""
    imprint_url: str = ""


class ChoiceCookie(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the visitor's choice is kept: `docs/formats.md`, section 2."""

    name: CookieName = "consent"
    domain: str = ""  # empty: this host only


class PurposeTexts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a purpose is called, in one language."""

    title: str
    summary: str
    description: str


class PurposeEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A purpose of the site. The five default purposes need no texts; another key does."""

    key: Key
    required: bool | None = None  # None: only `necessary` is
    default: bool = False  # only there to be refused (EU-03)
    gpc: bool | None = None  # whether the Global Privacy Control signal covers it; None: marketing and social
    texts: dict[Language, PurposeTexts] = {}


class ServiceTexts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Words about a service in one language; empty ones fall back to the service's own."""

    description: str = ""
    placeholder: str = ""
    reason: str = ""


class ServiceEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A service of the site: nothing but its key when the catalogue knows it, else what differs or everything."""

    name: str | None = None
    provider: str | None = None
    country: str | None = None
    purposes: tuple[Key, ...] | None = None
    kind: Kind | None = None
    hosts: tuple[str, ...] | None = None
    privacy_url: str | None = None
    source: str | None = None
    description: str | None = None
    placeholder: str | None = None
    necessary_possible: bool | None = None
    tracker: bool | None = None
    params: dict[Key, tuple[str, ...]] | None = None
    cookies: tuple[Cookie, ...] | None = None
    storage: tuple[Storage, ...] | None = None
    reason: str = ""  # why it is strictly necessary (EU-13)
    texts: dict[Language, ServiceTexts] = {}


class Colours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Colours as `#rrggbb`, by the tokens of `themes.toml`; those left out come from there."""

    background: str | None = None
    surface: str | None = None
    text: str | None = None
    muted: str | None = None
    border: str | None = None
    outline: str | None = None
    accent: str | None = None
    accent_text: str | None = None
    accept_background: str | None = None
    accept_text: str | None = None
    reject_background: str | None = None
    reject_text: str | None = None


class Theme(Colours, frozen=True, forbid_unknown_fields=True):
    """How the banner looks. Colours here are for light (for dark if `scheme` is so); those in [theme.dark] for dark."""

    scheme: Literal["auto", "light", "dark"] = "auto"
    position: Literal["bottom", "center"] = "bottom"
    control: Literal["bottom-left", "bottom-right", "none"] = "bottom-left"
    radius: str | None = None
    font: str | None = None
    control_inset: str | None = None
    dark: Colours = Colours()


class RegimeChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose laws the site follows."""

    enabled: tuple[Key, ...] | None = None  # None: every law that the software knows
    default: Key = "eu"  # for a visitor whose place is unknown


class Telemetry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the site learns of its visitors: all of it after consent to `purpose`, anonymous counts where exempt."""

    purpose: Key = "statistics"
    counts: bool = True  # anonymous counts where the visitor's law exempts them
    query: tuple[Parameter, ...] = ()  # query parameters that are kept; campaigns' (utm_*) always are, after consent
    days: Annotated[int, msgspec.Meta(ge=1, le=760)] = 365  # rows are kept; CNIL sheet 16: 25 months at most
    forget: bool = True  # a withdrawal deletes the visitor's rows
    apps: tuple[str, ...] = ()  # mobile apps that may send events
    address: Literal["none", "truncated", "full"] = "truncated"
    address_reason: Annotated[str, msgspec.Meta(max_length=500)] = ""  # why addresses are kept in full
    address_days: Annotated[int, msgspec.Meta(ge=0, le=760)] = 0  # and for how long
    customer: tuple[FieldName, ...] = ()  # what the site may tell of a customer who is signed in
    events: tuple[EventName, ...] = ()  # names of the site's own events; empty: any
    own_pages: bool = False  # the service's own pages for visitors are logged, too


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one site asks, as written by its owner."""

    site: Key
    origins: tuple[str, ...]
    controller: Controller
    languages: tuple[Language, ...] = ("en",)  # the first is the default
    necessary: tuple[str, ...] = ()  # hosts of the site itself that always work
    after_accept: Literal["declared", "everything"] = "declared"
    days: Annotated[int, msgspec.Meta(ge=1, le=400)] = 180  # CNIL 2020-092: six months; browsers stop at 400
    cookie: ChoiceCookie = ChoiceCookie()
    purposes: tuple[PurposeEntry, ...] = ()  # empty: the five default purposes
    services: dict[Key, ServiceEntry] = {}
    texts: dict[Language, dict[TextKey, str]] = {}  # in place of the interface's own
    theme: Theme = Theme()
    regimes: RegimeChoice = RegimeChoice()
    telemetry: Telemetry | None = None  # None: visitors are neither told apart nor counted


def parse(text: str) -> Policy:
    """Read a policy. Raises PolicyError with a finding for each part that does not fit."""
    return read(text, Policy)
