"""From what a visitor says to what is recorded: actions and states, by the policy that was shown. Pure."""

import hashlib
from typing import Literal

import msgspec

from consent.errors import Problem
from consent.policy.queries import Version
from consent.policy.sources import checksum, list_text
from consent.records.claim import Choices, Statement, invalid
from consent.records.cookie import Choice, Letter, encode
from consent.records.lifetime import lifetime

Action = Literal["given", "partly", "refused", "changed", "withdrawn"]
Extent = Literal["everything", "something", "nothing"]
State = Literal["unset", "granted", "denied", "withdrawn", "objected"]

STATES: dict[Letter, State] = {"g": "granted", "d": "denied", "w": "withdrawn", "o": "objected"}


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement comes to. `extent` is how much it grants, `withdraws` whether it calls that a withdrawal.

    `purposes` and `services` are JSON objects of states by key. The cookie's first day is `day` (since 1970, UTC), and
    it holds for `lasts` days.
    """

    version: int
    extent: Extent
    withdraws: bool
    purposes: str
    services: str
    cookie: str
    day: int
    lasts: int
    canonical: bytes


def settle(statement: Statement, choices: Choices, version: Version, day: int) -> Settled:
    """Judge a statement by the version it names, on a day (since 1970, UTC).

    Raises Problem (422, with the field) for what that version does not ask, or a control that says otherwise than its
    choices: a refusal has every optional purpose refused in so many words, an acceptance every one granted.
    """
    resolved = version.resolved
    asked = [purpose.key for purpose in resolved.purposes if not purpose.required]
    optional = [service.key for service in resolved.services if not resolved.is_necessary(service)]
    _check_known("purposes", choices.purposes, asked)
    _check_known("services", choices.services, optional)
    _check_control(statement.control, choices, asked)
    purposes = {key: choices.purposes[key] for key in asked if key in choices.purposes}
    services = {key: choices.services[key] for key in sorted(choices.services)}
    return Settled(
        version=version.version,
        extent=extent(choices, asked),
        withdraws="w" in purposes.values(),
        purposes=_json({key: STATES[purposes[key]] if key in purposes else "unset" for key in asked}),
        services=_json({key: STATES[grant] for key, grant in services.items()}),
        cookie=_cookie(
            Choice(
                day=day,
                scope=version.scope,
                gpc=statement.gpc,
                regime=statement.regime if statement.control == "default" else "",
                purposes=purposes,
                services=services,
                sum=checksum(list_text(resolved, purposes, services)),
            )
        ),
        day=day,
        lasts=lifetime(resolved, statement.regime, grants="g" in (*purposes.values(), *services.values())),
        canonical=choices.canonical,
    )


def extent(choices: Choices, asked: list[str]) -> Extent:
    """How much is granted of what is asked."""
    granted = [key for key in asked if choices.purposes.get(key) == "g"]
    if not granted and "g" not in choices.services.values():
        return "nothing"
    whole = len(granted) == len(asked) and "d" not in choices.services.values()
    return "everything" if whole else "something"


def action(settled: Settled, before: Action | None) -> Action:
    """What a choice is called, by its states and not by the button.

    Args:
        settled: what was said.
        before: the action of the latest choice under the same receipt; None for a first choice. What a receipt granted
            last can be told from it: `given`, `partly` and `changed` grant something, the others nothing.
    """
    if settled.extent == "nothing":
        had = before in ("given", "partly", "changed")
        return "withdrawn" if had or (settled.withdraws and before != "refused") else "refused"
    if before is not None:
        return "changed"
    return "given" if settled.extent == "everything" else "partly"


def digest(settled: Settled, follows: tuple[str, str] | None) -> str:
    """SHA-256 (hex) of what was said and of which receipt, by which a repetition is told from another statement."""
    return hashlib.sha256(settled.canonical + (follows[0].encode() if follows else b"")).hexdigest()


def _check_known(field: str, given: dict[str, Letter] | dict[str, Literal["g", "d"]], known: list[str]) -> None:
    for key in given:
        if key not in known:
            raise invalid(f"{field}.{key[:40]}", f"This policy asks about no {field[:-1]} {key[:40]!r}.")


def _check_control(control: str, choices: Choices, asked: list[str]) -> None:
    """A record must not read as an acceptance or refusal that its states contradict."""
    letters = {key: choices.purposes.get(key) for key in asked}
    if control == "accept" and (set(letters.values()) - {"g"} or "d" in choices.services.values()):
        raise invalid("purposes", "accept grants every purpose and denies no service.")
    if control in ("reject", "withdraw"):
        for key, letter in letters.items():
            if letter in (None, "g"):
                raise invalid(f"purposes.{key}", f"{control} says of every purpose that it is refused.")
        if "g" in choices.services.values():
            raise invalid("services", f"{control} grants no service.")


def _cookie(choice: Choice) -> str:
    try:
        return encode(choice)
    except ValueError as error:
        raise Problem(
            "too_many_choices",
            "These choices do not fit into one cookie.",
            "Decide by purpose, and fewer services one by one.",
            field="services",
        ) from error


def _json(states: dict[str, State]) -> str:
    """Sorted by key, since records are committed to as they stand."""
    return msgspec.json.encode(states, order="deterministic").decode()
