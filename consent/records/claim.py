"""What a browser says a visitor decided: the body of `POST /v1/{site}/consent` (docs/formats.md, section 6)."""

import re
from typing import Annotated, Literal, NamedTuple, TypeVar

import msgspec

from consent.errors import Problem
from consent.records.cookie import Grant, Letter

T = TypeVar("T")

MAX_BODY = 8_192
LATEST = 2**53 - 1
"""The largest whole number that JavaScript is sure of."""

VERSIONS = 2**31 - 1
"""The largest number that the column of versions holds in every database."""

Control = Literal["accept", "reject", "save", "withdraw", "object", "api", "default"]

KEY = "[a-z][a-z0-9-]{0,39}"
SHORT = "[A-Za-z0-9_-]{22}"
LONG = "[A-Za-z0-9_-]{43}"
PATTERNS = {
    "hash": "[0-9a-f]{64}",
    "scope": "[0-9a-f]{8}",
    "language": "[a-z]{2,3}(-[A-Za-z0-9]{2,8})?",
    "notice": "([0-9a-f]{64})?",
    "regime": "[a-z]{2,16}",
    "widget": "[0-9A-Za-z.+-]{1,32}",
}


def _told(pattern: str) -> msgspec.Meta:
    """A pattern for the schema alone: that of a statement is checked once for all who say the same."""
    return msgspec.Meta(extra_json_schema={"pattern": f"^{pattern}$"})


def _letters(letters: str) -> msgspec.Meta:
    """An object of letters by key, for the schema alone."""
    values = {"type": "string", "enum": list(letters)}
    names = {"pattern": f"^{KEY}$"}
    return msgspec.Meta(extra_json_schema={"type": "object", "propertyNames": names, "additionalProperties": values})


class Statement(NamedTuple):
    """What was decided, how and under which notice; hashable, so that equal ones are settled once."""

    version: int
    hash: str
    scope: str
    control: Control
    layer: int
    language: str
    notice: str
    purposes: bytes
    services: bytes
    regime: str
    gpc: bool
    widget: str


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The body as it came. The choices stay undecoded: many visitors say the same, and it is settled once."""

    key: Annotated[str, _told(SHORT)]
    version: Annotated[int, msgspec.Meta(ge=1, le=VERSIONS)]
    hash: Annotated[str, _told(PATTERNS["hash"])]
    scope: Annotated[str, _told(PATTERNS["scope"])]
    control: Control
    layer: Literal[0, 1, 2]
    language: Annotated[str, _told(PATTERNS["language"])]
    notice: Annotated[str, _told(PATTERNS["notice"])]
    purposes: Annotated[msgspec.Raw, _letters("gdwo")]
    services: Annotated[msgspec.Raw, _letters("gd")]
    regime: Annotated[str, _told(PATTERNS["regime"])]
    gpc: bool
    time: Annotated[int, msgspec.Meta(ge=0, le=LATEST)]
    widget: Annotated[str, _told(PATTERNS["widget"])]
    receipt: Annotated[str, _told(SHORT)] | msgspec.UnsetType = msgspec.UNSET
    write_key: Annotated[str, _told(LONG)] | msgspec.UnsetType = msgspec.UNSET

    @property
    def statement(self) -> Statement:
        """All that the visitor says, without what makes this request one of its own."""
        return Statement(
            self.version, self.hash, self.scope, self.control, self.layer, self.language, self.notice,
            bytes(self.purposes), bytes(self.services), self.regime, self.gpc, self.widget,
        )  # fmt: skip

    @property
    def continues(self) -> tuple[str, str] | None:
        """Receipt and write key of the earlier choice that this one changes; None for a first choice."""
        if self.receipt is msgspec.UNSET or self.write_key is msgspec.UNSET:
            return None
        return self.receipt, self.write_key


class Choices(msgspec.Struct, frozen=True):
    """The choices of a statement, decoded; `canonical` is the same text for all statements that say the same."""

    purposes: dict[str, Letter]
    services: dict[str, Grant]
    canonical: bytes


_SHORT = re.compile(SHORT)
_LONG = re.compile(LONG)
_PATTERNS = {name: re.compile(pattern) for name, pattern in PATTERNS.items()}
_FIELD = re.compile(r"at `\$\.?([^`]*)`|field `([^`]*)`")
_DECODER = msgspec.json.Decoder(Claim)
_PURPOSES = msgspec.json.Decoder(dict[str, Letter])
_SERVICES = msgspec.json.Decoder(dict[str, Grant])
_CANONICAL = msgspec.json.Encoder(order="deterministic")
_ALWAYS = sum(field.default is msgspec.NODEFAULT for field in msgspec.structs.fields(Claim))


def read(body: bytes) -> Claim:
    """Read a body. Raises Problem (422, with the field) for anything but what the format allows.

    The texts of its statement are left to `choices`.
    """
    try:
        claim = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid_by(error) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise Problem("not_json", "The body is not JSON in UTF-8.", "Send one JSON object.") from error
    if _SHORT.fullmatch(claim.key) is None:
        raise invalid("key", "key is to be 22 characters of base64url: 128 random bits.")
    members = _ALWAYS + _check_receipt(claim)
    # Every member has one colon, and no text that passes its pattern holds any: one more means a member came twice.
    if body.count(b":") - bytes(claim.purposes).count(b":") - bytes(claim.services).count(b":") != members:
        choices(claim.statement)
        raise invalid("", "A member of the object is there twice.")
    return claim


def choices(statement: Statement) -> Choices:
    """Check a statement's texts and decode its choices. Raises Problem (422, with the field)."""
    for name, pattern in _PATTERNS.items():
        if pattern.fullmatch(getattr(statement, name)) is None:
            raise invalid(name, f"{name} does not match {pattern.pattern}.")
    if statement.layer and not statement.notice:
        raise invalid("notice", "notice is empty only where no layer was shown: with layer 0.")
    purposes = _decoded("purposes", _PURPOSES, statement.purposes)
    services = _decoded("services", _SERVICES, statement.services)
    canonical = _CANONICAL.encode([*statement[:7], purposes, services, *statement[9:]])
    return Choices(purposes, services, canonical)


def invalid(field: str, message: str) -> Problem:
    """The answer to a field that does not fit."""
    return Problem("invalid", message, "Send the body as docs/formats.md, section 6, describes.", field=field)


def names_notice(layer: int, control: str) -> bool:
    """Whether a record of this names a notice: a layer was shown, or the page with the form, which says `object`."""
    return layer > 0 or control == "object"


def unknown_notice() -> Problem:
    """The answer to a notice that the site never showed under the version named."""
    remedy = "Load the site's script again: it names the notice that it shows."
    return Problem("invalid", "The site never showed this notice.", remedy, field="notice")


def _check_receipt(claim: Claim) -> int:
    """The number of members that speak of an earlier choice: none or two."""
    if claim.receipt is msgspec.UNSET and claim.write_key is msgspec.UNSET:
        return 0
    if claim.receipt is msgspec.UNSET or claim.write_key is msgspec.UNSET:
        raise invalid("receipt", "receipt and write_key come together, or neither comes.")
    if _SHORT.fullmatch(claim.receipt) is None:
        raise invalid("receipt", "receipt is to be the 22 characters of an earlier answer.")
    if _LONG.fullmatch(claim.write_key) is None:
        raise invalid("write_key", "write_key is to be the 43 characters of an earlier answer.")
    return 2


def _decoded(field: str, decoder: msgspec.json.Decoder[dict[str, T]], raw: bytes) -> dict[str, T]:
    try:
        decoded = decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise invalid(field, f"{field} is to be an object of letters: {error}.") from error
    if raw.count(b":") != len(decoded):
        raise invalid(field, f"A member of {field} is there twice.")
    return decoded


def _invalid_by(error: msgspec.ValidationError) -> Problem:
    found = _FIELD.search(str(error))
    field = (found[1] or found[2] or "")[:80] if found else ""
    return invalid(field, f"The body does not fit: {str(error)[:200]}.")
