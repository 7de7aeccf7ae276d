"""What pages and apps send: the body of `POST /v1/{site}/events` (docs/formats.md, section 15), read, bounded. Pure."""

import re
from typing import Annotated, Literal

import msgspec

from consent.errors import Problem
from consent.records.claim import LATEST
from consent.records.cookie import MAX_LENGTH
from consent.telemetry.clean import value
from consent.telemetry.hit import BLOCKED, ENGAGEMENT, OUTBOUND, VIEW

MAX_BODY = 65_536

MAX_EVENTS = 50
"""Events of one body; further ones are dropped."""

MAX_PROPS = 10
MAX_PROPS_LENGTH = 1_000
"""Properties of an event, and characters of them all as JSON."""

LONGEST_LOAD = 600_000
LONGEST_ENGAGED = 86_400
"""Ms and seconds; more is no measurement."""

OWN = frozenset({VIEW, OUTBOUND, BLOCKED, ENGAGEMENT})
"""Names of events that the widget sends by itself; a site's list of its own names need not have them."""

Whole = Annotated[int, msgspec.Meta(ge=-LATEST, le=LATEST)]
Choice = Annotated[str, msgspec.Meta(max_length=MAX_LENGTH)]
Address = Annotated[str, msgspec.Meta(max_length=8_192)]
Word = Annotated[str, msgspec.Meta(max_length=200)]

_ID = re.compile(r"[0-9A-Fa-f]{32}")
_NAME = re.compile(r"[a-z][a-z0-9_.-]{0,39}")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")


class Event(msgspec.Struct, forbid_unknown_fields=True):
    """One event as the page tells it. `time` is its clock, ms; `load` ms, `engaged` seconds, `scrolled` quarters.

    `target` is where a click leads, or what was refused. All but the first four may be left out.
    """

    id: Word
    event: Word
    time: Whole
    url: Address
    referrer: Address = ""
    load: Whole = 0
    engaged: Whole = 0
    scrolled: Whole = 0
    target: Address = ""
    props: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Brand(msgspec.Struct, forbid_unknown_fields=True):
    """A brand with its version, as `getHighEntropyValues` gives them."""

    brand: Word
    version: Word


class Hints(msgspec.Struct, rename="camel"):
    """What `navigator.userAgentData.getHighEntropyValues` gave, as far as it is read; of visitors who agreed alone."""

    full_version_list: Annotated[list[Brand], msgspec.Meta(max_length=16)] = []
    platform_version: Word = ""
    model: Word = ""
    form_factors: Annotated[list[Word], msgspec.Meta(max_length=8)] = []


class CustomerSaid(msgspec.Struct, forbid_unknown_fields=True):
    """Who is signed in, as the page or the site's server says."""

    id: Annotated[str, msgspec.Meta(max_length=1_000)]
    fields: Annotated[dict[Word, Annotated[str, msgspec.Meta(max_length=1_000)]], msgspec.Meta(max_length=40)] = {}


class App(msgspec.Struct, forbid_unknown_fields=True):
    """A mobile app: its name, which the policy lists, and the sealed texts that the answer before had, for cookies."""

    name: Word
    version: Word = ""
    device: Literal["", "phone", "tablet", "desktop", "tv", "car", "watch"] = ""
    system: Word = ""
    system_version: Word = ""
    visitor: Choice = ""
    session: Choice = ""


class Batch(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The body. `choice` is the value of the choice cookie as the page has it; empty without one."""

    choice: Choice
    events: list[Event]
    screen: Literal["", "small", "medium", "large"] = ""
    webdriver: bool = False
    hints: Hints | None = None
    customer: CustomerSaid | None = None
    app: App | None = None
    debug: bool = False


class _Loose(Batch):
    """The same with events that are read one by one."""

    events: list[msgspec.Raw]  # type: ignore[assignment]  # the same member, undecoded


class Read(msgspec.Struct, gc=False):
    """A body that was read, and of the events that were not how many for which reason."""

    batch: Batch
    dropped: dict[str, int]


_BATCH = msgspec.json.Decoder(Batch)
_LOOSE = msgspec.json.Decoder(_Loose)
_EVENT = msgspec.json.Decoder(Event)
_PROPS = msgspec.json.Decoder(dict[str, str | bool | int | float])
_ENCODER = msgspec.json.Encoder(order="sorted")


def read(body: bytes) -> Read:
    """Read a body; events that do not fit are dropped one by one. Raises Problem (422, with the field)."""
    try:
        batch = _BATCH.decode(body)
    except msgspec.ValidationError:
        return _read_loosely(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Problem("not_json", "The body is not JSON in UTF-8.", "Send one JSON object.") from error
    dropped = {"too-many": len(batch.events) - MAX_EVENTS} if len(batch.events) > MAX_EVENTS else {}
    if dropped:
        del batch.events[MAX_EVENTS:]
    return Read(batch, dropped)


def identified(text: str) -> str | None:
    """An event's id as 32 hex digits; None for what is no UUID."""
    plain = text.replace("-", "") if len(text) == 36 else text
    return plain.lower() if _ID.fullmatch(plain) else None


def is_name(text: str) -> bool:
    """Whether an event may be called so."""
    return _NAME.fullmatch(text) is not None


def properties(raw: msgspec.Raw | msgspec.UnsetType) -> str | None:
    """The properties of an event as JSON, cleaned and with sorted keys; None for what does not fit. Empty for none."""
    if raw is msgspec.UNSET:
        return ""
    text = bytes(raw)
    if text in (b"null", b"{}"):
        return ""
    if len(text) > 8 * MAX_PROPS_LENGTH:
        return None
    try:
        given = _PROPS.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    if len(given) > MAX_PROPS or not all(_KEY.fullmatch(key) for key in given):
        return None
    shown = _ENCODER.encode({key: value(one) if isinstance(one, str) else one for key, one in given.items()}).decode()
    return shown if len(shown) <= MAX_PROPS_LENGTH else None


def hint_lines(hints: Hints) -> dict[bytes, bytes]:
    """The hints as the headers that they would have come in (RFC 8941)."""
    brands = ", ".join(f'"{_quoted(one.brand)}";v="{_quoted(one.version)}"' for one in hints.full_version_list)
    forms = ", ".join(f'"{_quoted(one)}"' for one in hints.form_factors)
    lines = {
        b"sec-ch-ua-full-version-list": brands,
        b"sec-ch-ua-platform-version": f'"{_quoted(hints.platform_version)}"' if hints.platform_version else "",
        b"sec-ch-ua-model": f'"{_quoted(hints.model)}"' if hints.model else "",
        b"sec-ch-ua-form-factors": forms,
    }
    return {name: text.encode("latin-1", "replace") for name, text in lines.items() if text}


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _read_loosely(body: bytes) -> Read:
    """What is sound of a body in which something is not."""
    try:
        loose = _LOOSE.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        remedy = "Send the body as docs/formats.md, section 15, describes."
        raise Problem("invalid", f"The body does not fit: {str(error)[:200]}.", remedy, field="") from error
    events: list[Event] = []
    dropped: dict[str, int] = {}
    for raw in loose.events[:MAX_EVENTS]:
        try:
            events.append(_EVENT.decode(raw))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            reason = "unknown-field" if "unknown field" in str(error) else "malformed"
            dropped[reason] = dropped.get(reason, 0) + 1
    if len(loose.events) > MAX_EVENTS:
        dropped["too-many"] = len(loose.events) - MAX_EVENTS
    members = {name: getattr(loose, name) for name in Batch.__struct_fields__ if name != "events"}
    return Read(Batch(events=events, **members), dropped)
