"""From what a visitor says to what is recorded: actions and states, by the policy that was shown. Pure."""

import hashlib
from typing import Literal

import msgspec

from consent.errors import Problem
from consent.policy.queries import Version
from consent.policy.sources import checksum, list_text
from consent.records.claim import Choices, Statement, invalid
from consent.records.cookie import Choice, Letter, encode

Action = Literal["given", "partly", "refused", "changed", "withdrawn"]
State = Literal["unset", "granted", "denied", "withdrawn", "objected"]

STATES: dict[Letter, State] = {"g": "granted", "d": "denied", "w": "withdrawn", "o": "objected"}


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement comes to. `action` is that of a first choice; texts are JSON objects of states by key."""

    version: int
    action: Action
    withdraws: bool
    purposes: str
    services: str
    cookie: str
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
        action=action(choices, asked, withdraws=statement.control == "withdraw"),
        withdraws=statement.control == "withdraw",
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
        canonical=choices.canonical,
    )


def action(choices: Choices, asked: list[str], *, withdraws: bool) -> Action:
    """What a first choice is called. A choice that follows an earlier one is `changed`, unless it withdraws."""
    if withdraws:
        return "withdrawn"
    granted = [key for key in asked if choices.purposes.get(key) == "g"]
    if not granted and "g" not in choices.services.values():
        return "refused"
    return "given" if len(granted) == len(asked) and "d" not in choices.services.values() else "partly"


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
    return msgspec.json.encode(states).decode()
